"""Several workers on one sync: leases, rows of their own, and one owner of each match value."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from core.fakes import Crm, World, people, route

from reverse_etl_core.errors import BusyError, ConfigError
from reverse_etl_core.ledger import Intent, Job, Ledger, Scope, Settlement, Status, StreamLedger
from reverse_etl_core.ledger.leases import LEASE_S, WORKERS
from reverse_etl_core.partitions import Partition
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.fakes import Clock

SCOPE = Scope("sync", "account", "people", "people")
HALVES = (Partition(0, 2), Partition(1, 2))
WHOLE = Partition()


@pytest.fixture
def ledgers(url: str, clock: Clock) -> Iterator[Callable[[Partition], Ledger]]:
    """Opens the ledger as a worker of a partition; each is a process that still runs."""
    opened: list[Ledger] = []

    def open_it(partition: Partition) -> Ledger:
        one = Ledger(Secret(url), now=clock, partition=partition)
        one._leases._owner = f"host-{len(opened)}:7:abc"  # type: ignore[attr-defined]
        opened.append(one)
        return one

    yield open_it
    for one in opened:
        one.close()


@pytest.fixture
def worker(ledgers: Callable[[Partition], Ledger]) -> Callable[[Partition], StreamLedger]:
    """Opens the only stream as a worker of a partition."""
    return lambda partition: ledgers(partition).open_stream(SCOPE, keeps_deliveries=True)


def intent(n: int, match_key: str | None = None, **changes: Any) -> Intent:
    """Of a create."""
    given: dict[str, Any] = {"destination_id": None, "created_by_us": True, "attempts": 1, "record": "{}"}
    return Intent(f"[{n}]", match_key or f"k{n}", **(given | changes))


def delivered(n: int, **changes: Any) -> Settlement:
    """Of a delivery."""
    given: dict[str, Any] = {"match_key": f"k{n}", "destination_id": str(n), "payload_hash": bytes(16)}
    return Settlement(f"[{n}]", Status.DELIVERED, "created", **(given | changes))


def rejected(n: int, **changes: Any) -> Settlement:
    """Of a refusal."""
    given: dict[str, Any] = {"error_code": "too_long", "error": "Too long.", "record": "{}", "due_at": 0}
    return Settlement(f"[{n}]", Status.REJECTED, "rejected", **(given | changes))


def replayed(stream: StreamLedger) -> list[str]:
    """Source keys of what a worker goes on with."""
    return [one.source_key for page in stream.replayable() for one in page]


def rows(url: str, query: str) -> list[Any]:
    """What a query beside the ledger finds; a statement without rows is carried out."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        result = connection.exec_driver_sql(query)
        found = [tuple(row) for row in result.all()] if result.returns_rows else []
    engine.dispose()
    return found


# -- leases


def test_workers_of_one_sync_write_at_once(worker: Callable[[Partition], StreamLedger], url: str) -> None:
    """Each holds a lease of its own, and all of them mark the scope as held for older releases."""
    for n, stream in enumerate([worker(one) for one in HALVES]):
        stream.settle([delivered(n)])
        stream.renew()
    assert rows(url, "SELECT source_key, partition FROM deliveries ORDER BY 1") == [("[0]", "0/2"), ("[1]", "1/2")]
    assert rows(url, "SELECT lease_owner FROM scopes") == [(WORKERS,)]


@pytest.mark.parametrize(
    ("holder", "late"),
    [
        (WHOLE, WHOLE),
        (WHOLE, HALVES[0]),
        (HALVES[0], WHOLE),
        (HALVES[0], HALVES[0]),
        (HALVES[0], Partition(1, 3)),
        (HALVES[0], Partition(0, 4)),
    ],
    ids=str,
)
def test_who_is_in_the_way_is_busy(
    holder: Partition, late: Partition, worker: Callable[[Partition], StreamLedger], clock: Clock
) -> None:
    """The whole, the same partition and another count exclude each other, until the holder ends or falls silent."""
    first = worker(holder)
    with pytest.raises(BusyError, match="being written by"):
        worker(late)
    first.close()
    second = worker(late)
    clock.wait(LEASE_S + 1)
    third = worker(holder)
    for write in (second.renew, lambda: second.settle([delivered(1)]), lambda: second.intend([intent(1)])):
        with pytest.raises(BusyError, match="taken over"):
            write()
    third.settle([delivered(1)])
    second.close()
    third.renew()


def test_a_run_of_an_older_release_is_kept_off(
    worker: Callable[[Partition], StreamLedger], url: str, clock: Clock
) -> None:
    """Its rule is `lease_until` of the scope: prolonged while any worker lives, free when the last one has ended."""
    first, second = (worker(one) for one in HALVES)
    for _ in range(6):
        clock.wait(LEASE_S / 2)
        first.renew()
        second.renew()
    now_ms = int(clock() * 1000)
    first.close()
    assert rows(url, "SELECT lease_owner, lease_until FROM scopes")[0] >= (WORKERS, now_ms + LEASE_S * 500)
    second.close()
    assert rows(url, "SELECT lease_owner, lease_until FROM scopes") == [(None, 0)]


def test_a_worker_is_fenced_off_by_an_older_release(worker: Callable[[Partition], StreamLedger], url: str) -> None:
    """That one knows nothing of `leases`, but raises the scope's epoch."""
    stream = worker(HALVES[0])
    rows(url, "UPDATE scopes SET lease_owner = 'old:1:a', lease_epoch = lease_epoch + 1")
    with pytest.raises(BusyError, match="taken over"):
        stream.intend([intent(1)])


def test_the_last_sign_of_a_killed_worker_is_known(
    worker: Callable[[Partition], StreamLedger], clock: Clock, url: str
) -> None:
    """To the worker that follows it, and to a run with the whole; a worker that ended leaves none."""
    worker(HALVES[0]).renew()
    worker(HALVES[1]).close()
    sign = int(clock() * 1000)
    clock.wait(LEASE_S + 1)
    assert [worker(one).last_sign_ms for one in HALVES] == [sign, 0]
    rows(url, "UPDATE leases SET owner = NULL, until = 0 WHERE partition_index = 1")
    clock.wait(LEASE_S + 1)
    assert worker(WHOLE).last_sign_ms == sign + (LEASE_S + 1) * 1000


# -- rows of their own


def test_a_worker_goes_on_with_its_own_rows(worker: Callable[[Partition], StreamLedger]) -> None:
    """What is under way, due or waiting, and jobs; a run without partitions takes all of it."""
    streams = [worker(one) for one in HALVES]
    for n, stream in enumerate(streams):
        stream.intend([intent(n)], Job(f"job-{n}", "create", "key"))
        stream.settle([rejected(n + 2), rejected(n + 4, waiting="new")])
    for n, stream in enumerate(streams):
        assert replayed(stream) == [f"[{n}]", f"[{n + 2}]", f"[{n + 4}]"]
        assert [one.source_key for page in stream.waiting() for one in page] == [f"[{n + 4}]"]
        assert stream.unfinished_jobs() == [Job(f"job-{n}", "create", "key")]
        assert list(stream.records_of_job(f"job-{1 - n}")) == []
        stream.close()
    whole = worker(WHOLE)
    assert replayed(whole) == [f"[{n}]" for n in range(6)]
    assert len(whole.unfinished_jobs()) == 2


@pytest.mark.parametrize("left", ["pending", "rejected", "leaving", "job"])
def test_another_count_is_refused_while_rows_are_open(
    left: str, ledgers: Callable[[Partition], Ledger], url: str
) -> None:
    """Nobody would take them: refused before anything is sent; a run without partitions cures it."""
    stream = ledgers(HALVES[0]).open_stream(SCOPE, keeps_deliveries=True)
    stream.settle([delivered(1)])
    if left in {"pending", "job"}:
        stream.intend([intent(2)], Job("j", "create", "key") if left == "job" else None)
    elif left == "rejected":
        stream.settle([rejected(2)])
    else:
        rows(url, "UPDATE deliveries SET removal_at = 1")
    stream.close()
    ledger = ledgers(Partition(2, 3))
    for look in (
        lambda: ledger.check_partition("sync", "account"),
        lambda: ledger.open_stream(SCOPE, keeps_deliveries=True),
    ):
        with pytest.raises(ConfigError, match=r"2 workers.*once without 'partition_count'"):
            look()
    ledgers(HALVES[0]).check_partition("sync", "account")
    whole = ledgers(WHOLE).open_stream(SCOPE, keeps_deliveries=True)
    if left == "job":
        whole.end_job("j")
    if left == "leaving":
        rows(url, "UPDATE deliveries SET removal_at = NULL")
    elif left != "rejected":  # what has had its try may stay
        whole.settle([delivered(2)])
    whole.close()
    ledger.check_partition("sync", "account")
    assert replayed(ledger.open_stream(SCOPE, keeps_deliveries=True)) == []


def test_what_a_whole_run_left_is_its_own_to_finish(
    ledgers: Callable[[Partition], Ledger], caplog: pytest.LogCaptureFixture
) -> None:
    """Workers do not start on top of records under way; its rejects may wait, and it is said."""
    whole = ledgers(WHOLE).open_stream(SCOPE, keeps_deliveries=True)
    whole.settle([rejected(1), rejected(2)])
    whole.intend([intent(3)])
    whole.close()
    with pytest.raises(ConfigError, match="1 records that are not settled belong to a run without partitions"):
        ledgers(HALVES[0]).check_partition("sync", "account")
    whole = ledgers(WHOLE).open_stream(SCOPE, keeps_deliveries=True)
    whole.settle([delivered(3)])
    whole.close()
    part = ledgers(HALVES[0]).open_stream(SCOPE, keeps_deliveries=True)
    assert replayed(part) == []
    assert "2 rejected records wait for a newer version" in caplog.text
    part.settle([rejected(1)])
    assert replayed(part) == ["[1]"]


def test_a_busy_sync_is_busy_and_not_wrong(ledgers: Callable[[Partition], Ledger]) -> None:
    """While a run with the whole is under way, its open rows are no mistake of the worker's settings."""
    whole = ledgers(WHOLE).open_stream(SCOPE, keeps_deliveries=True)
    whole.intend([intent(1)])
    with pytest.raises(BusyError):
        ledgers(HALVES[0]).check_partition("sync", "account")


def test_a_run_notes_its_partition(ledgers: Callable[[Partition], Ledger], url: str) -> None:
    """So that the counts of workers can be told apart, and added up."""
    for one in (WHOLE, *HALVES):
        ledgers(one).start_run(sync_id="sync", target="target-x", account="1")
    assert sorted(rows(url, "SELECT coalesce(partition, '-') FROM runs")) == [("-",), ("0/2",), ("1/2",)]


# -- one owner of each match value


def test_the_second_worker_to_want_a_match_value_does_not_get_it(worker: Callable[[Partition], StreamLedger]) -> None:
    """Nothing is noted of its record, and all others are; also while a lost rename may still hold the value."""
    first, second = (worker(one) for one in HALVES)
    assert first.intend([intent(1, "a"), intent(2, "b")]) == []
    first.settle([delivered(1, match_key="a"), delivered(2, match_key="b")])
    first.intend([intent(1, "c", destination_id="1", former_key="a")])
    refused = second.intend([intent(4, "a"), intent(5, "b"), intent(6, "c"), intent(7, "d")])
    assert sorted(refused) == ["[4]", "[5]", "[6]"]
    assert set(second.lookup([f"[{n}]" for n in range(8)])) == {"[1]", "[2]", "[7]"}
    first.settle([delivered(1, match_key="c")])
    assert second.intend([intent(4, "a")]) == []
    assert first.intend([intent(2, "b", destination_id="2")]) == []


def test_workers_that_race_for_match_values_share_them(worker: Callable[[Partition], StreamLedger]) -> None:
    """In whatever order they ask: each value gets one owner, nobody fails, nobody waits for ever."""
    streams = [worker(Partition(index, 3)) for index in range(3)]
    refused: list[set[str]] = [set() for _ in streams]
    errors: list[Exception] = []
    barrier = threading.Barrier(3)

    def work(index: int) -> None:
        try:
            for turn in range(20):
                keys = [f"m{turn}-{n * (7, 11, 13)[index] % 30}" for n in range(30)]
                barrier.wait()
                refused[index] |= set(
                    streams[index].intend([intent(index * 10_000 + turn * 100 + n, key) for n, key in enumerate(keys)])
                )
        except Exception as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=[index]) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    owners = streams[0].owners([f"m{turn}-{n}" for turn in range(20) for n in range(30)])
    assert len(owners) == 600
    assert sum(len(one) for one in refused) == 3 * 600 - 600
    assert not set(owners.values()) & set().union(*refused)


def test_one_record_at_two_workers_stops_the_second(worker: Callable[[Partition], StreamLedger], clock: Clock) -> None:
    """A tap that does not slice, or other than the target: the message says so, and nothing is noted."""
    first, second = (worker(one) for one in HALVES)
    first.intend([intent(1)])
    first.settle([delivered(2)])
    for n in (1, 2):
        with pytest.raises(ConfigError, match=r"partition 0/2 .* partition 1/2 as well.*tap"):
            second.intend([intent(n), intent(3)])
    first.settle([delivered(1)])
    assert second.lookup(["[3]"]) == {}
    second.close()
    clock.wait(1)
    assert worker(HALVES[1]).intend([intent(1), intent(2), intent(3)]) == []


@pytest.mark.parametrize("is_native", [False, True])
def test_a_match_value_that_was_lost_to_another_worker_is_a_reject(tmp_path: Path, *, is_native: bool) -> None:
    """It was free when both looked: nothing is sent for the second record, and the others of its batch are."""

    def ledger_of(partition: Partition) -> type[Ledger]:
        class PartLedger(Ledger):
            def __init__(self, url: Secret, **options: Any) -> None:
                super().__init__(url, partition=partition, **options)
                self._leases._owner = f"{partition.index}:7:abc"  # type: ignore[attr-defined]

        return PartLedger

    crm, way = Crm(), route(people(is_native=is_native))
    worlds = [World(tmp_path / "l.db", way, crm, ledger_of(one)) for one in HALVES]
    with worlds[0].pipeline() as one, worlds[1].pipeline() as other:
        one.deliver([{"n": 1, "key": "a", "name": "x"}])
        other.deliver([{"n": 2, "key": "a", "name": "y"}, {"n": 3, "key": "b", "name": "z"}])
        one.flush()
        other.flush()
        assert dict(worlds[1].tally.codes) == {"duplicate_key": 1}
        rows = other._ledger.lookup(["[2]", "[3]"])
    assert sorted((row["key"], row["name"]) for row in crm.records.values()) == [("a", "x"), ("b", "z")]
    assert (rows["[2]"].error_code, rows["[2]"].match_key, rows["[3]"].status) == (
        "duplicate_key",
        None,
        Status.DELIVERED,
    )
