"""What HubSpot's refusals mean, in one table, and how to read them.

HubSpot's messages quote field values, so none of them is passed on: a refusal becomes our own sentence with
the names of the properties. What the tables do not know is fatal for the request, and named by its code.

source: HubSpot docs "Error handling", recorded and quoted bodies in `recordings/hubspot`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import (
    AuthError,
    BatchRefusedError,
    ConfigError,
    FatalError,
    QuotaExhaustedError,
    RateLimitedError,
    ReverseETLError,
    UnknownOutcomeError,
)
from reverse_etl_core.operations import RejectCode
from target_hubspot import limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_etl_core.transport import Reply, Request

PROPERTY_ERRORS: dict[str, RejectCode] = {
    "PROPERTY_DOESNT_EXIST": RejectCode.UNKNOWN_FIELD,
    "INVALID_OPTION": RejectCode.INVALID_OPTION,
    "INVALID_BOOLEAN_OPTION": RejectCode.INVALID_OPTION,
    "INVALID_LONG": RejectCode.INVALID_VALUE,
    "INVALID_INTEGER": RejectCode.INVALID_VALUE,
    "INVALID_DATE": RejectCode.INVALID_VALUE,
    "INVALID_VALUE": RejectCode.INVALID_VALUE,
    "INVALID_EMAIL": RejectCode.INVALID_EMAIL,
    "READ_ONLY_VALUE": RejectCode.READ_ONLY_FIELD,
    "MISSING_REQUIRED_PROPERTY": RejectCode.REQUIRED_FIELD,
    "MISSING_CONDITIONAL_REQUIRED_PROPERTY": RejectCode.REQUIRED_FIELD,
    "GDPR_BLACKLISTED_EMAIL": RejectCode.CONSENT,
}
"""Codes of single properties, in `errors[].code` or in the JSON text inside `message`."""

CATEGORIES: dict[str, RejectCode] = {
    "CONFLICT": RejectCode.CONFLICT,
    "OBJECT_ALREADY_EXISTS": RejectCode.CONFLICT,
    "OBJECT_NOT_FOUND": RejectCode.NOT_FOUND,
    "VALIDATION_ERROR": RejectCode.VENDOR_REFUSED,
}
"""Categories of one record's refusal."""

# The beginnings of messages that have no code of their own.
# source: reported_errors.json (nodejs#548, segment#3957, python#51), bodies quoted in public code in 2026.
_NON_UNIQUE = "Unable to perform update/upsert by non-unique"
_TAKEN_VALUE = "Cannot set PropertyValueCoordinates"
_REQUIRED = re.compile(r"Error creating \w+\. Some required properties were not set")
_TAKEN_PROPERTY = re.compile(r"propertyName=(\w+)")

_REMEDIES = {
    RejectCode.UNKNOWN_FIELD: "HubSpot does not know {names}. It may have been deleted during the run.",
    RejectCode.INVALID_OPTION: "{names} takes only its own options. Add the option, or map the value in the model.",
    RejectCode.INVALID_VALUE: "{names} does not take the value. Cast it in the model.",
    RejectCode.INVALID_EMAIL: "{names} does not hold an address that HubSpot accepts. Mend it at the source.",
    RejectCode.READ_ONLY_FIELD: "{names} is read-only. Leave it out of 'fields' or the model.",
    RejectCode.REQUIRED_FIELD: "HubSpot wants a value for {names}. Fill it in the model.",
    RejectCode.CONFLICT: "Another record already has the value of {names}, which must be unique. Merge the two, or "
    "correct the value.",
    RejectCode.CONSENT: "The address in {names} was deleted for privacy and may not come back.",
    RejectCode.NOT_FOUND: "HubSpot has no such record.",
    RejectCode.VENDOR_REFUSED: "HubSpot refused the record.",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why HubSpot refuses a record, without values.

    Attributes:
        code: Ours.
        vendor_code: HubSpot's, verbatim.
        properties: Names of the properties that it complains of.
    """

    code: RejectCode
    vendor_code: str
    properties: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """A sentence with the remedy."""
        names = ", ".join(f"'{name}'" for name in self.properties) or "one of its properties"
        return _REMEDIES[self.code].format(names=names)


def complaint(body: Mapping[str, Any]) -> Complaint:
    """Read the refusal of a record: an error body, or an item of `errors`.

    The first property error decides; categories stand in where there is none.
    """
    message = str(body.get("message", ""))
    found = [_property_error(one) for one in _property_errors(body, message)]
    if found:
        vendor_code = found[0][0]
        names = tuple(dict.fromkeys(name for code, name in found if name and code == vendor_code))
        return Complaint(PROPERTY_ERRORS.get(vendor_code, RejectCode.VENDOR_REFUSED), vendor_code, names)
    if message.startswith(_TAKEN_VALUE):
        return Complaint(RejectCode.CONFLICT, "UNIQUE_VALUE_TAKEN", tuple(_TAKEN_PROPERTY.findall(message)[:1]))
    if _REQUIRED.match(message):
        return Complaint(RejectCode.REQUIRED_FIELD, "REQUIRED_PROPERTIES")
    category = str(body.get("category") or "UNKNOWN")
    return Complaint(CATEGORIES.get(category, RejectCode.VENDOR_REFUSED), category)


def _property_errors(body: Mapping[str, Any], message: str) -> Sequence[Mapping[str, Any]]:
    listed = [one for one in body.get("errors") or () if isinstance(one, dict) and one.get("code")]
    if listed:
        return listed
    # Bodies of 2022 hold the list only as JSON text inside the message.
    start = message.find("[{")
    if start < 0:
        return []
    try:
        embedded = json.loads(message[start:])
    except ValueError:
        return []
    return [one for one in embedded if isinstance(one, dict)]


def _property_error(error: Mapping[str, Any]) -> tuple[str, str]:
    """Code and property name, from either form."""
    context = error.get("context") or {}
    names = context.get("propertyName") or [error.get("name") or ""]
    return str(error.get("code") or error.get("error") or "UNKNOWN"), str(names[0])


def failure(request: Request, reply: Reply) -> ReverseETLError | None:
    """The error that a reply amounts to; `None` for one that can be parsed.

    Success includes 207: its `errors` belong to single records.
    """
    status = reply.status
    if status < 300:  # noqa: PLR2004 - HTTP
        return None
    body = reply.json_or_none()
    body = body if isinstance(body, dict) else {}
    where = f"{request.method} {request.path}"
    if status in _BY_STATUS:
        return _BY_STATUS[status](where, reply, body)
    if status >= 500:  # noqa: PLR2004 - HTTP
        return UnknownOutcomeError(f"{where} was answered {status}.")
    return _refusal(where, status, body)


def _refusal(where: str, status: int, body: Mapping[str, Any]) -> ReverseETLError:
    """400 and 409: about the records of the request, or about the request itself."""
    message = str(body.get("message", ""))
    if message.startswith(_NON_UNIQUE):
        msg = "HubSpot does not keep the match property unique. Set 'match_on' to a unique property."
        return ConfigError(msg)
    if status in (400, 409):
        found = complaint(body)
        return BatchRefusedError(found.reason, code=found.code, vendor_code=found.vendor_code)
    category = body.get("category") or "no category"
    return FatalError(f"{where} was answered {status} ({category}), which this target does not know.")


def _unauthorized(where: str, _reply: Reply, body: Mapping[str, Any]) -> ReverseETLError:
    category = body.get("category") or "INVALID_AUTHENTICATION"
    msg = f"HubSpot refuses the access token ({category}) for {where}. Check 'access_token', or the OAuth settings."
    return AuthError(msg, is_renewable=True)


def _forbidden(where: str, _reply: Reply, body: Mapping[str, Any]) -> ReverseETLError:
    contexts = [body.get("context") or {}, *((one.get("context") or {}) for one in _items(body))]
    scopes = sorted({scope for context in contexts for scope in context.get("requiredGranularScopes", ())})
    needed = f" Grant it: {', '.join(scopes)}." if scopes else " Check its scopes."
    return AuthError(f"The access token lacks a scope for {where} ({body.get('category') or 'FORBIDDEN'}).{needed}")


def _items(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [one for one in body.get("errors") or () if isinstance(one, dict)]


def _too_many(where: str, reply: Reply, body: Mapping[str, Any]) -> ReverseETLError:
    message = str(body.get("message", "")).lower()
    policy = str(body.get("policyName") or "")
    if policy == "DAILY" or "daily" in message:
        return QuotaExhaustedError(
            "HubSpot's daily limit of requests is reached. Run again after midnight of the account."
        )
    pause_s = limits.SECONDLY_PAUSE_S if "secondly limit" in message else limits.BURST_PAUSE_S
    return RateLimitedError(f"{where}: rate limit reached.", retry_after_s=_retry_after(reply, pause_s))


def _locked(where: str, reply: Reply, _body: Mapping[str, Any]) -> ReverseETLError:
    return RateLimitedError(f"{where}: locked for a moment.", retry_after_s=_retry_after(reply, limits.LOCKED_PAUSE_S))


def _migrating(_where: str, reply: Reply, _body: Mapping[str, Any]) -> ReverseETLError:
    # source: HubSpot docs, "Error handling": 477 while an account moves between data centres, up to 24 hours.
    hours = _retry_after(reply, 0.0) / 3600
    return QuotaExhaustedError(
        f"HubSpot is moving this account and asks to come back in {hours:.1f} hours. Run again then."
    )


def _not_found(where: str, _reply: Reply, _body: Mapping[str, Any]) -> ReverseETLError:
    return FatalError(f"{where} does not exist at HubSpot (404). Check 'api_url' and 'api_version'.")


def _retry_after(reply: Reply, default_s: float) -> float:
    text = reply.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else default_s


_BY_STATUS = {
    401: _unauthorized,
    403: _forbidden,
    404: _not_found,
    423: _locked,
    429: _too_many,
    477: _migrating,
}
