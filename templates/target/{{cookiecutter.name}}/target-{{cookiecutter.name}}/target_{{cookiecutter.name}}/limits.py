"""{{cookiecutter.title}}'s limits, as data, and how its replies report them.

Skeleton: every number here is one of the skeleton's API. Yours come from the vendor's pages on usage limits and
from the reference of each endpoint. Put the title of the page, its version and the day on which you read it beside
each, and write "inferred" where a page does not say and you had to guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.ratelimit import LimitReading, Rate
from reverse_etl_core.schema import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

# Skeleton: what one request of the batch endpoints takes. Yours: the reference of the endpoint; where there is no batch
# endpoint, `records_per_request=1`.
BATCH = Limits(records_per_request=100, bytes_per_request=1_000_000)

# Skeleton: the smallest limit of any plan; the first reply tells the account's own. Yours: the page on usage
# limits. One lane for each budget that the vendor counts apart; `Request.lane` says which one a request uses.
RATES = {"default": Rate(requests=100, interval_s=10.0)}

# Skeleton: how long to wait after a 429 without `Retry-After`.
PAUSE_S = 1.0
LONGEST_PAUSE_S = 600.0
"""Whoever is asked to wait longer should end, and be run again later."""


def reading(headers: Mapping[str, str]) -> LimitReading:
    """What a reply's headers say.

    Skeleton: the names of these headers. Yours: recorded replies, since pages on headers are often out of date. A
    vendor without such headers gets `LimitReading()`.

    >>> reading({"X-RateLimit-Limit": "190", "X-RateLimit-Interval": "10"})
    LimitReading(rate=Rate(requests=190, interval_s=10.0), daily_limit=None, daily_remaining=None)
    """
    requests, interval_s = _number(headers, "X-RateLimit-Limit"), _number(headers, "X-RateLimit-Interval")
    return LimitReading(
        rate=Rate(requests, float(interval_s)) if requests and interval_s else None,
        daily_limit=_number(headers, "X-RateLimit-Daily"),
        daily_remaining=_number(headers, "X-RateLimit-Daily-Remaining"),
    )


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds that a reply asks to wait.

    >>> retry_after_s({"Retry-After": "1.5"}), retry_after_s({})
    (1.5, 1.0)
    """
    text = headers.get("Retry-After", "").strip()
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else PAUSE_S


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None
