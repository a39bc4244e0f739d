"""HubSpot's limits, as data, and how its replies report them.

source: HubSpot docs, "API usage guidelines and limits", API 2026-09, read 2026-11-21; headers as recorded
2022 to 2026 (`recordings/hubspot/captaincontrat`).
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from reverse_etl_core.ratelimit import LimitReading, Rate
from reverse_etl_core.schema import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# source: HubSpot docs, "CRM API | batch endpoints": 100 inputs per request; 101 were refused on a live portal.
# No limit of a body's size is documented.
BATCH = Limits(records_per_request=100, bytes_per_request=9_000_000)

# source: HubSpot docs, "Permanently delete a contact (GDPR-compliant)": one record per request; neither the API's
# reference nor the official client has a batch endpoint for it (read 2026-11-28).
PURGED_PER_REQUEST = 1

# source: Workato's documentation of HubSpot's associations API: 2,000 inputs per request that creates; HubSpot's
# changelog of 2025-02-10: 1,000 per request that reads. What archives is held to the smaller one (inferred).
ASSOCIATIONS = 2_000
ASSOCIATIONS_READ = 1_000
ASSOCIATED_PER_RECORD = 100
"""Our own: the ledger keeps the ids of what this sync added to a record in one place."""

# source: HubSpot docs, "CRM API | batch endpoints": as for records
DEFINITIONS_PER_REQUEST = 100

# source: third parties report 100,000 ids per request that changes a list's members which HubSpot
# documents only for adding one list to another ("Lists", read 2026-11-28). Fewer are asked for here: what is written in
# one request is also resolved and recorded together.
MEMBERS = 10_000
# source: HubSpot API reference, "Lists", memberships: 250 on a page.
MEMBERS_PER_PAGE = 250
# inferred: as for the other endpoints that read a batch; the one that reads the lists of records states no limit.
MEMBERS_READ = 100
# source: HubSpot API reference, "Lists", search: 500 on a page.
LISTS_PER_PAGE = 500

# source: HubSpot docs, "Property": text properties hold 65,536 characters.
TEXT_LENGTH = 65_536

RATES = {"default": Rate(requests=100, interval_s=10.0)}
"""The smallest burst limit of any plan; the first reply tells the account's own."""

# A reply without `Retry-After`: the burst window is 10 s long, the one of the older limit 1 s.
BURST_PAUSE_S = 2.0
SECONDLY_PAUSE_S = 1.0
# source: HubSpot docs, "Error handling": 423 asks to wait at least 2 s.
LOCKED_PAUSE_S = 2.0
LONGEST_PAUSE_S = 600.0
"""Whoever is asked to wait longer should end, and be run again later."""

INTERVAL_HEADER = "X-HubSpot-RateLimit-Interval-Milliseconds"


def reading(headers: Mapping[str, str]) -> LimitReading:
    """What a reply's headers say. OAuth apps get no daily figures, searches no burst figures.

    >>> reading({"X-HubSpot-RateLimit-Max": "190", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"})
    LimitReading(rate=Rate(requests=190, interval_s=10.0), daily_limit=None, daily_remaining=None)
    """
    burst, interval_ms = (
        _number(headers, "X-HubSpot-RateLimit-Max"),
        _number(headers, INTERVAL_HEADER),
    )
    return LimitReading(
        rate=Rate(burst, interval_ms / 1000) if burst and interval_ms else None,
        daily_limit=_number(headers, "X-HubSpot-RateLimit-Daily"),
        daily_remaining=_number(headers, "X-HubSpot-RateLimit-Daily-Remaining"),
    )


def retry_after_s(headers: Mapping[str, str], default_s: float) -> float:
    """Seconds that a reply asks to wait, from seconds or from a date that is compared with the reply's own.

    >>> retry_after_s({"Retry-After": "1.5"}, 2.0), retry_after_s({"Retry-After": "soon"}, 2.0)
    (1.5, 2.0)
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    until, now = _date(text), _date(headers.get("Date", ""))
    return max(0.0, (until - now).total_seconds()) if until and now else default_s


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None
