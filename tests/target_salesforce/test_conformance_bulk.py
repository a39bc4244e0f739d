"""target-salesforce keeps every promise of the suite also by bulk jobs.

What is refused before anything is sent, or is about the input alone, is the same: `test_conformance.py` has it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from conformance.mirror import BaseMirror
from conformance.suite import BaseFaults, BaseLedger, BaseRejects, BaseRerun, BaseUpsert, faults
from salesforce_stage import SalesforceVendor

if TYPE_CHECKING:
    from conformance.stage import Stage
    from salesforce_stage import SalesforceStage


@pytest.fixture
def stage(stage: SalesforceStage) -> SalesforceStage:
    """Runs target-salesforce against the simulator, by jobs only."""
    settings = {**stage.vendor.settings, "api": "bulk"}
    stage.vendor = dataclasses.replace(stage.vendor, settings=settings, write_path="*/jobs/ingest*")
    return stage


class TestUpsert(BaseUpsert):
    """Records arrive, once each."""

    def delete(self, stage: Stage, match_value: str) -> None:
        """Delete a contact."""
        assert isinstance(stage.vendor, SalesforceVendor)
        record = stage.vendor.records()[match_value][0]
        stage.vendor.ask("DELETE", f"sobjects/{stage.vendor.object_name}/{record['Id']}")


class TestRejects(BaseRejects):
    """One bad record is one reject."""


class TestRerun(BaseRerun):
    """A rerun is free."""


class TestFaults(BaseFaults):
    """Trouble on the way changes nothing of the result."""

    @pytest.mark.parametrize("load_method", ["upsert", "create"])
    @pytest.mark.parametrize("seed", range(8))
    def test_a_job_survives_trouble_at_any_step(self, stage: SalesforceStage, seed: int, load_method: str) -> None:
        """A job has few requests: here one in four meets trouble. All arrive once, in this run or in the next one."""
        rules = [{**one, "seed": seed * 10 + n} for n, one in enumerate(faults(stage, 0.08))]
        stage.vendor.faults(rules)
        runs = [stage.deliver((stage.record(n) for n in range(300)), stream={"load_method": load_method})]
        while runs[-1].exit_code and len(runs) < 3:
            runs.append(stage.deliver((stage.record(n) for n in range(300)), stream={"load_method": load_method}))
        assert runs[-1].exit_code == 0
        assert len(stage.texts()) == len(stage.vendor.events("record_created")) == 300


class TestLedger(BaseLedger):
    """The ledger keeps what it says."""


class TestMirror(BaseMirror):
    """What is gone from the source is taken away, and nothing else."""

    def permit_deletion(self, stage: Stage) -> None:
        """Grant "Bulk API Hard Delete"."""
        stage.vendor.control("limits", {"salesforce": {"bulk_hard_delete": True}})
