"""The common settings."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reverse_etl_core.config import CommonConfig
from reverse_etl_core.errors import ConfigError
from reverse_etl_core.partitions import Partition
from reverse_etl_core.stream_config import FieldConfig, LookupConfig

SECRET = "s3cret"
POSTGRES = "postgresql://u@db/ledger"


def parse(environ: dict[str, str] | None = None, **config: Any) -> CommonConfig:
    """Parse settings of `target-x`."""
    return CommonConfig.from_mapping(config, target="target-x", environ=environ or {"MELTANO_PROJECT_ROOT": "/root"})


def test_defaults_follow_the_project() -> None:
    """Ledger and reports are under the project's root, the sync has the target's name."""
    one = parse()
    assert one.ledger_url.reveal() == "sqlite:////root/.reverse-etl/target-x.db"
    assert one.report_dir == Path("/root/.reverse-etl/reports")
    assert (one.sync_id, one.load_method, one.ledger, one.checkpoint_records) == ("target-x", "upsert", "full", 10_000)


def test_meltano_names_the_sync() -> None:
    """Environment, tap and loader; a given `sync_id` wins."""
    environ = {"MELTANO_ENVIRONMENT": "prod", "MELTANO_EXTRACTOR_NAME": "tap-a", "MELTANO_LOADER_NAME": "target-x--eu"}
    assert parse(environ).sync_id == "prod:tap-a-to-target-x--eu"
    assert parse(environ, sync_id="mine").sync_id == "mine"


def test_a_stream_inherits_what_it_does_not_say() -> None:
    """`streams` overrides the common settings for one stream."""
    one = parse(
        load_method="update",
        streams={
            "people": {"object": "contacts", "load_method": "create", "fields": {"email": {"from": "mail"}, "id": "n"}}
        },
    )
    people = one.stream("people")
    assert (people.object_name, people.load_method, people.fields) == (
        "contacts",
        "create",
        {"email": FieldConfig("mail"), "id": FieldConfig("n")},
    )
    assert (one.stream("other").object_name, one.stream("other").load_method) == ("other", "update")


def test_all_problems_are_listed_at_once() -> None:
    """One error names every bad setting, nested ones by their path, without their values."""
    with pytest.raises(ConfigError) as caught:
        parse(
            load_method=SECRET,
            ledger="some",
            ledger_url=f"mysql://user:{SECRET}@host/db",
            max_rejected_percent=101,
            concurrency=0,
            report_dir=3,
            streams={"people": {"objekt": "x", "fields": {"a": 3, "b": {"fron": "x"}}}, "other": SECRET},
        )
    text = str(caught.value)
    assert len(caught.value.problems) == 10
    assert SECRET not in text
    for name in ("load_method", "ledger", "ledger_url", "max_rejected_percent", "concurrency", "report_dir"):
        assert f"'{name}'" in text
    for path in ("streams.people.objekt", "streams.people.fields.a", "streams.people.fields.b.fron", "streams.other"):
        assert f"'{path}'" in text


@pytest.mark.parametrize("url", ["not a url", f"postgresql://u:{SECRET}@h:port/db", "", "sqlite:///x.db"])
def test_a_ledger_url_is_checked_without_showing_it(url: str) -> None:
    """A URL that cannot be parsed is refused with examples; an empty one is as none."""
    if url in ("", "sqlite:///x.db"):
        assert parse(ledger_url=url).ledger_url.reveal().startswith("sqlite:///")
        return
    with pytest.raises(ConfigError) as caught:
        parse(ledger_url=url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "five", "nan", True, [], -1])
@pytest.mark.parametrize("name", ["concurrency", "checkpoint_records", "reconcile_grace_seconds", "max_rejected"])
def test_a_number_is_a_number(name: str, value: Any) -> None:
    """Words, booleans, NaN, infinity and what is too small are refused."""
    with pytest.raises(ConfigError, match=f"'{name}' must be a (whole )?number"):
        parse(**{name: value})


@pytest.mark.parametrize("value", [1.5, "1.5", Decimal("1.5")])
@pytest.mark.parametrize("name", ["concurrency", "checkpoint_records", "max_rejected", "max_removed"])
def test_a_count_has_no_fraction(name: str, value: Any) -> None:
    """It is refused, and not cut off: a brake at 1.5 would be one at 1, which nobody set."""
    with pytest.raises(ConfigError, match=f"'{name}' must be a whole number"):
        parse(**{name: value})


@pytest.mark.parametrize("value", [2, 2.0, "2", Decimal(2)])
def test_a_count_may_be_text_or_a_decimal(value: Any) -> None:
    """As any number, as long as it is whole."""
    assert (parse(max_removed=value).max_removed, parse(concurrency=value).concurrency) == (2, 2)


@pytest.mark.parametrize("name", ["notify_format", "load_method", "unknown_fields", "compare_with", "ledger"])
def test_an_empty_choice_is_none(name: str) -> None:
    """Meltano passes an empty text where a setting names an environment variable that is not set."""
    assert getattr(parse(**{name: ""}), name) == getattr(parse(), name)


@pytest.mark.parametrize(
    ("stream", "problem"),
    [
        ({"match_on": []}, "'streams.people.match_on' is an empty list. Name a unique field, or remove it."),
        ({"source_key": []}, "'streams.people.source_key' is an empty list. Name the columns .*, or remove it."),
        ({"fields": {"x": {}}}, "'streams.people.fields.x' says nothing: name its column like"),
        ({"fields": {"x": {"from": None}}}, "'streams.people.fields.x' says nothing: name its column like"),
        ({"fields": {"x": {"from": "", "write": ""}}}, "'streams.people.fields.x' says nothing"),
    ],
)
def test_what_is_there_but_says_nothing_is_refused(stream: dict[str, Any], problem: str) -> None:
    """Whoever wrote it meant something, which a default is not."""
    with pytest.raises(ConfigError, match=problem) as caught:
        parse(streams={"people": stream})
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("value", [2.5, "2.5", Decimal("2.5")])
def test_a_number_may_be_text_or_a_decimal(value: Any) -> None:
    """The environment has text, and the SDK reads fractions in a file as decimals."""
    assert parse(reconcile_grace_seconds=value).reconcile_grace_s == 2.5


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, Partition()),
        ({"partition_count": 1}, Partition()),
        ({"partition_count": 1, "partition_index": 0}, Partition()),
        ({"partition_count": 4, "partition_index": 3, "ledger_url": POSTGRES}, Partition(3, 4)),
        ({"partition_count": "4", "partition_index": " 0 ", "ledger_url": POSTGRES}, Partition(0, 4)),
        ({"partition_count": Decimal(4), "partition_index": 0, "ledger_url": POSTGRES}, Partition(0, 4)),
    ],
)
def test_a_worker_has_its_partition(config: dict[str, Any], expected: Partition) -> None:
    """From two settings; without them it delivers the whole sync."""
    assert parse(**config).partition == expected


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"partition_count": 0}, "'partition_count' must be a whole number, 1 or more."),
        ({"partition_count": 2.5, "partition_index": 0}, "'partition_count' must be a whole number"),
        ({"partition_count": True, "partition_index": 0}, "'partition_count' must be a whole number"),
        ({"partition_index": 1}, "'partition_count' must be a whole number"),
        ({"partition_count": 2}, "'partition_index' must be a whole number from 0 to 1"),
        ({"partition_count": 2, "partition_index": 2}, "'partition_index' must be a whole number from 0 to 1"),
        ({"partition_count": 2, "partition_index": "-1"}, "'partition_index' must be a whole number from 0 to 1"),
        ({"partition_count": 2, "partition_index": 0, "ledger_url": None}, "'ledger_url' to a PostgreSQL database"),
        ({"partition_count": 2, "partition_index": 0, "ledger_url": "sqlite:////l.db"}, "to a PostgreSQL database"),
    ],
)
def test_a_wrong_partition_is_refused(config: dict[str, Any], problem: str) -> None:
    """With what would do; several workers need a ledger that they can share."""
    with pytest.raises(ConfigError, match=problem):
        parse(**({"ledger_url": POSTGRES} | config))


def test_the_configuration_does_not_show_its_secret() -> None:
    """The ledger's URL may hold a password."""
    assert SECRET not in repr(parse(ledger_url=f"postgresql+psycopg://u:{SECRET}@h/db"))


def lookup_of(entry: Any) -> FieldConfig:
    """The parsed entry of field `AccountId`."""
    fields = parse(streams={"people": {"fields": {"AccountId": entry}}}).stream("people").fields
    assert fields is not None
    return fields["AccountId"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("col", FieldConfig("col")),
        ({"from": "col"}, FieldConfig("col")),
        ({"from": "col", "lookup": None}, FieldConfig("col")),
        ({"lookup": {"object": "Account"}}, FieldConfig("AccountId", LookupConfig("Account", None, "reject"))),
        (
            {"from": "col", "lookup": {"object": "Account", "match_on": "Key__c", "on_missing": "skip_field"}},
            FieldConfig("col", LookupConfig("Account", "Key__c", "skip_field")),
        ),
    ],
)
def test_a_lookup_names_another_object_and_its_field(entry: Any, expected: FieldConfig) -> None:
    """Only the object has to be named; without `from` the column has the field's name."""
    assert lookup_of(entry) == expected


@pytest.mark.parametrize(
    ("entry", "problems"),
    [
        (3, ["AccountId' must be a column name"]),
        ("", ["AccountId' must be a column name"]),
        ([SECRET], ["AccountId' must be a column name"]),
        ({"from": 3}, ["AccountId.from' must be a string"]),
        ({"from": "col", "lokup": {}}, ["AccountId.lokup' is not a setting", "from, lookup"]),
        ({"from": "col", "lookup": SECRET}, ["AccountId.lookup' must be an object"]),
        ({"from": "col", "lookup": {}}, ["AccountId.lookup.object' is missing"]),
        ({"from": "col", "lookup": {"match_on": "k"}}, ["AccountId.lookup.object' is missing"]),
        ({"from": "col", "lookup": {"object": 3}}, ["AccountId.lookup.object' must be a string"]),
        ({"from": "col", "lookup": {"object": "A", "match_on": [SECRET]}}, ["lookup.match_on' must be a string"]),
        ({"from": "col", "lookup": {"object": "A", "on_missing": SECRET}}, ["on_missing' must be one of reject, skip"]),
        ({"from": "col", "lookup": {"object": "A", "key": "k"}}, ["lookup.key' is not a setting", "on_missing"]),
    ],
)
def test_a_bad_lookup_is_named_by_its_path(entry: Any, problems: list[str]) -> None:
    """One problem each, with what would do and without the value."""
    with pytest.raises(ConfigError) as caught:
        lookup_of(entry)
    assert len(caught.value.problems) == 1
    assert SECRET not in str(caught.value)
    for words in problems:
        assert words in str(caught.value)


def test_bad_lookups_are_all_listed() -> None:
    """Those of several fields and streams in one error."""
    bad = {"from": 3, "lookup": {"match_on": 3, "on_missing": "guess"}}
    with pytest.raises(ConfigError) as caught:
        parse(streams={"people": {"fields": {"a": bad, "b": bad}}, "others": {"fields": {"a": 3}}})
    assert len(caught.value.problems) == 9


def test_the_lookups_of_a_stream() -> None:
    """Only the fields that have one; a stream without `fields` has none."""
    fields = {"a": "x", "b": {"from": "y"}, "c": {"lookup": {"object": "O"}}}
    one = parse(streams={"people": {"fields": fields}})
    assert dict(one.stream("people").lookups()) == {"c": LookupConfig("O", None, "reject")}
    assert dict(one.stream("other").lookups()) == {}
