"""What a run did, in numbers: the summary in the log and `report.json`."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_etl_core.tally import Tally
    from reverse_etl_core.traffic import Traffic

logger = logging.getLogger(__name__)

REPORT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Report:
    """One run in numbers; holds no field value.

    Attributes:
        run_id: Of the ledger; empty where none was opened.
        started_at: Seconds since 1970.
        objects: Where each stream went.
        message: What ended the run; empty where the input did.
    """

    target: str
    run_id: str
    sync_id: str
    account: str
    exit_code: int
    started_at: float
    seconds: float
    states_released: int
    objects: Mapping[str, str]
    tallies: Mapping[str, Tally]
    traffic: Traffic
    message: str = ""

    def totals(self) -> dict[str, int]:
        """Counts over all streams."""
        counts = {"read": 0} | {fate.value: 0 for fate in Fate}
        for tally in self.tallies.values():
            for name, count in tally.as_dict().items():
                counts[name] += count
        return counts

    def retried(self) -> Counter[Fate]:
        """What became of records that earlier runs had left, over all streams; they are not in `totals`."""
        return sum((one.retried for one in self.tallies.values()), Counter())

    def figures(self) -> dict[str, float]:
        """The columns of the ledger's `runs` table."""
        totals = self.totals()
        return {
            "records_read": totals.pop("read"),
            **totals,
            **{f"earlier_{name}": count for name, count in _earlier(self.retried()).items()},
            "requests": self.traffic.requests,
            "retries": self.traffic.retries,
            "states_released": self.states_released,
            "throttled_s": round(self.traffic.throttled_s, 3),
            "seconds": round(self.seconds, 3),
        }

    def log(self) -> None:
        """The summary: one line per stream, one for the run."""
        for stream, tally in self.tallies.items():
            logger.info("Summary of stream '%s': %s", stream, _counts(tally))
            for code, count in tally.codes.most_common():
                logger.info("Summary of stream '%s': %d x %s", stream, count, code)
        rate = self.totals()["read"] / self.seconds if self.seconds else 0
        logger.info(
            "Summary of the run: %s%s; %d requests, %d of them writes, %d retries, %.1f s throttled, %.1f s in all, "
            "%.0f records/s, exit code %d",
            ", ".join(f"{count} {name}" for name, count in self.totals().items()),
            _earlier_words(self.retried()),
            self.traffic.requests,
            self.traffic.writes,
            self.traffic.retries,
            self.traffic.throttled_s,
            self.seconds,
            rate,
            self.exit_code,
        )

    def as_dict(self) -> dict[str, Any]:
        """The content of `report.json`."""
        return {
            "version": REPORT_VERSION,
            "target": self.target,
            "run_id": self.run_id,
            "sync_id": self.sync_id,
            "account": self.account,
            "exit_code": self.exit_code,
            "message": self.message,
            "started_at": utc_text(self.started_at),
            "seconds": round(self.seconds, 3),
            "states_released": self.states_released,
            "totals": self.totals(),
            "retried": {fate.value: count for fate, count in self.retried().items()},
            "streams": {stream: self._stream(stream, tally) for stream, tally in self.tallies.items()},
            "requests": {
                "total": self.traffic.requests,
                "writes": self.traffic.writes,
                "unanswered": self.traffic.failures,
                "retries": self.traffic.retries,
                "throttled_s": round(self.traffic.throttled_s, 3),
                "statuses": {str(status): count for status, count in sorted(self.traffic.statuses.items())},
                "daily_limit": self.traffic.daily_limit,
                "daily_remaining": self.traffic.daily_remaining,
            },
            "slowest_requests": [
                {"method": one.method, "path": one.path, "status": one.status, "seconds": round(one.seconds, 3)}
                for one in self.traffic.slowest()
            ],
            "timeline": self._timeline(),
        }

    def folder_name(self) -> str:
        """The folder of the run's report: its start and its id."""
        start = dt.datetime.fromtimestamp(self.started_at, tz=dt.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        return f"{start}-{self.run_id[:8]}"

    def _timeline(self) -> dict[str, Any]:
        """The run over time, as columns: one number per interval."""
        width_s, intervals = self.traffic.timeline(self.seconds)
        return {
            "interval_s": width_s,
            "settled": [one.settled for one in intervals],
            "requests": [one.requests for one in intervals],
            "throttled_s": [round(one.throttled_s, 3) for one in intervals],
        }

    def _stream(self, stream: str, tally: Tally) -> dict[str, Any]:
        return {
            "object": self.objects.get(stream, ""),
            "counts": tally.as_dict(),
            "codes": dict(tally.codes.most_common()),
            "retried": {fate.value: count for fate, count in tally.retried.items()},
        }


def _counts(tally: Tally) -> str:
    words = [f"{count} {name}" for name, count in tally.as_dict().items()]
    return ", ".join(words) + _earlier_words(tally.retried)


def _earlier(retried: Counter[Fate]) -> dict[str, int]:
    """What a run did with what earlier ones had left."""
    return {
        "delivered": retried[Fate.CREATED] + retried[Fate.UPDATED],
        "removed": retried[Fate.REMOVED],
        "rejected": retried[Fate.REJECTED],
    }


def _earlier_words(retried: Counter[Fate]) -> str:
    if not retried:
        return ""
    counts = _earlier(retried)
    removed = f", {counts['removed']} removed" if counts["removed"] else ""
    return f", of earlier runs {counts['delivered']} delivered now{removed} and {counts['rejected']} still rejected"


def utc_text(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 text in UTC."""
    return dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc).isoformat(timespec="seconds")


def report_json(report: Report) -> str:
    """The text of `report.json`."""
    return json.dumps(report.as_dict(), indent=2)
