"""Fields that a target makes on request, and e-mail rules from the settings, through the whole target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from core.fake_target import FakeTarget, JournalDestination
from core.fakes import Crm, people
from core.test_target import Stage, record, schema, state

from reverse_etl_core.emails import EmailRules
from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import Field, FieldType, ObjectSchema, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination


class GrowingDestination(JournalDestination):
    """Makes the fields that it is asked for, but for one."""

    adds_fields = True
    asked: ClassVar[list[dict[str, Any]]]

    def add_fields(self, schema: ObjectSchema, columns: Mapping[str, Mapping[str, Any]]) -> ObjectSchema:
        """Make fields of text."""
        self.asked.append(dict(columns))
        made = {name: Field(name, FieldType.STRING) for name in columns if name != "refused"}
        return people(is_native=True, records_per_request=100, fields=frozen({**schema.fields, **made}))


class GrowingTarget(FakeTarget):
    """Over a destination that makes fields."""

    kind: ClassVar[type[GrowingDestination]] = GrowingDestination

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """The fake account."""
        del common
        return self.kind(config, self.crm, people(is_native=True, records_per_request=100), traffic=self.traffic)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An empty destination."""
    kind = type("OwnDestination", (GrowingDestination,), {"asked": []})
    return Stage(tmp_path, type("OwnTarget", (GrowingTarget,), {"crm": Crm(), "kind": kind}))


def asked(stage: Stage) -> list[dict[str, Any]]:
    """The columns that fields were asked for."""
    kind: type[GrowingDestination] = stage.target.kind  # type: ignore[attr-defined]
    return kind.asked


def with_types(*columns: str) -> dict[str, Any]:
    """A SCHEMA message with types."""
    message = schema("key", "name", *columns)
    for column in columns:
        message["schema"]["properties"][column] = {"type": ["null", "number"]}
    return message


def test_what_the_object_lacks_is_made_before_the_first_record(stage: Stage) -> None:
    """The destination is told the missing fields with their columns' types, once, and they are written."""
    messages = [with_types("ltv"), record(key="a", name="x", ltv="9"), state(1)]
    stage.run(messages)
    assert stage.exit_code == 0
    assert asked(stage) == [{"ltv": {"type": ["null", "number"]}}]
    assert [one["ltv"] for one in stage.target.crm.records.values()] == ["9"]


def test_fields_that_the_settings_name_are_made_too(stage: Stage) -> None:
    """A name that nobody knows yet is no mistake then; the column's type comes along under the field's name."""
    streams = {"people": {"match_on": "key", "fields": {"key": "key", "value": "ltv"}}}
    stage.run([with_types("ltv"), record(key="a", ltv="9")], streams=streams)
    assert stage.exit_code == 0
    assert asked(stage) == [{"value": {"type": ["null", "number"]}}]


def test_what_is_still_missing_is_named(stage: Stage) -> None:
    """A field that was not made is an unknown field as ever."""
    stage.run([with_types("refused"), record(key="a")])
    assert isinstance(stage.error, ConfigError)
    assert "'refused'" in str(stage.error)


def test_nobody_is_asked_where_nothing_is_missing(stage: Stage) -> None:
    """The usual case."""
    stage.run([schema(), record(key="a", name="x")])
    assert stage.exit_code == 0
    assert asked(stage) == []


def test_a_target_that_makes_no_fields_changes_nothing(tmp_path: Path) -> None:
    """The default of the hook."""
    stage = Stage(tmp_path, type("OwnTarget", (FakeTarget,), {"crm": Crm()}))
    stage.run([with_types("ltv"), record(key="a", ltv="9")])
    assert isinstance(stage.error, ConfigError)
    assert "'ltv'" in str(stage.error)


@pytest.mark.parametrize(
    ("setting", "rejected"),
    [("reject_role_addresses", "info@a.com"), ("reject_disposable_addresses", "a@mailinator.com")],
)
def test_rules_are_settings(stage: Stage, setting: str, rejected: str) -> None:
    """Off by default; on, the records that break them are rejected as `invalid_email`."""
    messages = [schema("key", "email"), *(record(key=one, email=one) for one in ("ada@a.com", rejected))]
    stage.run(messages)
    assert len(stage.target.crm.records) == 2
    stage.target.crm.records.clear()
    stage.run(messages, ledger_url=f"sqlite:///{stage.root}/other.db", **{setting: "true"})
    assert stage.exit_code == 0
    assert [one["email"] for one in stage.target.crm.records.values()] == ["ada@a.com"]
    assert stage.report()["streams"]["people"]["codes"] == {"invalid_email": 1}


def test_the_setting_for_deliverability_reaches_the_rules(stage: Stage) -> None:
    """With the machine's resolver, which nobody asks here."""
    stage.run([schema(), record(key="a")], check_deliverability=True)
    assert stage.exit_code == 0
    assert EmailRules.of(stage.made[-1].common)
