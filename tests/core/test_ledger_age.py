"""A ledger that is older than this release, and what it forgets as time passes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from reverse_etl_core.ledger import Intent, Job, Ledger, Scope, Settlement, Status
from reverse_etl_core.ledger.aging import ROWS_AT_ONCE
from reverse_etl_core.ledger.tables import OUTCOME_DAYS, outcomes
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.fakes import Clock

SCOPE = Scope("sync", "account", "people", "people")
JOB = Job("job-1", "create", "key")
DAY_S = 24 * 3600.0


def intent(n: int) -> Intent:
    """Of a create."""
    return Intent(f"[{n}]", f"k{n}", None, created_by_us=True, attempts=1, record="{}")


def statements(url: str, *lines: str) -> list[Any]:
    """Run SQL beside the ledger; the rows of the last statement."""
    engine = sa.create_engine(url)
    rows: list[Any] = []
    with engine.begin() as connection:
        for line in lines:
            result = connection.exec_driver_sql(line)
            rows = list(result.all()) if result.returns_rows else []
    engine.dispose()
    return rows


@pytest.fixture
def aged(url: str, opened: Callable[[], Ledger]) -> str:
    """A ledger of the first release: one delivered and one pending record, no jobs, no waiting children."""
    ledger = opened()
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    stream.intend([intent(1), intent(2)])
    stream.settle([Settlement("[1]", Status.DELIVERED, "created", match_key="k1", destination_id="7")])
    stream.close()
    ledger.close()
    dropped = [f"ALTER TABLE deliveries DROP COLUMN {name}" for name in ("job_id", "waiting")]
    statements(url, "DROP TABLE jobs", "UPDATE ledger_info SET value = '1' WHERE name = 'schema_version'", *dropped)
    return url


def test_an_older_ledger_is_carried_on(aged: str, opened: Callable[[], Ledger]) -> None:
    """A new release adds what is missing and keeps what is there; the next open changes nothing."""
    for _ in range(2):
        stream = opened().open_stream(SCOPE, keeps_deliveries=True)
        assert {key: one.status for key, one in stream.lookup(["[1]", "[2]"]).items()} == {
            "[1]": Status.DELIVERED,
            "[2]": Status.PENDING,
        }
        assert [one.source_key for page in stream.replayable() for one in page] == ["[2]"]
        assert list(stream.waiting()) == []
        stream.close()
    assert statements(aged, "SELECT count(*) FROM deliveries WHERE job_id IS NULL AND waiting IS NULL") == [(2,)]


def test_an_older_ledger_takes_jobs_and_waiting_children(aged: str, opened: Callable[[], Ledger]) -> None:
    """What was added works as in a new one."""
    assert aged
    stream = opened().open_stream(SCOPE, keeps_deliveries=True)
    stream.intend([intent(2), intent(3)], JOB)
    waiting = {"error_code": "reference_not_found", "record": "{}", "due_at": 0, "waiting": "new"}
    stream.settle([Settlement("[3]", Status.REJECTED, "rejected", **waiting)])
    assert stream.unfinished_jobs() == [JOB]
    assert [one.source_key for one in stream.records_of_job("job-1")] == ["[2]"]
    assert [(one.source_key, one.waiting) for page in stream.waiting() for one in page] == [("[3]", "new")]


def test_an_older_release_reads_a_newer_ledger(url: str, opened: Callable[[], Ledger]) -> None:
    """A minor release only adds: what the first release wrote can still be written beside it."""
    opened().open_stream(SCOPE, keeps_deliveries=True)
    insert = "INSERT INTO deliveries (scope_id, source_key, status, created_by_us, attempts, updated_at)"
    assert statements(url, f"{insert} VALUES (1, '[9]', 'rejected', FALSE, 1, 0)", "SELECT 1") == [(1,)]
    assert opened().open_stream(SCOPE, keeps_deliveries=True).lookup(["[9]"])["[9]"].status is Status.REJECTED


def test_ended_jobs_are_forgotten_after_a_month(url: str, clock: Clock, opened: Callable[[], Ledger]) -> None:
    """One that did not end is kept, however old: its records may still be under way."""
    stream = opened().open_stream(SCOPE, keeps_deliveries=True)
    stream.intend([intent(1)], JOB)
    stream.intend([intent(2)], Job("job-2", "create", "key"))
    stream.end_job("job-2")
    query = "SELECT job_id FROM jobs ORDER BY 1"
    for days, left in ((29, [("job-1",), ("job-2",)]), (2, [("job-1",)]), (300, [("job-1",)])):
        clock.wait(days * DAY_S)
        opened()
        assert [tuple(row) for row in statements(url, query)] == left


def test_a_job_that_ended_is_not_found_again(opened: Callable[[], Ledger]) -> None:
    """Only jobs whose outcomes are not all recorded are looked after, oldest first, each by its own stream."""
    ledger = opened()
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    other = ledger.open_stream(Scope("sync", "account", "people", "others"), keeps_deliveries=True)
    for n in (1, 2):
        stream.intend([intent(n)], Job(f"job-{n}", "update", "key"))
    stream.end_job("job-1")
    assert [one.job_id for one in stream.unfinished_jobs()] == ["job-2"]
    assert other.unfinished_jobs() == []
    assert list(other.records_of_job("job-2")) == []


def test_a_record_that_is_sent_again_leaves_its_job(opened: Callable[[], Ledger]) -> None:
    """A request of its own, or a new job, takes it over."""
    stream = opened().open_stream(SCOPE, keeps_deliveries=True)
    stream.intend([intent(1), intent(2), intent(3)], JOB)
    stream.intend([intent(1)])
    stream.settle([Settlement("[2]", Status.DELIVERED, "created", match_key="k2", destination_id="7")])
    assert [one.source_key for one in stream.records_of_job("job-1")] == ["[3]"]


def test_a_child_that_waited_in_vain_rests(clock: Clock, opened: Callable[[], Ledger]) -> None:
    """It no longer waits, and is due when it is told; other rejected records are left alone."""
    stream = opened().open_stream(SCOPE, keeps_deliveries=True)
    now_ms = int(clock() * 1000)
    base: dict[str, Any] = {"error_code": "reference_not_found", "record": "{}", "due_at": now_ms}
    stream.settle(
        [
            Settlement("[1]", Status.REJECTED, "rejected", attempts=2, waiting="new", **base),
            Settlement("[2]", Status.REJECTED, "rejected", attempts=2, **base),
        ]
    )
    stream.stop_waiting(lambda attempts: now_ms + attempts)
    assert list(stream.waiting()) == []
    assert {key: one.due_at for key, one in stream.lookup(["[1]", "[2]"]).items()} == {
        "[1]": now_ms + 2,
        "[2]": now_ms,
    }


class RacingClock:
    """A clock on which deleting takes its time: a second passes whenever somebody looks."""

    def __init__(self, start: float) -> None:
        self._now = start

    def __call__(self) -> float:
        """Seconds since 1970."""
        self._now += 1
        return self._now


def old_outcomes(url: str, count: int, at: int) -> None:
    """Outcomes of a run long ago."""
    engine = sa.create_engine(url)
    row = {"run_id": "r", "scope_id": 1, "outcome": "created", "at": at}
    with engine.begin() as connection:
        connection.execute(sa.insert(outcomes), [{**row, "source_key": f"[{n}]"} for n in range(count)])
    engine.dispose()


def test_a_month_of_many_outcomes_does_not_hold_up_a_run(url: str, clock: Clock, opened: Callable[[], Ledger]) -> None:
    """Opening deletes for a moment, some rows at a time; the end of the run goes on with it; newer ones stay."""
    opened().close()
    now_ms = int(clock() * 1000)
    month = OUTCOME_DAYS * 86_400_000
    old_outcomes(url, 4 * ROWS_AT_ONCE, now_ms - month - 1000)
    old_outcomes(url, 3, now_ms - month + 3_600_000)
    ledger = Ledger(Secret(url), now=RacingClock(clock()))
    query = "SELECT count(*) FROM outcomes"
    assert [tuple(row) for row in statements(url, query)] == [(3 * ROWS_AT_ONCE + 3,)]
    ledger.start_run(sync_id="sync", target="t", account="a")
    ledger.end_run(0, {})
    ledger.close()
    assert [tuple(row) for row in statements(url, query)] == [(3,)]


def noted_statements(ledger: Ledger) -> list[tuple[str, Any]]:
    """What is asked of the ledger's database from now on."""
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    sa.event.listen(ledger._engine, "before_cursor_execute", note)
    return asked


def test_who_owns_a_match_value_is_looked_up_and_not_searched_for(tmp_path: Path) -> None:
    """Asked for each chunk of a first load: a walk through the index would take a second per million rows."""
    ledger = Ledger(Secret(f"sqlite:///{tmp_path}/ledger.db"))
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    asked = noted_statements(ledger)
    assert stream.owners([f"key {number}" for number in range(1000)]) == {}
    stream.close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        steps = [
            str(step[3])
            for statement, parameters in asked
            if "match_key IN" in statement
            for step in database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert {step.rpartition("(")[2] for step in steps} == {"scope_id=? AND match_key=?)"}
    ledger.close()


def test_whose_a_record_is_is_looked_up_by_its_id(tmp_path: Path) -> None:
    """Each id costs a step into the index, not a walk through all that a stream has delivered."""
    ledger = Ledger(Secret(f"sqlite:///{tmp_path}/ledger.db"))
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    stream.settle([Settlement(key, Status.DELIVERED, "created", key, None, f"id {key}") for key in "abc"])
    asked = noted_statements(ledger)
    assert stream.holders(["id a", "id c", "id d"]) == {"id a": "a", "id c": "c"}
    assert stream.sharers(["id b"]) == {"id b": {"b"}}
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        steps = [
            str(step[3])
            for statement, parameters in asked
            if "destination_id IN" in statement
            for step in database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert {step.rpartition("(")[2] for step in steps} == {"scope_id=? AND destination_id=?)"}
    assert len(steps) == 2
    ledger.close()


def test_what_a_run_opens_with_is_found_by_indexes(tmp_path: Path) -> None:
    """Ten million delivered rows are not read for the few that are open, nor the history for what is old in it."""
    ledger = Ledger(Secret(f"sqlite:///{tmp_path}/ledger.db"))
    ledger.open_stream(SCOPE, keeps_deliveries=True).close()
    asked = noted_statements(ledger)
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    for pages in (stream.replayable(), stream.waiting(), stream.records_of_job("job-1"), stream.leaving()):
        assert list(pages) == []
    ledger.open_objects("sync", "account", "people")
    ledger._forget_what_is_old(0)
    stream.close()
    plans = []
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        for statement, parameters in asked:
            if "deliveries" in statement or "outcomes" in statement:
                steps = database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
                plans.append(" ".join(str(step[3]) for step in steps))
    assert all("deliveries_open" in plan for plan in (*plans[:4], plans[5])), plans
    assert "deliveries_leaving" in plans[4]
    assert "outcomes_by_age" in plans[6]
    assert len(plans) == 7
    ledger.close()
