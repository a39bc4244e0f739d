"""What of a record is written, by policy and by what the destination holds already."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from core.fakes import World, people, route
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.operations import Verb
from reverse_etl_core.routing import Promise
from reverse_etl_core.stream_config import FieldConfig

COMPARES = Promise(compares=True)
NATIVE = pytest.mark.parametrize("is_native", [True, False])


def world(folder: Path, *, is_native: bool = True, promise: Promise | None = None, **settings_of_route: Any) -> World:
    """An empty world; `fields` maps to a column, or a policy, or both."""
    folder.mkdir(exist_ok=True, parents=True)
    fields = {name: config(name, one) for name, one in settings_of_route.pop("fields", {"name": "always"}).items()}
    fields.setdefault("key", FieldConfig("key"))
    columns = tuple({"n", *(one.column for one in fields.values() if one.column)})
    schema = people(is_native=is_native)
    given_route = {"fields": fields, "columns": columns, **settings_of_route}
    return World(folder / "ledger.db", route(schema, promise=promise or Promise(), **given_route))


def config(name: str, one: str | dict[str, Any]) -> FieldConfig:
    """A column of the field's own name with this policy, or a constant."""
    return FieldConfig(None, constant=one["value"]) if isinstance(one, dict) else FieldConfig(name, write=one)


def row(n: int = 1, **values: Any) -> dict[str, Any]:
    """A record; its key goes with its number unless it says so."""
    return {"n": n, "key": f"k{n}", **values}


def held(one: World, key: str = "k1") -> dict[str, Any]:
    """The only record with a match value."""
    one.crm.catch_up(everything=True)
    (found,) = (record for record in one.crm.records.values() if record.get("key") == key)
    return found


def fates(one: World) -> dict[str, int]:
    """What the last run counted."""
    return {name: count for name, count in one.tally.as_dict().items() if count}


def writes(one: World) -> int:
    """Requests that wrote, so far."""
    return len(one.crm.writes)


# -- as the destination keeps values


@NATIVE
def test_a_destination_says_when_a_value_is_the_same(tmp_path: Path, *, is_native: bool) -> None:
    """What it keeps otherwise than it was given is not written again."""
    one = world(tmp_path, is_native=is_native, promise=COMPARES)
    schema = people(is_native=is_native, shows=lambda _, wanted, current: str(wanted).upper() == current)
    one.route = replace(one.route, schema=schema)
    one.crm.records["9"] = {"key": "k1", "name": "ADA"}
    assert one.run([[row(name="ada")]])
    assert (fates(one), writes(one)) == ({"read": 1, "unchanged": 1}, 0)
    assert one.run([[row(name="bob")]])
    assert fates(one) == {"read": 1, "updated": 1}


@NATIVE
def test_fields_of_a_whole_are_written_together(tmp_path: Path, *, is_native: bool) -> None:
    """Where one of them differs all of them are sent; others are compared by themselves."""
    fields = {"name": "always", "score": "always", "price": "always"}
    one = world(tmp_path, is_native=is_native, promise=COMPARES, fields=fields)
    one.route = replace(one.route, schema=people(is_native=is_native, wholes=(frozenset({"name", "score", "tags"}),)))
    values = {"name": "a", "score": 1, "price": 2}
    assert one.run([[row(**values)]])
    (record,) = one.crm.records.values()
    sent: list[dict[str, Any]] = []
    apply = one.crm.apply
    one.crm.apply = lambda batch, it: (sent.append(dict(it.fields)), apply(batch, it))[1]  # type: ignore[method-assign]
    record["name"] = "theirs"
    assert one.run([[row(**values)]])
    record["price"] = 7
    assert one.run([[row(**values)]])
    assert one.run([[row(**values)]])
    assert sent == [{"name": "a", "score": 1}, {"price": 2}]


# -- policies


@NATIVE
@pytest.mark.parametrize(
    ("policy", "before", "value", "after"),
    [
        ("always", "theirs", "ours", "ours"),
        ("always", "theirs", None, None),
        ("skip_null", "theirs", "ours", "ours"),
        ("skip_null", "theirs", None, "theirs"),
        ("if_empty", "theirs", "ours", "theirs"),
        ("if_empty", "theirs", None, "theirs"),
        ("if_empty", None, "ours", "ours"),
        ("if_empty", "", "ours", "ours"),
        ("on_create", "theirs", "ours", "theirs"),
        ("on_create", None, "ours", None),
    ],
)
def test_an_existing_record_is_written_by_policy(
    tmp_path: Path, policy: str, before: str | None, value: str | None, after: str | None, *, is_native: bool
) -> None:
    """What an adopted record has is overwritten, kept or filled in, and never in a second run."""
    one = world(tmp_path, is_native=is_native, fields={"name": policy, "score": "always"})
    one.crm.records["7"] = {"key": "k1", "name": before}
    rows = [row(name=value, score=5)]
    assert one.run([rows])
    assert fates(one) == {"read": 1, "updated": 1}
    assert held(one) == {"key": "k1", "name": after, "score": 5}
    calls = writes(one)
    assert one.run([rows])
    assert (writes(one), fates(one)) == (calls, {"read": 1, "unchanged": 1})


@NATIVE
@pytest.mark.parametrize("policy", ["always", "skip_null", "if_empty", "on_create"])
def test_a_new_record_gets_every_value(tmp_path: Path, policy: str, *, is_native: bool) -> None:
    """Policies hold back nothing of a record that is created."""
    one = world(tmp_path, is_native=is_native, fields={"name": policy})
    assert one.run([[row(name="ours")]])
    assert fates(one) == {"read": 1, "created": 1}
    assert held(one)["name"] == "ours"


@NATIVE
def test_what_is_ours_is_written_by_policy_too(tmp_path: Path, *, is_native: bool) -> None:
    """A later version of a record that this sync created keeps to the policies."""
    fields = {"name": "on_create", "plan": "if_empty", "score": "always", "email": "skip_null"}
    one = world(tmp_path, is_native=is_native, fields=fields)
    assert one.run([[row(name="a", plan=None, score=1, email="a@b.de")]])
    assert one.run([[row(name="b", plan="free", score=2, email=None)]])
    assert held(one) == {"key": "k1", "name": "a", "plan": "free", "score": 2, "email": "a@b.de"}
    assert one.run([[row(name="c", plan="pro", score=3, email=None)]])
    assert held(one) == {"key": "k1", "name": "a", "plan": "free", "score": 3, "email": "a@b.de"}


@NATIVE
def test_only_what_may_be_written_is_a_change(tmp_path: Path, *, is_native: bool) -> None:
    """A version that differs in nothing but fields that are filled already makes no write."""
    one = world(tmp_path, is_native=is_native, fields={"name": "if_empty"})
    assert one.run([[row(name="a")]])
    calls = writes(one)
    assert one.run([[row(name="b")]])
    assert (writes(one), fates(one), held(one)["name"]) == (calls, {"read": 1, "unchanged": 1}, "a")


@NATIVE
def test_a_constant_is_written_to_every_record(tmp_path: Path, *, is_native: bool) -> None:
    """`value` needs no column, and is part of what is compared with the last delivery."""
    one = world(tmp_path, is_native=is_native, fields={"name": "always", "plan": {"value": "pro"}})
    assert one.run([[row(1, name="a"), row(2, name="b")]])
    assert [held(one, key)["plan"] for key in ("k1", "k2")] == ["pro", "pro"]
    calls = writes(one)
    assert one.run([[row(1, name="a"), row(2, name="b")]])
    assert writes(one) == calls
    one.route = world(tmp_path / "2", fields={"name": "always", "plan": {"value": "free"}}).route
    assert one.run([[row(1, name="a")]])
    assert [held(one, key)["plan"] for key in ("k1", "k2")] == ["free", "pro"]


def test_a_constant_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """It would be wrong in every record, so the sync does not start."""
    for value in ("gold", 7, ["pro"]):
        with pytest.raises(ConfigError, match="'value' of 'plan'"):
            world(tmp_path, fields={"plan": {"value": value}})


@pytest.mark.parametrize("policy", ["if_empty", "on_create"])
def test_the_match_field_has_no_policy(tmp_path: Path, policy: str) -> None:
    """A record is recognised by it, so it is always written."""
    with pytest.raises(ConfigError, match="'key' recognises records"):
        world(tmp_path, fields={"key": policy, "name": "always"})


# -- absent, null and empty


@NATIVE
@pytest.mark.parametrize("promise", [Promise(), COMPARES])
def test_absent_null_and_empty_stay_three_things(tmp_path: Path, promise: Promise, *, is_native: bool) -> None:
    """G8: absent leaves the field alone, null clears it, an empty text is an empty text."""
    fields = {"name": "always", "score": "always"}
    one = world(tmp_path, is_native=is_native, promise=promise, fields=fields)
    assert one.run([[row(n, name="a", score=n) for n in (1, 2, 3, 4)]])
    assert one.run(
        [[row(1, score=1), row(2, name=None, score=2), row(3, name="", score=3), row(4, name="a", score="")]]
    )
    assert [held(one, f"k{n}").get("name") for n in (1, 2, 3)] == ["a", None, ""]
    assert held(one, "k4") == {"key": "k4", "name": "a", "score": None}
    calls = writes(one)
    assert one.run(
        [[row(1, score=1), row(2, name=None, score=2), row(3, name="", score=3), row(4, name="a", score="")]]
    )
    assert writes(one) == calls


# -- match_on a list, source_key


def two_ways(tmp_path: Path, **changes: Any) -> World:
    """Looked for by `key`, then by `email`."""
    fields = {"name": "always", "email": "always"}
    return world(tmp_path, fields=fields, then_match_on=("email",), **changes)


@NATIVE
@pytest.mark.parametrize("promise", [Promise(), COMPARES])
def test_a_record_without_its_first_match_value_is_adopted_by_the_second(
    tmp_path: Path, promise: Promise, *, is_native: bool
) -> None:
    """It gets the first value, and from then on is found by that."""
    for empty in (None, ""):
        one = two_ways(tmp_path / repr(empty), is_native=is_native, promise=promise)
        one.crm.records["7"] = {"key": empty, "email": "A@b.de", "name": "x"}
        assert one.run([[row(name="x", email="a@b.de")]])
        assert fates(one) == {"read": 1, "updated": 1}
        assert one.contents("key", "name") == [("k1", "x")]
        assert (one.rows()["[1]"]["destination_id"], one.rows()["[1]"]["created_by_us"]) == ("7", False)
        assert one.run([[row(name="y", email="other@b.de")]])
        assert one.contents("key", "name") == [("k1", "y")]


@NATIVE
def test_a_record_that_has_another_first_match_value_is_ambiguous(tmp_path: Path, *, is_native: bool) -> None:
    """Neither is it taken over, nor is a second one with the same address created."""
    one = two_ways(tmp_path, is_native=is_native)
    one.crm.records["7"] = {"key": "other", "email": "a@b.de"}
    one.crm.records |= {"8": {"email": "c@d.de"}, "9": {"email": "c@d.de"}}
    assert one.run([[row(1, name="x", email="a@b.de"), row(2, name="x", email="c@d.de")]])
    assert one.tally.codes == {"ambiguous_match": 2}
    assert writes(one) == 0
    others, several = (one.rows()[key]["error"] for key in ("[1]", "[2]"))
    assert others.startswith(
        "No record of the destination has this value of 'key'. The one with this value of 'email' has another value of "
        "'key': 7."
    )
    assert several.startswith("2 records of the destination have this value of 'email': 8, 9.")


@NATIVE
def test_a_record_that_nobody_has_is_created_once(tmp_path: Path, *, is_native: bool) -> None:
    """Also where the second value is blank or absent, so that there is nothing to look for."""
    one = two_ways(tmp_path, is_native=is_native)
    one.crm.records["7"] = {"key": None, "email": ""}
    rows = [
        row(1, name="x", email="a@b.de"),
        row(2, name="x", email=" "),
        row(3, name="x", email=None),
        row(4, name="x"),
    ]
    assert one.run([rows])
    assert fates(one) == {"read": 4, "created": 4}
    assert one.crm.records["7"] == {"key": None, "email": ""}
    calls = writes(one)
    assert one.run([rows])
    assert writes(one) == calls


@NATIVE
def test_the_first_match_value_goes_before_the_second(tmp_path: Path, *, is_native: bool) -> None:
    """Where both lead somewhere, the record with the first value is meant."""
    one = two_ways(tmp_path, is_native=is_native)
    one.crm.records |= {"7": {"key": "k1", "email": "old@b.de"}, "8": {"email": "a@b.de", "name": "theirs"}}
    assert one.run([[row(name="x", email="new@b.de")]])
    assert one.crm.records["7"] == {"key": "k1", "email": "new@b.de", "name": "x"}
    assert one.crm.records["8"]["name"] == "theirs"


def test_an_adopted_record_is_not_ours_though_a_create_was_lost(tmp_path: Path) -> None:
    """G5: somebody made a record with the address while our create was under way, and ours never arrived."""
    one = two_ways(tmp_path, is_native=False, load_method="mirror")
    assert not one.run([[row(name="x", email="a@b.de")]], ["kill before"])
    one.crm.records["70"] = {"email": "a@b.de", "name": "theirs"}
    assert one.run([[row(name="x", email="a@b.de")]])
    assert one.contents("key", "name") == [("k1", "x")]
    assert one.run([[{"n": 1, "_sdc_deleted_at": "2026-01-01"}]])
    assert fates(one) == {"read": 1, "unchanged": 1}
    assert len(one.crm.records) == 1


@NATIVE
def test_a_source_key_keeps_the_record_when_its_match_value_changes(tmp_path: Path, *, is_native: bool) -> None:
    """`source_key` says who a record is though the stream's key property is the match column."""
    one = world(tmp_path, is_native=is_native, source_key=("n",), keys=("key",))
    assert one.run([[row(1, name="x"), row(2, name="x")]])
    ids = set(one.crm.records)
    assert one.run([[row(1, key="new", name="x")]])
    assert fates(one) == {"read": 1, "updated": 1}
    assert one.contents("key") == [("k2",), ("new",)]
    assert set(one.crm.records) == ids
    assert one.run([[row(3, key="k1", name="x")]])
    assert one.contents("key") == [("k1",), ("k2",), ("new",)]


def test_a_source_key_that_is_no_column_is_refused(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(ConfigError, match="'customer'"):
        world(tmp_path, source_key=("customer",))


# -- compare_with: destination


@NATIVE
def test_drift_is_repaired_in_mapped_fields_alone(tmp_path: Path, *, is_native: bool) -> None:
    """What somebody changed in our fields is set back; other fields are theirs, and what is right is not written."""
    one = world(tmp_path, is_native=is_native, promise=COMPARES, fields={"name": "always", "score": "always"})
    rows = [row(n, name="x", score=n) for n in (1, 2, 3)]
    assert one.run([rows])
    held(one, "k2").update(name="drifted", price=9)
    calls = writes(one)
    seen: list[Any] = []
    apply = one.crm.apply
    one.crm.apply = lambda batch, operation: seen.append(dict(operation.fields)) or apply(batch, operation)  # type: ignore[method-assign,func-returns-value]
    assert one.run([rows])
    assert fates(one) == {"read": 3, "updated": 1, "unchanged": 2}
    assert seen == [{"name": "x"}]
    assert one.crm.writes[calls:] == [(Verb.UPDATE, 1)]
    assert held(one, "k2") == {"key": "k2", "name": "x", "score": 2, "price": 9}


@NATIVE
def test_an_unknown_record_that_is_right_is_adopted_without_a_write(tmp_path: Path, *, is_native: bool) -> None:
    """It is read once; who created it stays unknown."""
    one = world(tmp_path, is_native=is_native, promise=COMPARES)
    one.crm.records["7"] = {"key": "k1", "name": "x"}
    assert one.run([[row(name="x")]])
    assert (fates(one), writes(one)) == ({"read": 1, "unchanged": 1}, 0)
    kept = one.rows()["[1]"]
    assert (kept["status"], kept["destination_id"], kept["created_by_us"]) == ("delivered", "7", False)


@NATIVE
def test_what_was_deleted_at_the_destination_is_created_again(tmp_path: Path, *, is_native: bool) -> None:
    """L6: also where nothing changed at the source."""
    one = world(tmp_path, is_native=is_native, promise=COMPARES)
    assert one.run([[row(name="x")]])
    one.crm.records.clear()
    assert one.run([[row(name="x")]])
    assert (fates(one), one.contents("key", "name")) == ({"read": 1, "created": 1}, [("k1", "x")])


def test_the_match_value_is_left_alone(tmp_path: Path) -> None:
    """A record is known by its id; what it shows as its match value may be a second address, and is not swapped."""
    one = world(tmp_path, promise=COMPARES)
    assert one.run([[row(name="x")]])
    next(iter(one.crm.records.values()))["key"] = "theirs"
    assert one.run([[row(name="y")]])
    assert one.contents("key", "name") == [("theirs", "y")]


SAME = [
    ("name", "x", " x "),
    ("name", None, ""),
    ("name", "", None),
    ("price", 1.50, "1.5"),
    ("price", 2, "2.00"),
    ("score", 3, "3"),
    ("since", "2024-01-31", "2024-01-31"),
    ("seen_at", "2024-01-31T10:00:00+02:00", "2024-01-31T08:00:00.000Z"),
    ("seen_at", "2024-01-31T10:00:00.123456Z", "2024-01-31T10:00:00.123Z"),
    ("tags", ["a", "b"], ["b", "a"]),
    ("tags", [], None),
    ("email", "A@B.de", "a@b.de"),
    ("is_active", True, True),
    ("is_active", False, False),
]
OTHER = [
    ("name", "x", "X"),
    ("name", None, "x"),
    ("price", 0, None),
    ("price", 1.5, 1.51),
    ("price", 5, "many"),
    ("seen_at", "2024-01-31T10:00:00Z", "2024-01-31T10:00:01Z"),
    ("seen_at", "2024-01-31T10:00:00Z", "someday"),
    ("tags", ["a"], ["a", "b"]),
    ("tags", None, ["a"]),
    ("is_active", False, None),
    ("is_active", False, True),
]


@pytest.mark.parametrize(("name", "wanted", "current"), SAME)
def test_what_is_the_same_is_not_written(tmp_path: Path, name: str, wanted: Any, current: Any) -> None:
    """Numbers compare by value, moments as moments, options as sets, and all empty values alike."""
    one = world(tmp_path, promise=COMPARES, fields={name: "always"})
    one.crm.records["7"] = {"key": "k1", name: current}
    assert one.run([[row(**{name: wanted})]])
    assert (fates(one), writes(one)) == ({"read": 1, "unchanged": 1}, 0)


@pytest.mark.parametrize(("name", "wanted", "current"), OTHER)
def test_what_differs_is_written_once(tmp_path: Path, name: str, wanted: Any, current: Any) -> None:
    """And is right afterwards."""
    one = world(tmp_path, promise=COMPARES, fields={name: "always"})
    one.crm.records["7"] = {"key": "k1", name: current}
    for expected in ({"read": 1, "updated": 1}, {"read": 1, "unchanged": 1}):
        assert one.run([[row(**{name: wanted})]])
        assert fates(one) == expected
    assert writes(one) == 1


# -- the oracle

POLICIES = ("always", "skip_null", "if_empty", "on_create")
VALUES: dict[str, list[Any]] = {
    "name": [None, "", "x", "y"],
    "score": [None, 1, 2, 0],
    "price": [None, 1.5, 2],
    "tags": [None, ["a"], ["b", "a"]],
    "plan": [None, "free", "pro"],
}


def values(*, is_row: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Some fields of a record, at the source or at the destination."""
    fields = st.fixed_dictionaries({}, optional={name: st.sampled_from(some) for name, some in VALUES.items()})
    keys = st.sampled_from(["a", "b", "c"])
    numbers = st.integers(1, 3) if is_row else st.just(0)
    return st.builds(lambda key, n, one: {"key": key, **({"n": n} if is_row else {}), **one}, keys, numbers, fields)


def expected(before: list[dict[str, Any]], rows: list[dict[str, Any]], plan: dict[str, Any]) -> list[dict[str, Any]]:
    """What the destination has to hold after one run, in plain Python: no ledger, no batches, no requests."""
    result = {one["key"]: dict(one) for one in before}
    for wanted in rows:
        is_new = wanted["key"] not in result
        record = result.setdefault(wanted["key"], {"key": wanted["key"]})
        for name, policy in plan.items():
            value = policy["value"] if isinstance(policy, dict) else wanted.get(name)
            is_absent = not isinstance(policy, dict) and name not in wanted
            is_kept = is_absent or (policy == "skip_null" and value is None)
            is_kept |= not is_new and (
                policy == "on_create" or (policy == "if_empty" and record.get(name) not in (None, ""))
            )
            if not is_kept:
                record[name] = value
    return sorted((comparable(one) for one in result.values()), key=lambda one: str(one["key"]))


def comparable(record: dict[str, Any]) -> dict[str, Any]:
    """A record in which only what counts differs."""
    values_of = {name: record.get(name) for name in ("key", *VALUES)}
    plain = {name: sorted(one) if isinstance(one, list) else one for name, one in values_of.items()}
    return {name: None if one == "" else float(one) if isinstance(one, int) else one for name, one in plain.items()}


def contents(one: World) -> list[dict[str, Any]]:
    """What the destination holds."""
    return sorted((comparable(record) for record in one.crm.records.values()), key=lambda one: str(one["key"]))


plans = st.fixed_dictionaries(
    {name: st.sampled_from([*POLICIES, *({"value": value} for value in some)]) for name, some in VALUES.items()}
)


def play_policies(before: list[dict[str, Any]], rows: list[dict[str, Any]], plan: dict[str, Any], kind: Any) -> None:
    """One run over what others left, then a second one."""
    is_native, compares = kind
    rows = list({one["n"]: one for one in rows}.values())
    rows = list({one["key"]: one for one in rows}.values())
    before = list({one["key"]: one for one in before}.values())
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        one = world(Path(folder), is_native=is_native, promise=Promise(compares=compares), fields=plan)
        one.crm.records = {str(number): dict(record) for number, record in enumerate(before, start=100)}
        assert one.run([rows])
        assert contents(one) == expected(before, rows, plan)
        calls = writes(one)
        assert one.run([rows])
        assert (writes(one), one.tally.as_dict()["unchanged"]) == (calls, len(rows))


EXAMPLES: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}
ARGUMENTS = (
    st.lists(values(is_row=False), max_size=3),
    st.lists(values(is_row=True), min_size=1, max_size=4),
    plans,
    st.sampled_from(list(itertools.product([True, False], repeat=2))),
)


@settings(max_examples=60, **EXAMPLES)
@given(*ARGUMENTS)
def test_policies_agree_with_an_oracle(before: Any, rows: Any, plan: Any, kind: Any) -> None:
    """For any policies, records of others and rows: the destination is as the oracle says, and a rerun is free."""
    play_policies(before, rows, plan, kind)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=2000, **EXAMPLES)
@given(*ARGUMENTS)
def test_policies_agree_with_an_oracle_thousands_of_times(before: Any, rows: Any, plan: Any, kind: Any) -> None:
    """The same, as often as a night allows."""
    play_policies(before, rows, plan, kind)
