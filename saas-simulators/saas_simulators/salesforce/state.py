"""One Salesforce org: its objects, users, limits and records, behind one lock."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.journal import Journal

VENDOR = "salesforce"


class Org:
    """Everything behind one Salesforce org. Hold `lock` for every read or write."""

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.journal = journal
        self.objects: dict[str, Any] = {}  # describe metadata by API name
        self.jobs: Any = None  # of the Bulk API
