"""target-{{cookiecutter.name}} keeps every promise of the suite.

Where the API does not let a promise be kept, leave the class or the test out, and say why in its place and in the
README.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.log_based import BaseLogBased
from conformance.mirror import BaseMirror
from conformance.plan import BaseDrift, BasePlan
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
    from collections.abc import Mapping

    from conformance.stage import Stage


class TestUpsert(BaseUpsert):
    """Records arrive, once each."""

    def delete(self, stage: Stage, match_value: str) -> None:
        """Delete a contact as a person would."""
        stage.vendor.person("DELETE", stage.vendor.records()[match_value][0]["id"])


class TestRejects(BaseRejects):
    """One bad record is one reject."""


class TestRerun(BaseRerun):
    """A rerun is free."""


class TestFaults(BaseFaults):
    """Trouble on the way changes nothing of the result."""


class TestLedger(BaseLedger):
    """The ledger keeps what it says."""

    def test_rejects_mode_keeps_only_rejects(self, stage: Stage) -> None:
        """The skeleton's API knows no upsert, so that mode is refused; leave this out where the vendor upserts."""
        result = stage.deliver([stage.record(1)], ledger="rejects")
        assert (result.exit_code, stage.vendor.write_requests()) == (78, 0)
        assert "'ledger" in result.error


class TestSingerInput(BaseSingerInput):
    """Whatever arrives on stdin."""


class TestRefusals(BaseRefusals):
    """Wrong settings are refused before anything is written."""


class TestMirror(BaseMirror):
    """What is gone from the source is taken away, and nothing else."""


class TestLogBased(BaseLogBased):
    """A mirror that our tap feeds."""

    columns = "'K' || n AS customer_id, 'first' AS city, 'person' || n || '@example.com' AS email"


class TestPlan(BasePlan):
    """A plan reads, and the run right after it does what it says."""

    READS_PER_REQUEST = 50
    """A page of a look-up."""


class TestDrift(BaseDrift):
    """What is right already is not written again."""

    def prepare(self, stage: Stage) -> Mapping[str, Any]:
        """A value of every type; the simulator has a field of each."""
        del stage
        plain = {"first_name": "Ada", "churn_risk": 12.5, "seats": 5, "active": True, "plan": "pro"}
        moments = {"since": "2026-01-31", "seen_at": "2026-01-31T10:00:00.123Z"}
        return {**plain, **moments, "interests": ["news", "events"]}

    def meddle(self, stage: Stage, key: str) -> list[str]:
        """Another first name."""
        (record,) = stage.vendor.records()[key]
        stage.vendor.person("PATCH", record["id"], {"fields": {"first_name": "Eve"}})
        return ["first_name"]
