"""Records that arrive as they were delivered are recognised before they are judged, and only these."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from core.fakes import FAULTS, FIELDS, World, keeping_books_with, people, route
from core.test_email_rules import FakeResolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core.emails import EmailRules
from reverse_etl_core.fingerprints import Fingerprints, rules
from reverse_etl_core.intake import Intake
from reverse_etl_core.ledger import StreamLedger
from reverse_etl_core.operations import Verb
from reverse_etl_core.routing import Promise
from reverse_etl_core.schema import Field, FieldType, frozen
from reverse_etl_core.stream_config import FieldConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.routing import Route

GONE = {"_sdc_deleted_at": "2026-11-28T00:00:00Z"}


class Forgetful(StreamLedger):
    """Recognises nothing: each record is judged."""

    def fingerprints(self, source_keys: Sequence[str]) -> dict[str, bytes]:
        """None."""
        del source_keys
        return {}


def row(n: int, name: str = "x", **others: Any) -> dict[str, Any]:
    """A record."""
    return {"n": n, "key": f"k{n}", "name": name, **others}


def world(tmp_path: Path, way: Route | None = None) -> World:
    """An empty world."""
    return World(tmp_path / "ledger.db", way or route(people(is_native=True)))


def fates(one: World) -> dict[str, int]:
    """What the last run counted."""
    return {name: count for name, count in one.tally.as_dict().items() if count}


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The records that were judged, in order."""
    seen: list[dict[str, Any]] = []
    judge = Intake.judge

    def noted(self: Intake, record: Any) -> Any:
        seen.append(msgspec.json.decode(record))
        return judge(self, record)

    monkeypatch.setattr(Intake, "judge", noted)
    return seen


def test_what_was_delivered_is_not_judged_again(tmp_path: Path, judged: list[dict[str, Any]]) -> None:
    """The second run judges the record that changed."""
    one = world(tmp_path)
    assert one.run([[row(1), row(2), row(3)]])
    judged.clear()
    assert one.run([[row(1), row(2, "y"), row(3)]])
    assert judged == [row(2, "y")]
    assert fates(one) == {"read": 3, "unchanged": 2, "updated": 1}


def test_columns_that_go_nowhere_do_not_matter(tmp_path: Path, judged: list[dict[str, Any]]) -> None:
    """What a tap stamps on each record in each run is not mapped; nor does the order of columns matter."""
    one = world(tmp_path)
    assert one.run([[row(1, read_at="10:00")]])
    judged.clear()
    assert one.run([[{"read_at": "11:00", "name": "x", "key": "k1", "n": 1}]])
    assert judged == []
    assert fates(one) == {"read": 1, "unchanged": 1}


@pytest.mark.parametrize("names", [("y", "x"), ("x", "y"), ("x", "x"), ("y", "y")])
def test_of_two_versions_in_one_chunk_the_last_counts(tmp_path: Path, names: tuple[str, str]) -> None:
    """Also where one of them is as it was delivered."""
    one = world(tmp_path)
    assert one.run([[row(1), row(2)]])
    assert one.run([[row(1, names[0]), row(2), row(1, names[1])]])
    assert one.contents("name") == [(name,) for name in sorted([names[1], "x"])]
    assert fates(one)["superseded"] == 1


def test_of_two_versions_in_two_chunks_the_last_counts(tmp_path: Path) -> None:
    """A version that waits for its request is superseded by one that was delivered before."""
    one = world(tmp_path)
    assert one.run([[row(1)]])
    assert one.run([[row(1, "y")], [row(1)]])
    assert one.contents("name") == [("x",)]
    assert fates(one) == {"read": 2, "superseded": 1, "unchanged": 1}


@pytest.mark.parametrize("is_removed_first", [True, False])
def test_a_removal_and_the_record_in_one_chunk(tmp_path: Path, *, is_removed_first: bool) -> None:
    """What comes last counts: a record that is back is not taken away."""
    one = world(tmp_path, route(people(is_native=True), on_removed="archive"))
    assert one.run([[row(1), row(2)]])
    both = [row(1) | GONE, row(1)] if is_removed_first else [row(1), row(1) | GONE]
    assert one.run([[row(2), *both]])
    assert one.contents("key") == ([("k1",), ("k2",)] if is_removed_first else [("k2",)])


def test_a_record_that_waits_to_be_removed_is_judged(tmp_path: Path) -> None:
    """It is back, so its removal is forgotten."""
    one = world(tmp_path, route(people(is_native=True), on_removed="archive"))
    assert one.run([[row(1)]])
    assert one.run([[row(1) | GONE], [row(1)]])
    assert one.contents("key") == [("k1",)]
    assert one.rows()["[1]"]["removal_at"] is None


def sql(one: World, text: str) -> None:
    """Change the ledger as a person would."""
    with closing(sqlite3.connect(one.path)) as database:
        database.execute(text)
        database.commit()


def test_a_hash_that_a_person_took_out_has_the_record_sent_again(tmp_path: Path) -> None:
    """As docs/operations.md says."""
    one = world(tmp_path)
    assert one.run([[row(1), row(2)]])
    sql(one, "UPDATE deliveries SET payload_hash = NULL WHERE source_key = '[1]'")
    assert one.run([[row(1), row(2)]])
    assert fates(one) == {"read": 2, "unchanged": 1, "updated": 1}


def test_what_a_release_without_fingerprints_delivered_is_not_taken_for_what_was_before(tmp_path: Path) -> None:
    """It may finish its run on an upgraded ledger, where it leaves alone the column that it does not know."""
    one = world(tmp_path)
    assert one.run([[row(1)]])
    before = one.rows()["[1]"]["fingerprint"]
    assert one.run([[row(1, "y")]])
    with closing(sqlite3.connect(one.path)) as database:
        database.execute("UPDATE deliveries SET fingerprint = ?", (before,))
        database.commit()
    assert one.run([[row(1)]])
    assert fates(one) == {"read": 1, "updated": 1}
    assert one.contents("name") == [("x",)]


def test_a_ledger_without_fingerprints_gets_them(tmp_path: Path, judged: list[dict[str, Any]]) -> None:
    """After an upgrade the first run judges all records and sends none; the second recognises them."""
    one = world(tmp_path)
    assert one.run([[row(1), row(2)]])
    sql(one, "UPDATE deliveries SET fingerprint = NULL")
    writes = list(one.crm.writes)
    for count in (2, 0):
        judged.clear()
        assert one.run([[row(1), row(2)]])
        assert len(judged) == count
        assert fates(one) == {"read": 2, "unchanged": 2}
    assert one.crm.writes == writes


def test_what_was_lost_is_not_recognised(tmp_path: Path) -> None:
    """A record is recognised by what was confirmed, never by what was only sent."""
    one = world(tmp_path)
    assert one.run([[row(1)]])
    assert not one.run([[row(1, "y")]], ["kill before"])
    assert one.run([[row(1)]])
    assert one.contents("name") == [("x",)]
    assert one.rows()["[1]"]["status"] == "delivered"


def test_where_values_are_compared_all_records_are_judged(tmp_path: Path, judged: list[dict[str, Any]]) -> None:
    """`compare_with: destination` looks at what the destination holds."""
    way = route(people(is_native=True), promise=Promise(compares=True))
    one = world(tmp_path, way)
    assert one.run([[row(1)]])
    judged.clear()
    next(iter(one.crm.records.values()))["name"] = "somebody else's"
    assert one.run([[row(1)]])
    assert judged == [row(1)]
    assert one.contents("name") == [("x",)]


def with_field(name: str, **changes: Any) -> Any:
    """The schema with another field."""
    fields = {one.name: one for one in FIELDS}
    given = {slot: getattr(fields[name], slot) for slot in Field.__slots__}
    return people(is_native=True, fields=frozen(fields | {name: Field(**(given | changes))}))


PLAIN = ("n", "key", "name", "plan", "email")
OTHER_WAYS = {
    "length": {"schema": with_field("name", max_length=5)},
    "type": {"schema": with_field("name", type=FieldType.OPTION)},
    "options": {"schema": with_field("plan", options=("free", "gold"))},
    "spellings of options": {"schema": with_field("plan", aliases={"Pro": "pro"})},
    "match field": {"match_on": "email"},
    "source key": {"keys": ("n", "key")},
    "column": {"fields": {"key": "key", "name": "plan"}},
    "one field less": {"fields": {"key": "key", "name": "name"}},
    "constant": {"fields": {"key": "key", "name": "name", "score": FieldConfig(None, constant=1)}},
    "nulls": {"fields": {"key": "key", "name": FieldConfig("name", None, write="skip_null")}},
    "addresses": {"emails": EmailRules(rejects_roles=True)},
}


@pytest.mark.parametrize("change", OTHER_WAYS)
def test_other_rules_are_other_fingerprints(change: str) -> None:
    """Whatever decides how a record is judged is part of them."""
    given: dict[str, Any] = {"schema": people(is_native=True), "columns": PLAIN}
    before = route(**given)
    assert rules(before) == rules(route(**given))
    assert rules(before) != rules(route(**(given | OTHER_WAYS[change])))


def test_a_field_that_became_too_short_is_noticed(tmp_path: Path) -> None:
    """The same record is rejected today, and not counted as unchanged since it was valid yesterday."""
    one = world(tmp_path, route(with_field("name", max_length=20)))
    assert one.run([[row(1, "x" * 10)]])
    one.route = route(with_field("name", max_length=5))
    assert one.run([[row(1, "x" * 10)]])
    assert fates(one) == {"read": 1, "rejected": 1}


def test_a_domain_that_takes_no_mail_any_more_is_noticed(tmp_path: Path) -> None:
    """`check_deliverability`: what the DNS says changes by itself, and a plan asks it too."""
    columns = ("n", "key", "name", "email")

    def way(resolver: FakeResolver) -> Route:
        rules = EmailRules(checks_deliverability=True, resolver=resolver)
        return route(people(is_native=True), columns=columns, emails=rules)

    one = world(tmp_path, way(FakeResolver(a_com=["mx.a.com"])))
    assert one.run([[row(1, email="ada@a.com")]])
    one.route = way(FakeResolver())
    assert one.run([[row(1, email="ada@a.com")]])
    assert fates(one) == {"read": 1, "rejected": 1}


@pytest.mark.parametrize("package", ["reverse-etl-core", "email-validator", "disposable-email-domains"])
def test_a_newer_list_of_domains_judges_anew(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Whichever package knows more by now."""
    before, version = rules(route()), metadata.version
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99" if name == package else version(name))
    assert rules(route()) != before


@pytest.mark.parametrize(
    "text",
    [
        b'{"key": "k1", "name": "x"}',
        b'{"n": null, "key": "k1"}',
        b'{"n": "", "key": "k1"}',
        b'{"n": 1.5, "key": "k1"}',
        b'{"n": 1, "key": "k1", "_sdc_deleted_at": "2026-11-28"}',
        b'{"n": 1, "key": "k1"',
        b'["n", 1]',
        b"[" * 100_000,
    ],
)
def test_a_record_without_a_plain_key_has_no_fingerprint(text: bytes) -> None:
    """It is judged in every run, whatever is wrong with it."""
    assert Fingerprints(route()).of(msgspec.Raw(text)) is None


def test_absent_null_and_empty_are_three_things() -> None:
    """So are 1 and "1"."""
    one = Fingerprints(route())
    texts = ["", ', "name": null', ', "name": ""', ', "name": 1', ', "name": "1"', ', "name": "n"', ', "name": [1]']
    found = {one.of(msgspec.Raw(b'{"n": 1, "key": "k"%s}' % text.encode())) for text in texts}
    assert None not in found
    assert len(found) == len(texts)


records = st.fixed_dictionaries(
    {"n": st.integers(0, 3), "key": st.sampled_from(["a", "b", "c"]), "name": st.sampled_from(["x", "y", "bad"])},
    optional={
        "_sdc_deleted_at": st.sampled_from([None, "2026-11-28T00:00:00Z"]),
        "email": st.sampled_from([None, "a@x.org", "B@x.org"]),
    },
)
COLUMNS = ("n", "key", "name", "email")
WAYS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "without one step": {"schema": people()},
    "updates": {"load_method": "update"},
    "creates": {"load_method": "create"},
    "archives": {"on_removed": "archive"},
    "clears": {"on_removed": "clear"},
    "compares": {"promise": Promise(compares=True)},
    "by address": {"match_on": "email"},
    "by address as well": {"then_match_on": ("email",)},
    "short names": {"schema": with_field("name", max_length=2)},
    "fewer fields": {"fields": {"key": "key", "email": "email"}},
    "columns change places": {"fields": {"key": "key", "name": "email", "email": "email"}},
    "names once": {"fields": {"key": "key", "name": FieldConfig("name", None, write="on_create"), "email": "email"}},
    "names if empty": {"fields": {"key": "key", "name": FieldConfig("name", None, write="if_empty"), "email": "email"}},
    "other keys": {"keys": ("key",)},
    "no keys": {"keys": ()},
}


def way_of(name: str) -> Route:
    """A stream's way under other settings."""
    return route(**({"schema": people(is_native=True), "columns": COLUMNS} | WAYS[name]))


runs = st.tuples(
    st.sampled_from([*WAYS, *["as it is", "archives"] * 4]),
    st.booleans(),
    st.lists(st.lists(records, min_size=1, max_size=5), max_size=3),
    st.lists(st.sampled_from([None, *FAULTS, "kill before", "kill after"]), max_size=3),
    st.sampled_from([0.0, 100.0, 7200.0]),
)


histories = given(st.lists(runs, max_size=6))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@histories
def test_recognition_changes_nothing_but_the_work(script: list[Any]) -> None:
    """With and without it: the same requests, counts, records and rows, whatever comes, is set, fails or is killed."""
    compare(script)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@histories
def test_recognition_changes_nothing_in_thousands_of_histories(script: list[Any]) -> None:
    """The same, for as many histories as a night allows."""
    compare(script)


def compare(script: list[Any]) -> None:
    """Play a script twice, run by run."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        one = World(Path(folder) / "one.db", way_of("as it is"))
        other = World(Path(folder) / "other.db", one.route, ledger_class=keeping_books_with(Forgetful))
        for way, keeps_all, chunks, faults, pause_s in script:
            for it in (one, other):
                it.route = way_of(way)
                # Whatever removes or creates wants the whole ledger.
                it.keeps_deliveries = keeps_all or not it.route.has_native_upsert or it.route.removal.is_active
                it.run(chunks, faults)
                it.crm.clock.wait(pause_s)
            assert type(one.error) is type(other.error)
            assert one.tally.as_dict() == other.tally.as_dict()
            assert one.crm.writes == other.crm.writes
            assert one.crm.records == other.crm.records
            assert kept(one) == kept(other)


def kept(one: World) -> dict[str, dict[str, Any]]:
    """The ledger's rows, without what recognition alone needs."""
    return {key: {**found, "fingerprint": None} for key, found in one.rows().items()}


def test_the_first_version_of_a_write_is_one_request(tmp_path: Path) -> None:
    """The control of the test above: there is something to recognise, and it is."""
    one = world(tmp_path)
    assert one.run([[row(1), row(2), row(3)]])
    assert one.crm.writes == [(Verb.UPSERT, 3)]
    assert all(found["fingerprint"] for found in one.rows().values())
