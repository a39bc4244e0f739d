"""target-mailchimp keeps every promise of the suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from conformance.mirror import BaseMirror
from conformance.plan import BasePlan
from conformance.suite import (
    BaseFaults,
    BaseLedger,
    BaseRefusals,
    BaseRejects,
    BaseRerun,
    BaseSingerInput,
    BaseUpsert,
)

if TYPE_CHECKING:
    from conformance.stage import Stage


class TestUpsert(BaseUpsert):
    """Records arrive, once each."""

    def delete(self, stage: Stage, match_value: str) -> None:
        """Archive a member, which comes back only where the setting says so; a forgotten one never does."""
        stage.extra["revive_archived"] = True
        member = stage.vendor.records()[match_value][0]["id"]
        url = f"{stage.vendor.url}/3.0/lists/{stage.vendor.settings['list_id']}/members/{member}"
        requests.delete(url, auth=("any", "key-of-a-person"), timeout=10).raise_for_status()


class TestRejects(BaseRejects):
    """One bad record is one reject."""


class TestRerun(BaseRerun):
    """A rerun is free."""


class TestFaults(BaseFaults):
    """Trouble on the way changes nothing of the result."""


class TestLedger(BaseLedger):
    """The ledger keeps what it says."""


class TestSingerInput(BaseSingerInput):
    """Whatever arrives on stdin."""


class TestRefusals(BaseRefusals):
    """Wrong settings are refused before anything is written."""


class TestMirror(BaseMirror):
    """What is gone from the source is taken away, and nothing else."""

    def identity(self, stage: Stage, key: str) -> object:
        """Nothing: a member's id follows from its address. What is left is that no second one appears."""
        return len(stage.vendor.records()[key])


class TestPlan(BasePlan):
    """A plan reads, and the run right after it does what it says."""
