"""Fields that name a record of another object by its match value."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from core.fake_family import family
from core.fakes import route
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core import identity
from reverse_etl_core.errors import ConfigError
from reverse_etl_core.intake import Intake
from reverse_etl_core.operations import RejectCode, Verb
from reverse_etl_core.planning import Candidate, Refusal, Step, operation
from reverse_etl_core.queues import WorkQueues
from reverse_etl_core.references import compile_references
from reverse_etl_core.schema import FieldType, Limits, ObjectSchema, Reference
from reverse_etl_core.stream_config import FieldConfig, LookupConfig, StreamConfig

if TYPE_CHECKING:
    from reverse_etl_core.routing import Route

PEOPLE, COMPANIES = family("people"), family("companies")
COLUMNS = ("key", "name", "boss", "firm")


def lookups(**changes: LookupConfig) -> StreamConfig:
    """A stream of people, each with a company and a manager."""
    given = {"company": LookupConfig("companies", "key", "reject")} | changes
    fields = {name: FieldConfig(name, one) for name, one in given.items()}
    return StreamConfig("people", "key", "upsert", fields, "fail")


def compiled(parents: dict[str, ObjectSchema] | None = None, **changes: LookupConfig) -> dict[str, Reference]:
    """What the lookups come to."""
    known = {"companies": COMPANIES, "people": PEOPLE} if parents is None else parents
    return compile_references("staff", lookups(**changes), PEOPLE, known)


def test_a_lookup_becomes_a_reference_to_the_other_objects_match_field() -> None:
    """By the canonical name of the object, whatever the user called it."""
    found = compiled({"Firms": COMPANIES, "people": PEOPLE}, company=LookupConfig("Firms", "key", "reject"))
    assert found == {"company": Reference("companies", COMPANIES.fields["key"])}


def test_without_match_on_the_natural_field_serves() -> None:
    """The field that people expect."""
    assert compiled(company=LookupConfig("companies", None, "reject"))["company"].match_field.name == "key"


@pytest.mark.parametrize(("on_missing", "is_optional"), [("reject", False), ("skip_field", True)])
def test_on_missing_says_whether_the_parent_is_optional(on_missing: str, *, is_optional: bool) -> None:
    """A record whose parent does not exist is rejected, or written without the field."""
    assert compiled(company=LookupConfig("companies", "key", on_missing))["company"].is_optional is is_optional


def test_a_lookup_by_the_other_objects_id_is_a_plain_value() -> None:
    """An id needs no translation: it is judged and written as the field itself takes it."""
    by_id = LookupConfig("companies", "id", "reject")
    assert compiled(company=by_id) == {}
    way = staff({"company": by_id})
    assert way.references == {}
    assert judged(way, {"key": "a", "firm": "0" * 19}).code is RejectCode.TOO_LONG


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": LookupConfig("people", "key", "reject")}, ["'name'", "points to no other record of 'people'"]),
        ({"manager": LookupConfig("companies", "key", "reject")}, ["'manager'", "points to 'people'", "'companies'"]),
        ({"company": LookupConfig("companies", "name", "reject")}, ["by 'name'", "'key' or 'number' or 'id'"]),
        ({"company": LookupConfig("companies", "nope", "reject")}, ["by 'nope'", "'key' or 'number' or 'id'"]),
    ],
)
def test_a_lookup_that_makes_no_sense_is_refused_with_the_choices(
    changes: dict[str, LookupConfig], words: list[str]
) -> None:
    """The message names stream and field, and what would do."""
    with pytest.raises(ConfigError) as caught:
        compiled(**changes)
    assert len(caught.value.problems) == 1
    for word in ["Stream 'staff'", *words]:
        assert word in str(caught.value)


def test_an_object_without_a_natural_field_needs_match_on() -> None:
    """Nothing is guessed."""
    bare = replace(COMPANIES, natural_match_field=None)
    with pytest.raises(ConfigError, match="Set 'match_on' to 'key' or 'number' or 'id'"):
        compiled({"companies": bare}, company=LookupConfig("companies", None, "reject"))


def test_an_object_that_cannot_be_recognised_says_so() -> None:
    """There is nothing to choose from, and the message says what to create."""
    fields = {name: replace(one, is_key=False) for name, one in COMPANIES.fields.items()}
    bare = replace(COMPANIES, natural_match_field=None, id_field=None, fields=fields)
    with pytest.raises(ConfigError, match="create a unique field at the destination first"):
        compiled({"companies": bare}, company=LookupConfig("companies", None, "reject"))


def test_several_problems_are_reported_at_once() -> None:
    """All lookups in one error; fields and objects that there are not are reported elsewhere."""
    with pytest.raises(ConfigError) as caught:
        compiled(
            name=LookupConfig("people", "key", "reject"),
            company=LookupConfig("companies", "name", "reject"),
            manager=LookupConfig("companies", "key", "reject"),
            nothing=LookupConfig("companies", "key", "reject"),
            parent=LookupConfig("nowhere", "key", "reject"),
        )
    assert len(caught.value.problems) == 3


# -- on their way


def staff(links: dict[str, LookupConfig], limit: int = 3) -> Route:
    """People with a boss and a firm, named as the lookups say."""
    fields = {"key": "key", "name": "name", "manager": "boss", "company": "firm"}
    way = {"lookups": links, "parents": {"companies": COMPANIES, "people": PEOPLE}}
    return route(family("people", limit), columns=COLUMNS, keys=("key",), fields=fields, **way)


def judged(way: Route, record: dict[str, Any]) -> Any:
    """The verdict over a record."""
    return Intake(way).judge(msgspec.Raw(msgspec.json.encode(record)))


BY_KEY = {"company": LookupConfig("companies", "key", "reject"), "manager": LookupConfig("people", None, "reject")}
BY_NUMBER = BY_KEY | {"company": LookupConfig("companies", "number", "reject")}


@pytest.mark.parametrize(
    ("links", "value", "mapped"),
    [
        (BY_KEY, "a key that is longer than any id", "a key that is longer than any id"),
        (BY_KEY, 7, "7"),
        (BY_NUMBER, 7, 7),
        (BY_NUMBER, "7", 7),
        (BY_NUMBER, 7.0, 7),
        (BY_KEY, None, None),
        (BY_NUMBER, "", None),
    ],
)
def test_a_value_has_the_type_of_the_parents_match_field(links: Any, value: Any, mapped: Any) -> None:
    """Neither the type nor the length of the field's own ids says anything of it."""
    one = judged(staff(links), {"key": "a", "firm": value})
    assert isinstance(one, Candidate)
    assert one.fields["company"] == mapped


def test_a_value_that_the_parents_match_field_cannot_hold_is_refused() -> None:
    """A number is asked for, and the message names the field that is written."""
    one = judged(staff(BY_NUMBER), {"key": "a", "firm": "seven"})
    assert isinstance(one, Refusal)
    assert (one.code, "'company'" in one.reason) == (RejectCode.INVALID_VALUE, True)


anything = st.one_of(st.none(), st.integers(), st.text(max_size=30), st.floats(allow_nan=False), st.booleans())


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.fixed_dictionaries({"key": st.text(max_size=3)}, optional={"boss": anything, "firm": anything}))
def test_the_quick_way_and_the_thorough_one_agree_on_references(record: dict[str, Any]) -> None:
    """Whichever way a record takes, it becomes the same candidate."""
    for links in (BY_KEY, BY_NUMBER):
        one = Intake(staff(links))
        raw = msgspec.Raw(msgspec.json.encode(record))
        assert one._typed
        quick = one._typed.candidate(raw)
        if quick is not None:
            assert one.judge_thoroughly(msgspec.json.Decoder(float_hook=Decimal).decode(raw)) == quick


def test_plain_references_take_the_quick_way() -> None:
    """A reference costs nothing."""
    one = Intake(staff(BY_NUMBER))
    assert one._typed
    assert one._typed.candidate(msgspec.Raw(b'{"key": "a", "boss": "b", "firm": 7}')) is not None


def queued(way: Route, count: int) -> WorkQueues:
    """Records of three firms in turn, in the order of their arrival."""
    queues = WorkQueues(way)
    for n in range(count):
        payload = identity.encode({"key": f"k{n}", "company": f"c{n % 3}"})
        queues.put(Candidate(f"[{n}]", f"k{n}", payload, identity.digest(payload)), Step.UPSERT)
    return queues


def test_records_with_the_same_parent_lie_side_by_side() -> None:
    """So that fewer requests at the same time want the same parent; those of one parent keep their order."""
    batches = list(queued(staff(BY_KEY), 9).take_batches(everything=False))
    firms = [[one.fields["company"] for one in batch.operations] for batch in batches]
    assert firms == [["c0"] * 3, ["c1"] * 3, ["c2"] * 3]
    assert [one.match_key for one in batches[0].operations] == ["k0", "k3", "k6"]
    assert [dict(one.references) for one in batches] == [dict(staff(BY_KEY).references)] * 3


def test_without_references_records_keep_their_order() -> None:
    """Nothing is sorted that need not be."""
    batches = list(queued(staff({}), 6).take_batches(everything=False))
    assert [one.match_key for batch in batches for one in batch.operations] == [f"k{n}" for n in range(6)]


def test_a_reference_is_written_only_where_its_field_may_be() -> None:
    """A parent that cannot be changed later is left out of updates, whatever its match field allows."""
    fixed = replace(PEOPLE.fields["company"], is_updatable=False)
    schema = replace(PEOPLE, fields={**PEOPLE.fields, "company": fixed}, limits=Limits(3))
    fields = {"key": "key", "company": "firm"}
    way = route(schema, columns=COLUMNS, keys=("key",), fields=fields, lookups=BY_KEY, parents={"companies": COMPANIES})
    payload = identity.encode({"company": "c", "key": "a"})
    one = Candidate("[1]", "a", payload, identity.digest(payload), destination_id="7")
    assert "company" in operation(one, Verb.CREATE, way).fields
    assert "company" not in operation(one, Verb.UPDATE, way).fields
    assert not way.has_native_upsert


def test_a_reference_is_no_key() -> None:
    """People of one firm are not one person."""
    way = staff(BY_KEY)
    held = next(one.field for one in way.mapping.columns if one.field.name == "company")
    assert (held.is_key, held.type, held.max_length) == (False, FieldType.STRING, None)
