"""The durable memory of a sync, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core.errors import BusyError, ConfigError, LedgerError
from reverse_etl_core.ledger import Intent, Job, Ledger, Scope, Settlement, Status, StreamLedger
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.fakes import Clock

SCOPE = Scope("sync", "account", "people", "people")
PASSWORD = "p4ssw0rd-of-the-ledger"


@pytest.fixture
def stream(opened: Callable[[], Ledger]) -> StreamLedger:
    """The only stream."""
    return opened().open_stream(SCOPE, keeps_deliveries=True)


def intent(n: int, match_key: str | None = None, **changes: Any) -> Intent:
    """Of a create."""
    given: dict[str, Any] = {"destination_id": None, "created_by_us": True, "attempts": 1, "record": f'{{"n":{n}}}'}
    return Intent(f"[{n}]", f"k{n}" if match_key is None else match_key, **(given | changes))


def delivered(n: int, **changes: Any) -> Settlement:
    """Of a delivery."""
    given: dict[str, Any] = {"match_key": f"k{n}", "destination_id": str(n), "payload_hash": bytes(16)}
    return Settlement(f"[{n}]", Status.DELIVERED, "created", **(given | changes))


def rejected(n: int, **changes: Any) -> Settlement:
    """Of a refusal."""
    given: dict[str, Any] = {"error_code": "too_long", "error": "Too long.", "record": "{}", "due_at": 0}
    return Settlement(f"[{n}]", Status.REJECTED, "rejected", **(given | changes))


def test_an_intent_is_durable_before_the_call(url: str, stream: StreamLedger, clock: Clock) -> None:
    """L1: another connection sees it as soon as `intend` returns."""
    stream.intend([intent(1), intent(2)])
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT source_key, status, intent_at, record FROM deliveries ORDER BY 1"
        ).all()
    engine.dispose()
    now_ms = int(clock() * 1000)
    assert [tuple(row) for row in rows] == [
        ("[1]", "pending", now_ms, '{"n":1}'),
        ("[2]", "pending", now_ms, '{"n":2}'),
    ]


def test_an_intent_clears_the_hash(stream: StreamLedger) -> None:
    """L3: nobody skips what is under way."""
    stream.settle([delivered(1)])
    stream.intend([intent(1, destination_id="1")])
    row = stream.lookup(["[1]"])["[1]"]
    assert (row.status, row.payload_hash, row.destination_id) == (Status.PENDING, None, "1")


def test_a_settlement_replaces_the_whole_row(stream: StreamLedger) -> None:
    """What a settlement does not say is cleared: no record stays with a delivered row."""
    stream.intend([intent(1)])
    stream.settle([rejected(1, attempts=3)])
    stream.settle([delivered(1)])
    row = stream.lookup(["[1]"])["[1]"]
    assert (row.status, row.intent_at, row.error_code, row.due_at, row.attempts) == (
        Status.DELIVERED,
        None,
        None,
        None,
        0,
    )
    assert list(stream.replayable()) == []


def test_a_delivery_is_the_same_row_whatever_was_there_before(url: str, stream: StreamLedger) -> None:
    """Nothing, its own intent, another match value, a refusal: what was delivered replaces all of it."""
    stream.settle([rejected(3, attempts=3, waiting="new"), delivered(4, match_key="old", in_doubt_until=5)])
    stream.intend([intent(2, former_key="former"), intent(4, "older", removal_at=7)], Job("j1", "create", "key"))
    told = {"former_key": "f", "fingerprint": bytes(32), "in_doubt_until": 9, "created_by_us": True}
    stream.settle([delivered(n, **(told | {"former_key": f"f{n}", "destination_id": "d"})) for n in (1, 2, 3, 4)])
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(sa.text("SELECT * FROM deliveries ORDER BY 2")).mappings()]
    engine.dispose()
    assert [(row.pop("source_key"), row.pop("match_key"), row.pop("former_key")) for row in rows] == [
        (f"[{n}]", f"k{n}", f"f{n}") for n in (1, 2, 3, 4)
    ]
    assert rows == [rows[0]] * 4
    assert (rows[0]["destination_id"], rows[0]["in_doubt_until"], rows[0]["status"]) == ("d", 9, "delivered")


def test_deliveries_that_were_intended_leave_the_match_key_alone(stream: StreamLedger) -> None:
    """The usual way is the cheap one: no statement inserts what is there already."""
    executed: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        executed.append(statement)

    stream.intend([intent(1), intent(2)])
    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        stream.settle([delivered(1), delivered(2)])
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert any(one.startswith("UPDATE deliveries") for one in executed)
    assert not any(one.startswith("INSERT INTO deliveries") for one in executed)


def test_a_match_key_can_be_handed_on_in_one_step(stream: StreamLedger) -> None:
    """A record that is gone gives up what another one is delivered with."""
    stream.settle([delivered(1)])
    gone = Settlement("[1]", Status.REMOVED, "removed", destination_id="1", removal_at=1)
    stream.settle([delivered(2, match_key="k1"), gone])
    assert stream.owners(["k1"]) == {"k1": "[2]"}


@pytest.mark.parametrize("count", [1, 2, 10, 11, 100, 101, 500, 501])
def test_exactly_the_keys_that_are_asked_for_are_found(stream: StreamLedger, count: int) -> None:
    """Whatever their number, also where one statement is filled up with its last key."""
    stream.settle([delivered(n, created_by_us=True, fingerprint=bytes(32)) for n in range(count + 2)])
    keys = [f"[{n}]" for n in range(1, count + 1)]
    found = stream.lookup(keys)
    assert found.keys() == set(keys)
    assert all(one.created_by_us is True for one in found.values())
    assert stream.owners([f"k{n}" for n in range(1, count + 1)]) == {f"k{n}": f"[{n}]" for n in range(1, count + 1)}
    assert stream.fingerprints(keys) == dict.fromkeys(keys, bytes(16))


def test_a_match_key_has_one_owner(stream: StreamLedger) -> None:
    """The database itself refuses a second owner, and the message holds no key."""
    stream.settle([delivered(1)])
    assert stream.owners(["k1", "k2"]) == {"k1": "[1]"}
    with pytest.raises(LedgerError) as caught:
        stream.intend([intent(2, "k1")])
    assert "k1" not in str(caught.value)
    assert stream.lookup(["[2]"]) == {}


def test_scopes_do_not_see_each_other(opened: Callable[[], Ledger]) -> None:
    """Two syncs may write the same keys."""
    ledger = opened()
    one = ledger.open_stream(SCOPE, keeps_deliveries=True)
    other = ledger.open_stream(Scope("other", "account", "people", "people"), keeps_deliveries=True)
    one.settle([delivered(1)])
    assert other.lookup(["[1]"]) == {}
    other.settle([delivered(2, match_key="k1")])
    assert (one.owners(["k1"]), other.owners(["k1"])) == ({"k1": "[1]"}, {"k1": "[2]"})


def test_thousands_of_keys_are_looked_up_at_once(stream: StreamLedger) -> None:
    """Look-ups are cut into queries; nothing is missed at the edges."""
    stream.settle([delivered(n) for n in range(1201)])
    assert len(stream.lookup([f"[{n}]" for n in range(2000)])) == 1201
    assert len(stream.owners([f"k{n}" for n in range(2000)])) == 1201
    assert stream.lookup([]) == {}


def test_a_table_that_grew_is_looked_at(url: str, stream: StreamLedger) -> None:
    """PostgreSQL takes a new table for empty until it is told, and would read all of it for each key."""
    for n in range(0, 1500, 100):
        stream.settle([delivered(one) for one in range(n, n + 100)])
    if url.startswith("postgresql"):
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            size = connection.exec_driver_sql("SELECT reltuples FROM pg_class WHERE relname = 'deliveries'").scalar()
        engine.dispose()
        assert size == 1000
    assert len(stream.lookup([f"[{n}]" for n in range(1500)])) == 1500


def test_replays_come_page_by_page(stream: StreamLedger, clock: Clock) -> None:
    """What was under way and what is due, each once, also while pages are settled; nothing that rests."""
    now_ms = int(clock() * 1000)
    stream.intend([intent(n) for n in range(1500)])
    stream.settle([rejected(n, due_at=now_ms) for n in range(1500, 2500)])
    stream.settle([rejected(n, due_at=now_ms + 1) for n in range(2500, 2600)])
    stream.settle([rejected(n, due_at=None) for n in range(2600, 2700)])
    stream.settle([delivered(n) for n in range(2700, 2800)])
    seen: list[str] = []
    for page in stream.replayable():
        seen += [one.source_key for one in page]
        assert all(one.record for one in page)
        stream.settle([delivered(int(one.source_key[1:-1])) for one in page])
    assert sorted(seen) == sorted(f"[{n}]" for n in range(2500))
    assert list(stream.replayable()) == []


def test_a_reject_that_was_never_delivered_can_be_forgotten(stream: StreamLedger) -> None:
    """What owns a match value or an id stays, and so does everything else."""
    stream.settle(
        [rejected(1), rejected(2), rejected(3, match_key="k3"), rejected(4, destination_id="4"), delivered(5)]
    )
    stream.intend([intent(6)])
    assert stream.may_hold_rejects
    stream.forget_rejects([f"[{n}]" for n in (1, 3, 4, 5, 6, 7)])
    assert set(stream.lookup([f"[{n}]" for n in range(8)])) == {f"[{n}]" for n in (2, 3, 4, 5, 6)}
    assert stream.may_hold_rejects
    stream.forget_rejects(["[2]"])
    assert not stream.may_hold_rejects
    stream.settle([rejected(1)])
    stream.forget_rejects(["[1]"])
    assert "[1]" not in stream.lookup(["[1]"])


def test_objects_with_open_records_are_found(opened: Callable[[], Ledger]) -> None:
    """Those of one stream of one sync: records under way, refusals, jobs without an end."""
    ledger = opened()
    scopes = {name: replace(SCOPE, object_name=name) for name in ("under way", "refused", "done", "job", "empty")}
    streams = {name: ledger.open_stream(one, keeps_deliveries=True) for name, one in scopes.items()}
    other = ledger.open_stream(replace(SCOPE, object_name="other", stream="other"), keeps_deliveries=True)
    for one in (streams["under way"], other):
        one.intend([intent(1)])
    streams["refused"].settle([rejected(1)])
    streams["done"].settle([delivered(1)])
    streams["job"].intend([intent(1)], Job("j", "upsert", "key"))
    streams["job"].settle([delivered(1)])
    assert ledger.open_objects("sync", "account", "people") == ["job", "refused", "under way"]
    assert ledger.open_objects("another", "account", "people") == []


def test_rejects_mode_keeps_no_deliveries(opened: Callable[[], Ledger]) -> None:
    """Intents and deliveries leave no row; a delivery removes the row of its reject."""
    stream = opened().open_stream(SCOPE, keeps_deliveries=False)
    stream.intend([intent(1)])
    stream.settle([rejected(1, match_key="k1"), rejected(2)])
    stream.settle([delivered(1), delivered(3)])
    assert set(stream.lookup(["[1]", "[2]", "[3]"])) == {"[2]"}
    assert stream.owners(["k1"]) == {}


def test_a_history_of_outcomes_is_kept_for_a_month(url: str, opened: Callable[[], Ledger], clock: Clock) -> None:
    """What happened to which key in which run; older entries go when the ledger is opened."""
    ledger = opened()
    ledger.open_stream(SCOPE, keeps_deliveries=True).settle([delivered(1), rejected(2)])
    clock.wait(20 * 86400)
    opened().open_stream(Scope("b", "a", "o", "s"), keeps_deliveries=True).settle([delivered(1)])
    clock.wait(11 * 86400)
    opened()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT outcome, code, destination_id FROM outcomes").all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("created", None, "1")]


def test_a_run_is_noted_from_start_to_end(url: str, opened: Callable[[], Ledger]) -> None:
    """A run that was killed has no end."""
    ledger = opened()
    ledger.start_run(sync_id="sync", target="target-x", account="1")
    killed = opened()
    killed.start_run(sync_id="sync", target="target-x", account="1")
    ledger.end_run(75, {"records_read": 10, "throttled_s": 1.5})
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT run_id, exit_code, records_read, throttled_s FROM runs").all()
    engine.dispose()
    assert {tuple(row) for row in rows} == {(ledger.run_id, 75, 10, 1.5), (killed.run_id, None, 0, 0.0)}


# -- leases

HOLD = """
import sys
from reverse_etl_core.ledger import Ledger, Scope
from reverse_etl_core.redaction import Secret
ledger = Ledger(Secret(sys.argv[1]), now=lambda: 1_800_000_000.0)
ledger.open_stream(Scope("sync", "account", "people", "people"), keeps_deliveries=True)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lease until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_until_the_first_is_dead(
    holder: subprocess.Popen[str], opened: Callable[[], Ledger]
) -> None:
    """One writer at a time: the message names the setting; a killed holder is taken over at once."""
    ledger = opened()
    with pytest.raises(BusyError, match="sync_id"):
        ledger.open_stream(SCOPE, keeps_deliveries=True)
    ledger.open_stream(Scope("sync", "account", "people", "other"), keeps_deliveries=True)
    holder.kill()
    holder.wait()
    assert ledger.open_stream(SCOPE, keeps_deliveries=True).last_sign_ms == 1_800_000_000_000


def test_a_lease_that_ran_out_is_taken_over_and_the_sleeper_is_fenced(
    holder: subprocess.Popen[str], opened: Callable[[], Ledger], clock: Clock
) -> None:
    """The epoch: a writer that slept through its lease writes nothing any more."""
    ledger = opened()
    clock.wait(121)
    sleeper = ledger.open_stream(SCOPE, keeps_deliveries=True)
    sleeper.settle([delivered(1)])
    other = opened().open_stream(SCOPE, keeps_deliveries=True)
    for write in (
        lambda: sleeper.settle([delivered(2)]),
        lambda: sleeper.intend([intent(2)]),
        sleeper.renew,
    ):
        with pytest.raises(BusyError, match="taken over"):
            write()
    assert set(other.lookup(["[1]", "[2]"])) == {"[1]"}
    sleeper.close()
    other.settle([delivered(2)])


def test_a_released_lease_is_free(url: str, opened: Callable[[], Ledger]) -> None:
    """The next run need not wait, and knows that the last one ended."""
    opened().open_stream(SCOPE, keeps_deliveries=True).close()
    code = HOLD.replace("sys.stdin.read()", "")
    assert subprocess.run([sys.executable, "-c", code, url], check=True, capture_output=True).stdout == b"held\n"


def test_a_lease_is_prolonged_by_every_write(stream: StreamLedger, url: str, clock: Clock) -> None:
    """A run that writes keeps its lease for as long as it takes."""
    for n in range(5):
        clock.wait(100)
        stream.settle([delivered(n)])
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        until = connection.exec_driver_sql("SELECT lease_until FROM scopes").scalar_one()
    engine.dispose()
    assert until == int(clock() * 1000) + 120_000


# -- opening


def test_a_newer_schema_is_refused(url: str, opened: Callable[[], Ledger]) -> None:
    """An older release does not write into what it does not know."""
    opened()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ledger_info SET value = '999' WHERE name = 'schema_version'")
    engine.dispose()
    with pytest.raises(LedgerError, match=r"newer release.*Upgrade"):
        opened()


def test_several_processes_may_open_a_new_ledger_at_once(opened: Callable[[], Ledger]) -> None:
    """Workers of one sync start together: the tables are made once and none of them fails."""
    errors: list[Exception] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        try:
            opened()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_missing_folder_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    """Folder 0700, file 0600: rejected records hold field values."""
    path = tmp_path / "new" / "ledger.db"
    ledger = Ledger(Secret(f"sqlite:///{path}"))
    ledger.open_stream(SCOPE, keeps_deliveries=True).settle([delivered(1)])
    for one in path.parent.iterdir():
        assert stat.S_IMODE(one.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    ledger.close()


@pytest.mark.parametrize("place", ["/proc/no/ledger.db", "/dev/null/x/ledger.db"])
def test_an_unwritable_place_is_named(place: str) -> None:
    """With the setting to check."""
    with pytest.raises(ConfigError, match="'ledger_url'") as caught:
        Ledger(Secret(f"sqlite:///{place}"))
    assert place in str(caught.value)


def test_a_file_that_is_no_ledger_is_an_error_of_ours(tmp_path: Path) -> None:
    """No traceback of the database."""
    path = tmp_path / "ledger.db"
    path.write_text("This is not a database at all, but a long enough text.", encoding="utf-8")
    with pytest.raises(LedgerError):
        Ledger(Secret(f"sqlite:///{path}"))


def test_a_locked_file_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that keeps writing: try later, exit code 75."""
    monkeypatch.setattr("reverse_etl_core.ledger.store.SQLITE_BUSY_S", 0.1)  # a constant, not behaviour
    path = tmp_path / "ledger.db"
    ledger = Ledger(Secret(f"sqlite:///{path}"))
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError, match="locked"):
        stream.settle([delivered(1)])
    other.execute("ROLLBACK")
    other.close()
    stream.settle([delivered(1)])
    ledger.close()


def test_no_message_shows_the_password() -> None:
    """G7: a server that cannot be reached is named without its password."""
    with pytest.raises(LedgerError) as caught:
        Ledger(Secret(f"postgresql+psycopg://user:{PASSWORD}@127.0.0.1:1/db?connect_timeout=1"))
    assert "127.0.0.1" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(caught.value.__cause__)


def test_a_driver_that_is_not_there_is_named() -> None:
    """With what to install."""
    with pytest.raises(ConfigError, match=r"\[postgres\]"):
        Ledger(Secret("postgresql+pg8000://user@127.0.0.1/db"))


@pytest.mark.parametrize("key", ["'; DROP TABLE deliveries; --", "\u00e9\U0001f600", "x" * 2000, "%s {}"])
def test_hostile_keys_come_back_as_they_were(stream: StreamLedger, key: str) -> None:
    """Whatever a key holds."""
    stream.intend([Intent(key or "x", key, None, created_by_us=True, attempts=1, record="{}")])
    assert stream.owners([key]) == {key: key}


def test_an_id_may_be_as_long_as_all_that_a_record_is_tied_to(stream: StreamLedger, url: str) -> None:
    """A hundred ids of twelve digits, in the row and in what is noted of the run."""
    text = "7>" + ",".join(str(210_000_000_000 + 7919 * n) for n in range(100))
    stream.settle([delivered(1, destination_id=text)])
    assert stream.holders([text]) == {text: "[1]"}
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT destination_id FROM outcomes").all() == [(text,)]
    engine.dispose()


# -- the whole against a dictionary

steps = st.lists(
    st.one_of(
        st.tuples(st.just("intend"), st.integers(0, 4), st.sampled_from(["a", "b", "c", None])),
        st.tuples(st.just("deliver"), st.integers(0, 4), st.sampled_from(["a", "b", "c"])),
        st.tuples(st.just("reject"), st.integers(0, 4), st.sampled_from(["a", "b", "c", None])),
        st.tuples(st.just("reopen"), st.just(0), st.just("a")),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_the_ledger_is_a_dictionary_that_survives(tmp_path_factory: pytest.TempPathFactory, script: list[Any]) -> None:
    """L1 to L3: after any writes and restarts each key has its last row, and a match key one owner."""
    path = tmp_path_factory.mktemp("ledger") / "l.db"
    ledger = Ledger(Secret(f"sqlite:///{path}"))
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    model: dict[str, tuple[Status, str | None]] = {}
    for what, n, key in script:
        owner = next((one for one, (_, held) in model.items() if held == key and key is not None), None)
        if what == "reopen":
            ledger.close()
            ledger = Ledger(Secret(f"sqlite:///{path}"))
            stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
        elif owner not in (None, f"[{n}]"):
            continue  # the pipeline asks `owners` first
        elif what == "intend" and key is not None:
            stream.intend([intent(n, key)])
            model[f"[{n}]"] = (Status.PENDING, key)
        elif what == "deliver":
            stream.settle([delivered(n, match_key=key)])
            model[f"[{n}]"] = (Status.DELIVERED, key)
        elif what == "reject":
            stream.settle([rejected(n, match_key=key)])
            model[f"[{n}]"] = (Status.REJECTED, key)
    rows = stream.lookup([f"[{n}]" for n in range(5)])
    assert {key: (row.status, row.match_key) for key, row in rows.items()} == model
    assert stream.owners(["a", "b", "c"]) == {held: key for key, (_, held) in model.items() if held}
    assert all((row.payload_hash is not None) == (row.status is Status.DELIVERED) for row in rows.values())
    open_rows = {one.source_key for page in stream.replayable() for one in page}
    assert open_rows == {key for key, (status, _) in model.items() if status is not Status.DELIVERED}
    ledger.close()


def test_the_own_process_id_is_taken_for_a_dead_one(opened: Callable[[], Ledger]) -> None:
    """A container that was restarted has the same process id again: its old lease does not lock it out."""
    assert os.getpid()
    opened().open_stream(SCOPE, keeps_deliveries=True)
    opened().open_stream(SCOPE, keeps_deliveries=True)
