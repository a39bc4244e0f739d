"""target-hubspot keeps every promise of the suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

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


class TestDrift(BaseDrift):
    """What is right already is not written again."""

    KINDS: ClassVar[Mapping[str, tuple[str, str, Any]]] = {
        "flag": ("bool", "booleancheckbox", True),
        "day": ("date", "date", "2026-01-31"),
        "moment": ("datetime", "date", "2026-01-31T10:00:00.123456+02:00"),
        "size": ("number", "number", 12.50),
        "essay": ("string", "textarea", "a line\nand  another "),
        "regions": ("enumeration", "checkbox", ["emea", "apac"]),
    }  # fmt: skip

    def prepare(self, stage: Stage) -> Mapping[str, Any]:
        """A property of each type; an address in capitals."""
        for name, (kind, field_type, _) in self.KINDS.items():
            chosen = {"enumeration": ("apac", "emea"), "bool": ("true", "false")}.get(kind, ())
            options = [{"label": one, "value": one} for one in chosen]
            body = {"name": f"my_{name}", "label": name, "type": kind, "fieldType": field_type, "options": options}
            self.call(stage, "POST", "properties/contacts", {"groupName": "contactinformation", **body})
        values = {f"my_{name}": value for name, (_, _, value) in self.KINDS.items()}
        return {**values, "plan": "pro", "churn_risk": "0.10", "phone": " +49 30 1 "}

    def meddle(self, stage: Stage, key: str) -> list[str]:
        """Another day."""
        (record,) = stage.vendor.records()[key]
        self.call(stage, "PATCH", f"objects/contacts/{record['id']}", {"properties": {"my_day": "2026-02-01"}})
        return ["my_day"]

    def call(self, stage: Stage, method: str, path: str, body: dict[str, Any]) -> None:
        """One request of a person."""
        url, headers = f"{stage.vendor.url}/crm/v3/{path}", {"Authorization": "Bearer pat-person"}
        answer = requests.request(method, url, json=body, headers=headers, timeout=10)
        assert answer.ok, answer.text
