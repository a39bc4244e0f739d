"""target-salesforce keeps every promise of the suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
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
        """Delete an account."""
        record = stage.vendor.records()[match_value][0]
        url = f"{stage.vendor.url}/services/data/v67.0/sobjects/{stage.vendor.object_name}/{record['Id']}"
        requests.delete(url, headers={"Authorization": "Bearer 00Dperson"}, timeout=10).raise_for_status()


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

    def permit_deletion(self, stage: Stage) -> None:
        """Grant "Bulk API Hard Delete"."""
        stage.vendor.control("limits", {"salesforce": {"bulk_hard_delete": True}})


class TestPlan(BasePlan):
    """A plan reads, and the run right after it does what it says."""


KINDS: tuple[tuple[dict[str, Any], Any], ...] = (
    ({"name": "Text__c", "type": "textarea", "length": 4000}, "a line\nand  another "),
    ({"name": "Number__c", "type": "double", "precision": 15, "scale": 3}, "1.23456"),
    ({"name": "Price__c", "type": "currency", "precision": 14, "scale": 2}, 1.005),
    ({"name": "Count__c", "type": "int"}, 7),
    ({"name": "Day__c", "type": "date"}, "2026-01-31"),
    ({"name": "At__c", "type": "datetime"}, "2026-01-31T10:00:00.123456+02:00"),
    ({"name": "Clock__c", "type": "time"}, "10:20:30.5"),
    ({"name": "One__c", "type": "picklist", "values": ["red", "green"], "restricted": True}, "red"),
    ({"name": "Many__c", "type": "multipicklist", "values": ["red", "green"], "restricted": True}, ["green", "red"]),
)
SEED = {"salesforce": {"fields": {"Contact": [field for field, _ in KINDS]}}}


class TestDrift(BaseDrift):
    """What is right already is not written again."""

    def prepare(self, stage: Stage) -> Mapping[str, Any]:
        """A value for each type; a parent by 15 characters of its id."""
        account = self.call(stage, "POST", "Account", {"Name": "pl4nted"})
        values = {field["name"]: value for field, value in KINDS}
        return {**values, "AccountId": account["id"][:15], "Email": "PL4NTED@Example.com", "Phone": " +49 30 1 "}

    def meddle(self, stage: Stage, key: str) -> list[str]:
        """Another price."""
        (record,) = stage.vendor.records()[key]
        self.call(stage, "PATCH", f"Contact/{record['Id']}", {"Price__c": 1.02})
        return ["Price__c"]

    def call(self, stage: Stage, method: str, path: str, body: dict[str, Any]) -> Any:
        """One request of a person."""
        url, headers = f"{stage.vendor.url}/services/data/v67.0/sobjects/{path}", {"Authorization": "Bearer 00Dperson"}
        answer = requests.request(method, url, json=body, headers=headers, timeout=10)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None
