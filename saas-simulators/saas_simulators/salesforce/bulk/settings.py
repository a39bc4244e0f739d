"""What a test may set about bulk jobs; part of the org's limits, where each name begins with `bulk_`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.limits import DailyQuota

if TYPE_CHECKING:
    from collections.abc import Mapping

SWITCHES = frozenset({"bulk_hard_delete", "bulk_second_upload_refused"})
NUMBERS = frozenset({"bulk_seconds_per_batch", "bulk_max_base64_bytes", "bulk_batches", "bulk_batches_used"})
NULLABLE = frozenset({"bulk_batches"})
SECONDS_PER_BATCH = 0.02
BULK_BATCHES = 15_000  # source: Salesforce limits cheat sheet: shared by both Bulk APIs, in 24 hours
MAX_BASE64_BYTES = 150_000_000  # source: Bulk API 2.0 guide v66, "Upload Job Data": 150 MB of base64


class BulkSettings:
    """How jobs are processed and what is allowed.

    Attributes:
        seconds_per_batch: How long a batch of 10,000 records takes at least.
        max_base64_bytes: The most of an upload, after base64.
        hard_delete: Whether the user has the permission "Bulk API Hard Delete".
        second_upload_refused: Whether a second PUT is refused at once. False: it is taken, and the closing is refused.
        batches: The day's batches of 10,000 records.
    """

    def __init__(self, limits: Mapping[str, Any]) -> None:
        """Take one's own settings out of the org's limits, which are checked already."""
        self.seconds_per_batch: float = limits.get("bulk_seconds_per_batch", SECONDS_PER_BATCH)
        self.max_base64_bytes: int = limits.get("bulk_max_base64_bytes", MAX_BASE64_BYTES)
        self.hard_delete: bool = limits.get("bulk_hard_delete", False)
        # source: salesforce.stackexchange 231917 (v43) for False; third-party reports for True
        self.second_upload_refused: bool = limits.get("bulk_second_upload_refused", False)
        self.batches = DailyQuota(limits.get("bulk_batches", BULK_BATCHES if limits.get("enabled", True) else None))
        self.batches.used = limits.get("bulk_batches_used", 0)

    def as_limits(self) -> dict[str, Any]:
        """Return the settings by the names that they have among the limits."""
        return {
            "bulk_batches": self.batches.limit,
            "bulk_batches_used": self.batches.used,
            "bulk_seconds_per_batch": self.seconds_per_batch,
            "bulk_max_base64_bytes": self.max_base64_bytes,
            "bulk_hard_delete": self.hard_delete,
            "bulk_second_upload_refused": self.second_upload_refused,
        }
