"""HubSpot's refusals: one class, and a function for each body that was recorded or documented."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from saas_simulators.exchange import Reply, encode_json

VALIDATION = "VALIDATION_ERROR"
# source: recording captaincontrat v3_objects.json (tasks, 404), body and content type
NOT_FOUND_PAGE = (
    '<html>\n<head>\n<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n'
    "<title>Error 404 Not Found</title>\n</head>\n<body><h2>HTTP ERROR 404</h2>\n"
    "<p>Resource not found</p>\n</body>\n</html>\n"
)


class HubSpotError(Exception):
    """A request is refused with `status` and the vendor's JSON body."""

    def __init__(self, status: int, message: str, **body: Any) -> None:  # noqa: ANN401 - any JSON value
        super().__init__(message)
        self.status = status
        self.body = body
        self.item_context: dict[str, list[str]] = {}  # shown only where the error is one item of a 207

    def reply(self) -> Reply:
        """Return the refusal in the order of keys that HubSpot uses."""
        correlation_id = new_correlation_id()
        body = {"status": "error", "message": str(self), "correlationId": correlation_id, **self.body}
        return Reply(self.status, encode_json(body), headers={"X-HubSpot-Correlation-Id": correlation_id})


class MissingError(Exception):
    """The path names nothing that exists; the reply is JSON or a page, as the client accepts."""


def new_correlation_id() -> str:
    """Return an id like those of 2026: UUID-shaped, beginning with the time in milliseconds."""
    # source: recording captaincontrat v3_objects.json, April 2026: "019dab0b-6a7c-7027-..."
    head = f"{int(time.time() * 1000):012x}"
    tail = secrets.token_hex(9)
    return f"{head[:8]}-{head[8:]}-7{tail[:3]}-{8 + int(tail[3], 16) % 4:x}{tail[3:6]}-{tail[6:18]}"


def validation(message: str, **body: Any) -> HubSpotError:  # noqa: ANN401 - any JSON value
    """Return a 400 of the category that most refusals share."""
    return HubSpotError(400, message, **body, category=VALIDATION)


def not_found_reply(*, accepts_json: bool) -> Reply:
    """Return the 404 for a path or a record that does not exist."""
    # source: recording captaincontrat v3_objects.json: HTML when the client does not ask for JSON.
    headers = {"X-HubSpot-NotFound": "true"}
    if accepts_json:
        # source: segment-docs#6244, body quoted for PATCH
        reply = HubSpotError(404, "resource not found").reply()
        reply.headers.update(headers)
        return reply
    return Reply(404, NOT_FOUND_PAGE.encode(), "text/html;charset=iso-8859-1", headers)


def unauthenticated() -> HubSpotError:
    """Return the refusal of a missing or unknown token."""
    # source: portal probe 2026-04-21 (prefix), HubSpot docs "Error handling"
    return HubSpotError(
        401,
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
        "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        category="INVALID_AUTHENTICATION",
    )


def token_expired(seconds: int = 7) -> HubSpotError:
    """Return the refusal of an expired token."""
    # source: segment-docs#6244, quoted in full
    message = f"The OAuth token used to make this call expired {seconds} second(s) ago."
    return HubSpotError(401, message, category="EXPIRED_AUTHENTICATION")


def missing_scopes(*scopes: str, is_about_schemas: bool = False) -> HubSpotError:
    """Return the refusal of a token that lacks all of some scopes of which one is needed."""
    page = "https://developers.hubspot.com/scopes"
    needed = "One or more of the following scopes are required."
    context: dict[str, list[str]] = {"requiredGranularScopes": list(scopes)}
    if is_about_schemas:
        # source: captured body amp-labs
        return HubSpotError(403, needed, context={**context, "links": [page]}, category="MISSING_SCOPES")
    # source: bodies of 2025 and 2026 quoted from logs (deals, leads); portal probe 2026-04-21
    message = (
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {page}."
    )
    details = [{"message": needed, "context": context}]
    return HubSpotError(403, message, errors=details, links={"scopes": page}, category="MISSING_SCOPES")


def rate_limited(policy: str, retry_after: float | None = None) -> Reply:
    """Return the documented 429 of a policy: TEN_SECONDLY_ROLLING, SECONDLY or DAILY."""
    # source: HubSpot docs "Usage guidelines"; the SECONDLY form was reported live in mk-node-hubspot#89
    limit = policy.lower().removesuffix("_rolling")
    words = {"ten_secondly": "ten_secondly_rolling"}.get(limit, limit)
    error = HubSpotError(
        429,
        f"You have reached your {words} limit.",
        errorType="RATE_LIMIT",
        policyName=policy,
        requestId=secrets.token_hex(16),
    )
    reply = error.reply()
    if retry_after is not None:
        reply.headers["Retry-After"] = f"{retry_after:g}"
    return reply


def search_limited() -> Reply:
    """Return the 429 of the search endpoints, which names no policy and no Retry-After."""
    # source: recordings grouparoo 2022, 69 times
    return HubSpotError(429, "You have reached your secondly limit.", category="RATE_LIMITS").reply()


def unknown_object_type(name: str) -> HubSpotError:
    """Return the refusal of an object type that does not exist."""
    # source: captured body amp-labs; it has no category
    return HubSpotError(400, f"Unable to infer object type from: {name}")


def required_fields(names: list[str]) -> HubSpotError:
    """Return the refusal of a body that lacks fields."""
    # source: recordings captaincontrat 2026-04 (lists), portal probe 2026-04-21; the column is not computed here
    fields = ", ".join(names)
    return validation(f"Invalid input JSON on line 1, column 2. Some required fields were not set: [{fields}]")


def wrong_json(detail: str) -> HubSpotError:
    """Return the refusal of a body whose JSON has the wrong types; it has no category."""
    # source: portal probe 2026-04-21
    return HubSpotError(400, f"Invalid input JSON on line 1, column 2: {detail}")


def body_missing() -> HubSpotError:
    """Return the refusal of an empty body, whose `errors` are strings."""
    # source: recordings captaincontrat 2026-04
    return HubSpotError(400, "validation error", errors=["The request body may not be null"])


def non_unique(type_id: str, name: str, portal_id: int) -> HubSpotError:
    """Return the refusal of an `idProperty` whose values need not be unique."""
    # source: segmentio/action-destinations#3957 (August 2026), hubspot-api-nodejs#548
    return validation(
        f"Unable to perform update/upsert by non-unique {type_id} property {name} in portal ID {portal_id}"
    )


def duplicate_ids(ids: list[str]) -> HubSpotError:
    """Return the refusal of a batch that names one record twice."""
    # source: captured body amp-labs; trace ids make no difference (live 2026)
    listed = ", ".join(ids)
    message = f"Duplicate IDs found in batch input: [{listed}]. IDs must be unique"
    return validation(message, context={"ids": ids})


def invalid_properties(problems: list[dict[str, str]], portal_id: int) -> HubSpotError:
    """Return the refusal of property values: as JSON inside the message, and as `errors`.

    Args:
        problems: `message`, `code` and `name` of every bad value of every input.
        portal_id: Shown inside the embedded JSON.
    """
    # source: captured bodies amp-labs 2025-2026; localizedErrorMessage: gregorspan/csc-frodx#21 (September 2026)
    embedded = [
        {
            "isValid": False,
            "message": problem["message"],
            "error": problem["code"],
            "name": problem["name"],
            "localizedErrorMessage": problem["message"],
            "portalId": portal_id,
        }
        for problem in problems
    ]
    details = [
        {"message": problem["message"], "code": problem["code"], "context": {"propertyName": [problem["name"]]}}
        for problem in problems
    ]
    message = f"Property values were not valid: {json.dumps(embedded, separators=(',', ':'))}"
    return validation(message, errors=details)


def already_exists(label: str, existing_id: str) -> HubSpotError:
    """Return the refusal of a create whose e-mail belongs to another contact."""
    # source: hubspot-api-python#51, hubspot-api-nodejs#545 (September 2024)
    error = HubSpotError(409, f"{label} already exists. Existing ID: {existing_id}", category="CONFLICT")
    error.item_context["existingId"] = [existing_id]  # source: captured body amp-labs 2025-11
    return error


def value_taken(
    *, portal_id: int, type_text: str, name: str, value: str, record_id: str, owner_id: str
) -> HubSpotError:
    """Return the refusal of a value that must be unique and belongs to another record."""
    # source: bodies quoted from alerts of September 2026 (contacts, e-mail: 400, VALIDATION_ERROR); reports of 2025
    # and 2026 show the same text for custom unique properties of companies, orders and line items.
    coordinates = f"portalId={portal_id}, objectTypeId={type_text}, propertyName={name}, value={value}"
    return validation(
        f"Cannot set PropertyValueCoordinates{{{coordinates}}} on {record_id}. {owner_id} already has that value."
    )
