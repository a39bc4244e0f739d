"""Signed logins (JWT bearer): structure, audience and time are checked; the signature cannot be, without a key."""

from __future__ import annotations

import base64
import json
from typing import Any

PARTS = 3
LEEWAY_S = 300  # inferred: the documentation says 3 minutes; how strictly is not evidenced


class AssertionRefusedError(Exception):
    """An assertion is not accepted; the message is the vendor's `error_description`."""


def read_assertion(assertion: str, now: float) -> dict[str, str]:
    """Return who logs in: `client_id` and `username`.

    Raises:
        AssertionRefusedError: It is not a JWT, is for somebody else, or its time is over.
    """
    parts = assertion.split(".")
    if len(parts) != PARTS or not parts[2]:
        msg = "invalid assertion"
        raise AssertionRefusedError(msg)
    header, claims = _decoded(parts[0]), _decoded(parts[1])
    issuer, subject = str(claims.get("iss") or ""), str(claims.get("sub") or "")
    if header.get("alg") != "RS256" or not issuer or not subject:
        msg = "invalid assertion"
        raise AssertionRefusedError(msg)
    if not str(claims.get("aud") or "").startswith("http"):
        # source: help pages
        msg = "Audience validation failed"
        raise AssertionRefusedError(msg)
    try:
        expires = float(claims.get("exp", "nan"))  # simple-salesforce sends a string
    except (TypeError, ValueError):
        expires = float("nan")
    if not now - LEEWAY_S < expires < now + 2 * LEEWAY_S:
        msg = "expired authorization code"
        raise AssertionRefusedError(msg)
    return {"client_id": issuer, "username": subject}


def _decoded(part: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        msg = "invalid assertion"
        raise AssertionRefusedError(msg)
    return value
