"""The lines that a long load logs every few seconds: how far, how fast, and what holds it up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_etl_core.tally import Tally
    from reverse_etl_core.traffic import Traffic

logger = logging.getLogger(__name__)

EVERY_S = 10.0


class Progress:
    """Tells how a run goes on; also the one who notes in the timeline what was settled.

    Args:
        tallies: Of the streams that were opened so far.
        traffic: Of the run.
        clock: Seconds, monotonic.
    """

    def __init__(self, tallies: Mapping[str, Tally], traffic: Traffic, *, clock: Callable[[], float]) -> None:
        self._tallies = tallies
        self._traffic = traffic
        self._clock = clock
        self._started_s = self._told_s = clock()
        self._told_read: dict[str, int] = {}
        self._told_settled: dict[str, int] = {}

    def note(self) -> None:
        """Note in the timeline what is settled by now."""
        self._traffic.settled_so_far(sum(_settled(one) for one in self._tallies.values()))

    def tell(self) -> None:
        """Log the counts, at most every few seconds, and only of streams of which there is news."""
        self.note()
        now_s = self._clock()
        since_s = now_s - self._told_s
        if since_s < EVERY_S:
            return
        self._told_s = now_s
        for stream, tally in self._tallies.items():
            news = tally.read - self._told_read.get(stream, 0)
            settled = _settled(tally)
            if news or settled != self._told_settled.get(stream, 0):
                counts = ", ".join(f"{count} {fate.value}" for fate, count in tally.fates.items() if count)
                logger.info(
                    "Stream '%s': %d records read (%.0f/s): %s",
                    stream,
                    tally.read,
                    news / since_s,
                    counts or "none settled",
                )
            self._told_read[stream], self._told_settled[stream] = tally.read, settled
        traffic = self._traffic
        logger.info(
            "After %.0f s: %d requests (%d writes, %d retries), %.1f s throttled",
            now_s - self._started_s,
            traffic.requests,
            traffic.writes,
            traffic.retries,
            traffic.throttled_s,
        )


def _settled(tally: Tally) -> int:
    """Records whose fate is known for good; those that the run leaves to the next one are not."""
    return sum(
        count for counts in (tally.fates, tally.retried) for fate, count in counts.items() if fate is not Fate.DEFERRED
    )
