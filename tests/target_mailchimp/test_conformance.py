"""target-mailchimp keeps every promise of the suite."""

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


class TestDrift(BaseDrift):
    """What is right already is not written again."""

    def prepare(self, stage: Stage) -> Mapping[str, Any]:
        """Merge fields of each type, interests; a birthday as a date, a place at 0, 0, an address without a country."""
        for tag, kind in (
            ("BORN", "birthday"),
            ("SINCE", "date"),
            ("HOME", "address"),
            ("SITE", "url"),
            ("ZIP", "zip"),
        ):
            self.call(stage, "POST", "merge-fields", {"tag": tag, "name": tag.title(), "type": kind})
        category = self.call(stage, "POST", "interest-categories", {"title": "Letters", "type": "checkboxes"})
        for name in ("Weekly", "Monthly"):
            self.call(stage, "POST", f"interest-categories/{category['id']}/interests", {"name": name})
        address = {"HOME.addr1": "1 Main St", "HOME.city": "Ulm", "HOME.state": "BW", "HOME.zip": "89073"}
        place = {"location.latitude": 0, "location.longitude": 0.0}
        merged = {"BORN": "1980-12-21", "SINCE": "2026-01-31", "SITE": "https://example.com", "ZIP": "12345"}
        moments = {"timestamp_signup": "2026-01-31T10:00:00.123Z"}
        plain = {"tags": ["Vip", "Old"], "vip": True, "language": "de", "interests.Letters": ["Weekly"], "LTV": 12.5}
        return {**merged, **address, "HOME.country": None, **place, **moments, **plain}

    def meddle(self, stage: Stage, key: str) -> list[str]:
        """Another town, and a tag of somebody else."""
        (member,) = stage.vendor.records()[key]
        home = {"addr1": "1 Main St", "city": "Bonn", "state": "BW", "zip": "89073", "country": "US"}
        self.call(stage, "PATCH", f"members/{member['id']}", {"merge_fields": {"HOME": home}})
        self.call(stage, "POST", f"members/{member['id']}/tags", {"tags": [{"name": "theirs", "status": "active"}]})
        return ["HOME.city"]

    def call(self, stage: Stage, method: str, path: str, body: dict[str, Any]) -> Any:
        """One request of a person."""
        url = f"{stage.vendor.url}/3.0/lists/{stage.vendor.settings['list_id']}/{path}"
        answer = requests.request(method, url, json=body, auth=("any", "key-of-a-person"), timeout=10)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None
