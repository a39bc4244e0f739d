"""How many requests fit into a window of time: values and pure decisions, shared by all that keep one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

# A request counts for the vendor when it arrives, not when it leaves: requests that were spaced exactly at
# the limit arrive closer together when latency varies. What is left free here costs 4 % of the throughput.
HEADROOM = 0.96

STEPS = 200
"""Permits of so small a part of the interval are noted together."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in any `interval_s`."""

    requests: int
    interval_s: float

    @property
    def permits(self) -> int:
        """Requests in any interval that are let pass."""
        return max(1, int(self.requests * HEADROOM))

    @property
    def interval_ms(self) -> int:
        """The interval in milliseconds."""
        return int(self.interval_s * 1000)


@dataclass(frozen=True, slots=True)
class LimitReading:
    """What one reply says about the account's limits; `None` where it says nothing."""

    rate: Rate | None = None
    daily_limit: int | None = None
    daily_remaining: int | None = None


@dataclass(frozen=True, slots=True)
class DailyReading:
    """The account's daily quota, as a reply told it `age_s` ago."""

    limit: int
    remaining: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Permits:
    """How many of the wanted requests may go now.

    Attributes:
        granted: None, while others fill the window.
        wait_s: Until it makes sense to ask again, where none is granted.
        rate: As the last worker learnt it.
        daily: As the last worker learnt it.
    """

    granted: int
    wait_s: float
    rate: Rate
    daily: DailyReading | None = None


class SharedLimits(Protocol):
    """The limits of one account, kept where all workers reach them."""

    def take(self, lane: str, wanted: int, rate: Rate, daily: DailyReading | None) -> Permits:
        """Ask for permits, and exchange what is known of the account.

        Args:
            lane: Which of the account's rate limits.
            wanted: How many requests wait.
            rate: To start with, where nobody has asked yet.
            daily: What this worker last learnt.
        """

    def count(self, lane: str, used: int, rate: Rate) -> None:
        """Count requests that went before the account was known."""

    def hold_back(self, lane: str, seconds: float, rate: Rate) -> None:
        """Let no worker pass for that long."""

    def change(self, lane: str, rate: Rate) -> None:
        """Adopt a rate for all workers."""


Grants = list[tuple[int, int]]
"""When permits were given, in milliseconds, and how many; oldest first."""


def admit(grants: Sequence[tuple[int, int]], now_ms: int, rate: Rate, wanted: int) -> tuple[int, int, Grants]:
    """Give as many permits as the window has room for.

    Returns:
        How many; how many milliseconds to wait where it is none; the grants that still count.

    >>> admit([(1000, 90)], 2000, Rate(100, 10.0), 10)
    (6, 0, [(1000, 90), (2000, 6)])
    >>> admit([(1000, 90), (2000, 6)], 5000, Rate(100, 10.0), 1)
    (0, 6000, [(1000, 90), (2000, 6)])
    """
    alive = [(at, count) for at, count in grants if at > now_ms - rate.interval_ms]
    granted = max(0, min(wanted, rate.permits - sum(count for _, count in alive)))
    if granted:
        return granted, 0, _noted(alive, now_ms, granted, rate)
    return 0, max(1, alive[0][0] + rate.interval_ms - now_ms) if alive else 1, alive


def _noted(alive: Grants, now_ms: int, granted: int, rate: Rate) -> Grants:
    """With a grant added; those of one step are one, as young as its youngest."""
    step_ms = max(1, rate.interval_ms // STEPS)
    if alive and alive[-1][0] // step_ms == now_ms // step_ms:
        return [*alive[:-1], (now_ms, alive[-1][1] + granted)]
    return [*alive, (max(now_ms, alive[-1][0]) if alive else now_ms, granted)]
