"""What a receiver takes, as data, and how its replies report limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.ratelimit import LimitReading, Rate
from reverse_etl_core.schema import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

# One record a request: a receiver knows no batches.
BATCH = Limits(records_per_request=1, bytes_per_request=1_000_000)
# Our own: no receiver tells its limit before it refuses.
RATES = {"default": Rate(requests=1_000, interval_s=10.0)}
PAUSE_S = 1.0
LONGEST_PAUSE_S = 600.0
"""Whoever is asked to wait longer should end, and be run again later."""


def reading(headers: Mapping[str, str]) -> LimitReading:
    """Nothing: receivers have no headers in common that tell of limits."""
    del headers
    return LimitReading()


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds that a reply asks to wait (RFC 9110, 10.2.3).

    >>> retry_after_s({"Retry-After": "1.5"}), retry_after_s({})
    (1.5, 1.0)
    """
    text = headers.get("Retry-After", "").strip()
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else PAUSE_S
