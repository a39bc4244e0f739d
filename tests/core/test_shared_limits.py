"""One rate limit and one daily quota among all workers of an account."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from core.fakes import Clock
from core.test_ratelimit import most_in_any_window
from hypothesis import given, settings
from hypothesis import strategies as st

from reverse_etl_core.errors import LedgerError, RetryableError
from reverse_etl_core.ledger import Ledger
from reverse_etl_core.ratelimit import LimitReading, Rate, RateLimiter
from reverse_etl_core.rates import STEPS, DailyReading, Grants, Permits, admit
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.ledger.limits import AccountLimits


# -- the window, under a clock that moves only where the test says


@settings(deadline=None, max_examples=100)
@given(
    st.integers(1, 60),
    st.sampled_from([0.5, 1.0, 10.0]),
    st.lists(st.tuples(st.integers(0, 2500), st.integers(1, 20)), max_size=80),
)
def test_no_window_holds_more_than_the_rate(requests: int, interval_s: float, asks: list[tuple[int, int]]) -> None:
    """Whoever asks for how many and when: no interval sees more, and what is kept stays small."""
    rate, now_ms = Rate(requests, interval_s), 1_000_000
    grants: Grants = []
    times: list[float] = []
    for pause_ms, wanted in asks:
        now_ms += pause_ms
        granted, wait_ms, grants = admit(grants, now_ms, rate, wanted)
        assert 0 <= granted <= wanted
        assert bool(granted) != bool(wait_ms)
        assert len(grants) <= STEPS + 2
        times += [now_ms] * granted
    assert most_in_any_window(times, interval_s * 1000) <= requests


def test_the_rate_is_used() -> None:
    """A steady load gets nearly all of the rate, whether it asks for one or for many."""
    for wanted in (1, 3, 20):
        now_ms, given_out = 0, 0
        grants: Grants = []
        while now_ms < 100_000:
            granted, wait_ms, grants = admit(grants, now_ms, Rate(190, 10.0), wanted)
            given_out += granted
            now_ms += max(wait_ms, 5)
        assert given_out >= 0.95 * 190 * 10


@dataclass
class Board:
    """The shared limits of a test, in memory and under its clock."""

    clock: Clock
    rate: Rate | None = None
    grants: Grants = field(default_factory=list)
    not_before_s: float = 0.0
    daily: tuple[DailyReading, float] | None = None
    asks: int = 0

    def take(self, lane: str, wanted: int, rate: Rate, daily: DailyReading | None) -> Permits:
        """As in the database."""
        del lane
        self.asks += 1
        self.rate = self.rate or rate
        if daily and (self.daily is None or self.clock() - daily.age_s > self.daily[1]):
            self.daily = (daily, self.clock() - daily.age_s)
        known = None
        if self.daily:
            known = DailyReading(self.daily[0].limit, self.daily[0].remaining, self.clock() - self.daily[1])
        if self.clock() < self.not_before_s:
            return Permits(0, self.not_before_s - self.clock(), self.rate, known)
        granted, wait_ms, self.grants = admit(self.grants, int(self.clock() * 1000), self.rate, wanted)
        return Permits(granted, wait_ms / 1000, self.rate, known)

    def count(self, lane: str, used: int, rate: Rate) -> None:
        """As in the database."""
        del lane
        self.rate = self.rate or rate
        self.grants.append((int(self.clock() * 1000), used))

    def hold_back(self, lane: str, seconds: float, rate: Rate) -> None:
        """As in the database."""
        del lane, rate
        self.not_before_s = self.clock() + seconds

    def change(self, lane: str, rate: Rate) -> None:
        """As in the database."""
        del lane
        self.rate = rate


def workers(count: int, rate: Rate, clock: Clock) -> tuple[Board, list[RateLimiter]]:
    """Limiters that share a board."""
    board = Board(clock)
    limiters = [RateLimiter({"default": rate}, clock=clock, sleep=clock.wait) for _ in range(count)]
    for one in limiters:
        one.share(board)
    return board, limiters


def test_workers_keep_one_limit_together() -> None:
    """Four of them, in turn: the limit is that of one."""
    clock = Clock(1000.0)
    _, limiters = workers(4, Rate(20, 1.0), clock)
    times = []
    for n in range(200):
        limiters[n % 4].enter("default")
        times.append(clock())
    assert most_in_any_window(times, 1.0) <= 20
    assert clock() - 1000 <= 200 / 20 / 0.93


def test_what_went_before_the_account_was_known_counts() -> None:
    """The requests that ask for the account's id, and describe its objects."""
    clock = Clock(1000.0)
    board = Board(clock)
    one = RateLimiter({"default": Rate(10, 10.0)}, clock=clock, sleep=clock.wait)
    for _ in range(6):
        one.enter("default")
    one.share(board)
    assert [one.enter("default") for _ in range(3)] == [0, 0, 0]
    assert one.enter("default") == pytest.approx(10, abs=0.1)


def test_a_refusal_and_a_new_rate_reach_all_workers() -> None:
    """`Retry-After` and the headers count for those that did not get them too."""
    clock = Clock(1000.0)
    board, (one, other) = workers(2, Rate(5, 10.0), clock)
    one.hold_back("default", 7.0)
    assert other.enter("default") == pytest.approx(7.0, abs=0.01)
    one.learn("default", LimitReading(Rate(100, 10.0)))
    one.learn("default", LimitReading(Rate(100, 10.0)))
    assert board.rate == Rate(100, 10.0)
    assert sum(other.enter("default") for _ in range(50)) == 0


def test_a_longer_wait_is_looked_at_again() -> None:
    """A rate that another worker learns ends the wait for the first guess."""
    clock = Clock(1000.0)
    board, (one,) = workers(1, Rate(1, 60.0), clock)
    one.enter("default")
    waits: list[float] = []

    def sleep(seconds: float) -> bool:
        waits.append(seconds)
        board.rate = Rate(100, 60.0)
        return clock.wait(seconds)

    one._sleep = sleep
    one.enter("default")
    assert waits == [1.0]


def test_the_daily_quota_is_known_to_all() -> None:
    """The newest reading counts, whoever got it; one from before this run may be yesterday's."""
    clock = Clock(1000.0)
    board = Board(clock)
    board.daily = (DailyReading(1000, 1, 0.0), clock() - 3600)
    one, other = (RateLimiter({"default": Rate(100, 1.0)}, clock=clock, sleep=clock.wait) for _ in range(2))
    for limiter in (one, other):
        limiter.share(board)
        limiter.enter("default")
        assert limiter.daily == (None, None)
    clock.wait(1)
    one.learn("default", LimitReading(None, 1000, 300))
    clock.wait(1)
    one.enter("default")
    other.enter("default")
    assert other.daily == (1000, 300)
    clock.wait(1)
    other.learn("default", LimitReading(None, 1000, 200))
    other.learn("default", LimitReading(None, None, None))
    other.enter("default")
    one.enter("default")
    assert one.daily == (1000, 200)


def test_threads_that_wait_ask_together() -> None:
    """One question for all of them: it costs little, and no permit is left over."""
    clock = Clock(1000.0)
    board, (one,) = workers(1, Rate(1000, 1.0), clock)
    held = threading.Event()
    take = board.take

    def slowly(*arguments: object) -> Permits:
        held.wait(5)
        return take(*arguments)  # type: ignore[arg-type]

    board.take = slowly  # type: ignore[method-assign]
    threads = [threading.Thread(target=one.enter, args=["default"]) for _ in range(8)]
    for thread in threads:
        thread.start()
    while one._lanes["default"].waiting < 8:
        time.sleep(0.001)
    held.set()
    for thread in threads:
        thread.join()
    assert board.asks <= 2
    assert sum(count for _, count in board.grants) == 8
    assert one._lanes["default"].permits == 0


def test_a_stop_ends_the_wait() -> None:
    """Asked to stop, it raises, and nothing was sent."""
    clock = Clock(1000.0)
    _, (one,) = workers(1, Rate(1, 60.0), clock)
    one.enter("default")
    one._sleep = lambda _: True
    with pytest.raises(RetryableError, match="nothing was sent"):
        one.enter("default")
    assert one._lanes["default"].waiting == 0


# -- the row in the database


@pytest.fixture
def limits(url: str, opened: Callable[[], Ledger]) -> AccountLimits:
    """Of one account, in PostgreSQL."""
    found = opened().limits("target-x", "1")
    if url.startswith("sqlite"):
        assert found is None
        pytest.skip("a file keeps no limits: each process has its own")
    assert found is not None
    return found


RATE = Rate(100, 0.5)


def test_a_row_keeps_the_window(limits: AccountLimits, opened: Callable[[], Ledger]) -> None:
    """For every connection, by the database's clock; other accounts and lanes have their own."""
    limits.count("default", 10, RATE)
    other = opened().limits("target-x", "1")
    assert other is not None
    assert other.take("default", 80, RATE, None).granted == 80
    assert limits.take("default", 80, RATE, None).granted == 6
    full = limits.take("default", 80, RATE, None)
    assert (full.granted, 0 < full.wait_s <= 0.5) == (0, True)
    assert limits.take("search", 80, RATE, None).granted == 80
    stranger = opened().limits("target-y", "1")
    assert stranger is not None
    assert stranger.take("default", 80, RATE, None).granted == 80
    time.sleep(full.wait_s + 0.01)
    assert limits.take("default", 5, RATE, None).granted == 5


def test_a_row_keeps_rate_pause_and_quota(limits: AccountLimits) -> None:
    """What one worker learns, the next one that asks gets to know."""
    limits.change("default", Rate(7, 2.0))
    limits.hold_back("default", 0.3, RATE)
    limits.hold_back("default", 0.1, RATE)
    held = limits.take("default", 1, RATE, DailyReading(1000, 400, 5.0))
    assert (held.granted, held.rate, 0.2 < held.wait_s <= 0.3) == (0, Rate(7, 2.0), True)
    older = limits.take("default", 1, RATE, DailyReading(1000, 900, 60.0))
    assert older.daily is not None
    assert (older.daily.limit, older.daily.remaining) == (1000, 400)
    assert 5.0 <= older.daily.age_s < 10
    newer = limits.take("default", 1, RATE, DailyReading(1000, 300, 0.0))
    assert newer.daily is not None
    assert newer.daily.remaining == 300
    time.sleep(0.3)
    assert limits.take("default", 1, RATE, None).granted == 1


def test_many_workers_use_the_rate_and_no_more(limits: AccountLimits, url: str) -> None:
    """Eight of them with connections of their own, for some intervals: no window holds more than the limit."""
    rate, seconds, times, lock = Rate(1000, 1.0), 2.5, list[float](), threading.Lock()
    assert limits
    ends_s = time.monotonic() + seconds

    def work() -> None:
        ledger = Ledger(Secret(url))
        shared = ledger.limits("target-x", "busy")
        assert shared is not None
        while time.monotonic() < ends_s:
            answer = shared.take("default", 10, rate, None)
            with lock:
                times.extend([time.monotonic()] * answer.granted)
            if not answer.granted:
                time.sleep(answer.wait_s)
        ledger.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most_in_any_window(sorted(times), 1.0) <= 1000
    assert len(times) >= 0.9 * 2 * 1000  # two windows were full at least


def test_without_the_database_nothing_is_sent(limits: AccountLimits, opened: Callable[[], Ledger], url: str) -> None:
    """It fails closed: the ledger is needed as well."""
    assert limits
    ledger = opened()
    shared = ledger.limits("target-x", "1")
    one = RateLimiter({"default": RATE}, clock=time.monotonic, sleep=time.sleep)
    assert shared is not None
    one.share(shared)
    with ledger.begin() as connection:
        connection.exec_driver_sql("DROP TABLE rate_limits")
    with pytest.raises(LedgerError, match="cannot be written"):
        one.enter("default")
