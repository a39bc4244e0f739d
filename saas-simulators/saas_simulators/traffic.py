"""What was asked of the simulators: counts by route and status, and the last requests, without credentials."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT_REQUESTS = 200
KEPT_SECONDS = 60
KEPT_BODY_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Seen:
    """One answered request; `body` is None where it could hold a credential."""

    time: float
    method: str
    path: str
    route: str
    status: int
    milliseconds: float
    faults: Sequence[str]
    body: bytes | None

    def as_json(self, *, with_body: bool = False) -> dict[str, Any]:
        """Return the request as the control surface shows it."""
        shown = {
            "time": self.time,
            "method": self.method,
            "path": self.path,
            "route": self.route,
            "status": self.status,
            "milliseconds": round(self.milliseconds, 2),
            "faults": list(self.faults),
        }
        if with_body:
            shown["body"] = None if self.body is None else self.body[:KEPT_BODY_BYTES].decode("utf-8", "replace")
        return shown


class Traffic:
    """Counts requests and keeps the last ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget every request."""
        with self._lock:
            self._counts: Counter[tuple[str, str, int]] = Counter()
            self._faults: Counter[str] = Counter()
            self._last: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
            self._per_second: dict[int, int] = {}

    def add(self, seen: Seen) -> None:
        """Count one request."""
        second = int(seen.time)
        with self._lock:
            self._counts[seen.method, seen.route, seen.status] += 1
            self._faults.update(seen.faults)
            self._last.append(seen)
            self._per_second[second] = self._per_second.get(second, 0) + 1
            if len(self._per_second) > 2 * KEPT_SECONDS:
                self._per_second = {s: n for s, n in self._per_second.items() if s > second - KEPT_SECONDS}

    def counts(self) -> list[dict[str, Any]]:
        """Return one entry per method, route and status."""
        with self._lock:
            items = sorted(self._counts.items())
        return [
            {"method": method, "route": route, "status": status, "count": count}
            for (method, route, status), count in items
        ]

    def fault_counts(self) -> dict[str, int]:
        """Return how often each kind of fault was injected."""
        with self._lock:
            return dict(self._faults)

    def last(self, count: int = KEPT_REQUESTS) -> list[Seen]:
        """Return the newest requests, newest first."""
        with self._lock:
            return list(self._last)[-1 : -count - 1 : -1]

    def per_second(self, now: float) -> list[int]:
        """Return the requests of each of the last 60 full seconds, oldest first."""
        with self._lock:
            return [self._per_second.get(int(now) - ago, 0) for ago in range(KEPT_SECONDS, 0, -1)]
