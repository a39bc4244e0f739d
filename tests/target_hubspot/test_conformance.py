"""target-hubspot keeps every promise of the suite."""

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
        """Archive a contact."""
        record = stage.vendor.records()[match_value][0]
        url = f"{stage.vendor.url}/crm/v3/objects/contacts/{record['id']}"
        requests.delete(url, headers={"Authorization": "Bearer pat-person"}, timeout=10).raise_for_status()


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


class TestPlan(BasePlan):
    """A plan reads, and the run right after it does what it says."""
