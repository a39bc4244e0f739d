"""Bodies that were recorded, or quoted by users in issues, as they stand; they lie beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reverse_etl_core.errors import (
    AuthError,
    BatchRefusedError,
    ConfigError,
    FatalError,
    RateLimitedError,
    ReverseETLError,
)
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.transport import Reply, Request
from target_hubspot.errors import failure

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings" / "hubspot"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not part of the repository")

EXPECTED: dict[str, tuple[type[ReverseETLError], RejectCode | None]] = {
    "create-conflict": (BatchRefusedError, RejectCode.CONFLICT),
    "batch-create-conflict": (BatchRefusedError, RejectCode.CONFLICT),
    "nonunique": (ConfigError, None),
    "batch-update-contacts-by-email": (ConfigError, None),
    "history-batch-limit": (FatalError, None),
    "secondly": (RateLimitedError, None),
    "invalid-option-400-v3": (FatalError, None),  # quoted without its category, and cut: nothing in it has a code
    "expired-token": (AuthError, None),
    "patch-missing": (FatalError, None),
    "patch-no-known-properties": (BatchRefusedError, RejectCode.VENDOR_REFUSED),
    "bad-refresh-token": (AuthError, None),
}


def reported() -> list[Any]:
    """Bodies from issues by their id; v1 answers are left out."""
    path = RECORDINGS / "reported_errors.json"
    items = json.loads(path.read_text(encoding="utf-8"))["items"] if path.is_file() else []
    return [pytest.param(one, id=one["id"]) for one in items if not one["id"].endswith("v1")]


def recorded() -> list[Any]:
    """Refusals of the v3 API from recordings."""
    found = []
    for path in sorted((RECORDINGS / "captaincontrat").glob("v[34]_*.json")):
        for number, one in enumerate(json.loads(path.read_text(encoding="utf-8"))["interactions"]):
            if one["response"]["status"] >= 400:
                found.append(pytest.param(one, id=f"{path.stem}-{number}"))
    return found


def error_of(status: int, body: object, *, is_token: bool = False) -> ReverseETLError:
    """What a reply to a write amounts to."""
    text = body if isinstance(body, str) else json.dumps(body)
    request = Request("POST", "/crm/objects/2026-09/contacts/batch/upsert", is_write=True, is_public=is_token)
    error = failure(request, Reply(status, body=text.encode()))
    assert error is not None
    return error


@pytest.mark.parametrize("item", reported())
def test_quoted_bodies_are_understood(item: dict[str, Any]) -> None:
    """Each body leads to the recovery that it needs, and none of its ids, addresses or options is repeated."""
    error = error_of(item["status"], item["body"], is_token="refresh-token" in item["id"])
    kind, code = next(one for prefix, one in EXPECTED.items() if item["id"].startswith(prefix))
    assert isinstance(error, kind)
    assert code is None or (isinstance(error, BatchRefusedError) and error.code is code)
    assert not [word for word in ("3776512", "XXX1", "PRODUCT_ISSUE", "21939747", "@") if word in str(error)]


@pytest.mark.parametrize("interaction", recorded())
def test_recorded_bodies_are_understood(interaction: dict[str, Any]) -> None:
    """Whatever was recorded ends in one of our errors without text of the body, HTML pages included."""
    response = interaction["response"]
    error = error_of(response["status"], response["body"])
    assert isinstance(error, (BatchRefusedError, FatalError, ConfigError, RateLimitedError))
    body = response["body"]
    message = body.get("message") if isinstance(body, dict) else body
    assert not isinstance(message, str) or message not in str(error)


def test_a_request_that_hubspot_cannot_read_is_not_a_bad_record() -> None:
    """Malformed requests end the run: halved down to each record, they would reject all of them."""
    for message in (
        "Invalid input JSON on line 1, column 2. Some required fields were not set: [inputs]",
        "Invalid input JSON on line 1, column 2: Cannot deserialize value of type `java.util.ArrayList`",
        "The maximum number of inputs supported in a batch request is 100. Please reduce the number of items",
    ):
        error = error_of(400, {"status": "error", "message": message, "category": "VALIDATION_ERROR"})
        assert type(error) is FatalError, message
