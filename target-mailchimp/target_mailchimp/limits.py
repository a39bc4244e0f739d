"""Mailchimp's limits, as data, and how its replies report them (hardly).

source: Mailchimp docs, "Marketing API fundamentals", "Throttling": 10 simultaneous connections for a user, whatever
the number of keys; time-out after 120 s; read 2026-11-21 (api/mailchimp.md 3). No rate, no quota and no header is
documented, and none was recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.ratelimit import LimitReading, Rate
from reverse_etl_core.schema import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTIONS = 10
"""Of one user; more of them are refused with 429."""
DEFAULT_CONCURRENCY = 8
"""Two are left for people at work in Mailchimp, and for requests that were given up here but not there."""

# source: Mailchimp docs, "Batch subscribe or unsubscribe": up to 500 members. The size of a body is not documented
# (inferred: 500 members with 80 merge fields of 255 characters).
BATCH = Limits(records_per_request=500, bytes_per_request=10_000_000)

REMOVALS_PER_BATCH = 25
"""Members are taken away one by one, with up to three requests each: so many fit well into one batch, and several
batches are under way at the same time."""

SERVER_TIMEOUT_S = 120.0
TIMEOUT_S = (10.0, SERVER_TIMEOUT_S + 10.0)
"""To connect, and between two bytes of an answer: whoever gives up before Mailchimp does learns less."""

RATES = {"default": Rate(requests=1000, interval_s=1.0)}
"""Beyond what 10 connections can do: `CONNECTIONS` is what limits."""

CONNECTIONS_PAUSE_S = 1.0
"""After a 429: a place is free when another request ends (inferred)."""
EDGE_PAUSE_S = 30.0
"""After a block page of the edge. source: api-evangelist/mailchimp, notes on rate limits; no time is documented."""
LONGEST_PAUSE_S = 600.0
"""Whoever is asked to wait longer should end, and be run again later."""

SIGNUPS_REST_S = 24 * 3600.0
"""How long an address rests that signed up too often. source: Stack Overflow 41160763: minutes do not help, days do."""


def reading(headers: Mapping[str, str]) -> LimitReading:
    """What a reply's headers say of the account's limits: nothing."""
    del headers
    return LimitReading()


def retry_after_s(headers: Mapping[str, str], default_s: float) -> float:
    """Seconds that a reply asks to wait; Mailchimp's own never do, those of the edge may.

    >>> retry_after_s({"Retry-After": "7"}, 1.0), retry_after_s({}, 1.0)
    (7.0, 1.0)
    """
    text = headers.get("Retry-After", "").strip()
    return float(text) if text.isascii() and text.isdigit() else default_s
