"""Salesforce's limits, as data, and how its replies report them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reverse_etl_core.ratelimit import LimitReading, Rate
from reverse_etl_core.schema import JobLimits, Limits, RemovalWay

if TYPE_CHECKING:
    from collections.abc import Mapping

# source: REST API Developer Guide, "sObject Collections" (v46 and later): 200 records. No limit of the body's size is
# documented for REST; SOAP's is 50 MB. Ours keeps a request well below the 10 minutes that one may run.
BATCH = Limits(records_per_request=200, bytes_per_request=5_000_000)

# source: REST API Developer Guide, "Status Codes and Error Responses": 414 for a URI above 16,384 bytes, 431 for URI
# and headers together. What is left is for the path, for our headers, and for tokens in JWT form.
FIND_URI_BYTES = 12_000
"""What the percent-encoded query of one lookup may hold."""

# source: "Introduction to Bulk API 2.0 and Bulk API": more than 2,000 records are a good candidate, fewer belong in
# REST calls. "Bulk API 2.0 Limits", upload: at most 150 MB once encoded as base64, so 100 MB of CSV. A record is larger
# as CSV than as JSON where its text is full of quotes, at most twice: half of that is the most that a job could have.
# Two jobs at once and the records of a third are in memory: hence the quarter. The org cuts a job into batches of
# 10,000 records, so that a job is a few whole ones (measured: 344 MB with 50,000 records of ten fields in each job).
JOBS = JobLimits(records_from=2_000, records_per_job=30_000, bytes_per_job=24_000_000)

CHECKPOINT_RECORDS = 300_000
"""A checkpoint waits for the jobs that run: a few of them lie between two."""

ARCHIVE = RemovalWay("archive", records_per_request=BATCH.records_per_request)
"""Into the recycle bin, for 15 days. source: REST API Developer Guide, "Delete Records Using sObject Collections": up
to 200 ids; they stand in the address and take about 4 KB of it."""

# source: Bulk API 2.0 guide v66, "How Requests Are Processed": up to 10,000 records are one of the day's batches.
HARD_DELETE = RemovalWay("delete", records_per_request=10_000, is_final=True)
"""Past the recycle bin: by a bulk job, also with `api: rest`, since there is no other way."""

RATES = {"default": Rate(requests=200, interval_s=1.0)}
"""Salesforce documents no limit per second, only one of requests that run for 20 s or longer: this is a courtesy."""

# source: "API Request Limits and Allocations": 25 such requests at a time, in developer and trial orgs 5. A batch
# seldom takes that long, and parallel writes to children of one parent lock each other out.
CONCURRENCY = 4

# source: REST API Developer Guide, "Limit Info Header"
_USAGE = re.compile(r"(?:^|[;,\s])(?:per-app-)?api-usage=([0-9]+)/([0-9]+)")


def reading(headers: Mapping[str, str]) -> LimitReading:
    """What a reply's headers say of the last 24 hours; of several limits the one that is nearer to its end.

    >>> reading({"Sforce-Limit-Info": "api-usage=235/15000; per-app-api-usage=240/250(appName=sync)"})
    LimitReading(rate=None, daily_limit=250, daily_remaining=10)
    """
    pairs = [(int(used), int(limit)) for used, limit in _USAGE.findall(headers.get("Sforce-Limit-Info", ""))]
    return _nearest([(limit, limit - used) for used, limit in pairs])


def daily_requests(body: object) -> LimitReading:
    """The same from the body of `GET /limits`.

    >>> daily_requests({"DailyApiRequests": {"Max": 15000, "Remaining": 14998}})
    LimitReading(rate=None, daily_limit=15000, daily_remaining=14998)
    """
    limit, remaining = _allowance(body, "DailyApiRequests")
    return _nearest([] if limit is None or remaining is None else [(limit, remaining)])


def bulk_batches_left(body: object) -> int | None:
    """Batches that bulk jobs may still use within 24 hours, from the body of `GET /limits`; `None`: it does not say.

    Salesforce makes one of every 10,000 records (source: Bulk API 2.0 Developer Guide, "How Requests Are Processed").

    >>> bulk_batches_left({"DailyBulkApiBatches": {"Max": 15000, "Remaining": 14990}})
    14990
    """
    return _allowance(body, "DailyBulkApiBatches")[1]


def _nearest(allowances: list[tuple[int, int]]) -> LimitReading:
    """Of pairs of limit and remainder the one with the smallest share left; a limit of 0 is none."""
    usable = [(limit, max(0, remaining)) for limit, remaining in allowances if limit > 0]
    if not usable:
        return LimitReading()
    limit, remaining = min(usable, key=lambda one: one[1] / one[0])
    return LimitReading(daily_limit=limit, daily_remaining=remaining)


def _allowance(body: object, name: str) -> tuple[int | None, int | None]:
    entry: Any = body.get(name) if isinstance(body, dict) else None
    if not isinstance(entry, dict):
        return None, None
    return _count(entry.get("Max")), _count(entry.get("Remaining"))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
