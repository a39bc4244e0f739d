"""What an error body of HubSpot says, as codes and names: pure.

HubSpot's messages quote values of the record. They are read for codes and names, and never passed on.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Errors without a code of their own; the names are ours, except DAILY. Anchored at the start of the message, so
    # that no value of a record can look like one of them. source: api/hubspot.md 3 and 9
    (re.compile(r"Unable to perform update/upsert by non-unique "), "NON_UNIQUE_ID_PROPERTY"),  # live 2026, issues
    (re.compile(r"Duplicate IDs found in batch input"), "DUPLICATE_IDS"),  # recorded
    (re.compile(r"Cannot set PropertyValueCoordinates\{"), "UNIQUE_VALUE_CONFLICT"),  # alerts of September 2026
    (re.compile(r"Error creating \S+\. Some required properties were not set"), "REQUIRED_PROPERTIES_NOT_SET"),  # probe
    (re.compile(r"No properties found to update"), "NO_PROPERTIES"),  # probe
    (re.compile(r"Unable to infer object type from"), "UNKNOWN_OBJECT_TYPE"),  # recorded
    (re.compile(r"The maximum number of inputs supported"), "TOO_MANY_INPUTS"),  # reported for 50; 100 by analogy
    (re.compile(r"Invalid input JSON on line|validation error$"), "INVALID_JSON"),  # recorded
    (re.compile(r"You have reached your daily limit"), "DAILY"),  # documented
)
_BLOCKED = re.compile(r"email has been GDPR bl(?:ack|ock)listed")
"""The message of an address that was deleted for privacy, under the code of a malformed one.

source: HubSpot's web client, which tells the two apart by it; inferred: writes of the API answer alike.
"""
_PROPERTY_IN_MESSAGE = re.compile(
    r"(?:Unable to perform update/upsert by non-unique \S+ property |Cannot set [^,]*, .*?propertyName=)"
    r"([A-Za-z][A-Za-z0-9_]*)"
)
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{2,79}")
_PROPERTY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_SCOPE = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{1,79}")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error body without any text that could hold a value.

    Attributes:
        codes: The most specific first.
        properties: Names of the properties that it concerns.
        scopes: Names of the scopes that are missing.
    """

    codes: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    @property
    def vendor_code(self) -> str:
        """The most specific code, verbatim; empty where there is none."""
        return self.codes[0] if self.codes else ""


def read(body: object) -> Complaint:
    """Read an error body, or one entry of `errors` in a reply; anything else says nothing.

    >>> read({"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}})
    Complaint(codes=('MISSING_SCOPES',), properties=(), scopes=('crm.objects.contacts.write',))
    """
    if not isinstance(body, dict):
        return Complaint()
    message = body.get("message")
    text = message if isinstance(message, str) else ""
    details = [*_objects(body.get("errors")), *_embedded(text)]
    contexts = [*(one.get("context") for one in details), body.get("context"), body.get("errorTokens")]
    return Complaint(
        codes=_codes(body, details, text),
        properties=_properties(contexts, details, text),
        scopes=_fitting(_SCOPE, _texts(contexts, "requiredGranularScopes")),
    )


def _codes(body: Mapping[str, Any], details: Sequence[Mapping[str, Any]], message: str) -> tuple[str, ...]:
    """The codes of a body: its properties' first, then its message's, then its general ones."""
    first = details[0] if details else {}
    is_blocked = any(_BLOCKED.fullmatch(str(one.get("message"))) for one in details)
    own = [
        "GDPR_BLACKLISTED_EMAIL" if is_blocked else None,
        body.get("policyName"),
        first.get("code"),
        first.get("error"),
    ]
    by_message = [code for pattern, code in _PATTERNS if pattern.match(message)]
    # `status` is the word "error" except at the token endpoint, where it is the code.
    general = [
        body.get(key) for key in ("code", "errorType", "category", "error", "status") if body.get(key) != "error"
    ]
    return _fitting(_CODE, (one for one in (*own, *by_message, *general) if isinstance(one, str)))


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _embedded(message: str) -> list[Mapping[str, Any]]:
    """The JSON that HubSpot writes into its message; in 2022 that was the only place for codes (recorded)."""
    head, bracket, rest = message.partition("[")
    if not bracket or not head.startswith("Property values were not valid"):
        return []
    try:
        return _objects(json.loads(bracket + rest))
    except (ValueError, RecursionError):
        return []


def _properties(contexts: Sequence[object], details: Sequence[Mapping[str, Any]], message: str) -> tuple[str, ...]:
    """Names of properties; what does not look like one is left out, since it could be a value."""
    embedded = [one["name"] for one in details if isinstance(one.get("name"), str)]
    in_message = _PROPERTY_IN_MESSAGE.match(message)
    found = (*_texts(contexts, "propertyName"), *_texts(contexts, "properties"), *embedded)
    return _fitting(_PROPERTY, (*found, *([in_message[1]] if in_message else [])))


def _fitting(shape: re.Pattern[str], texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if shape.fullmatch(text)))


def _texts(contexts: Iterable[object], key: str) -> Iterator[str]:
    for context in contexts:
        values = context.get(key) if isinstance(context, dict) else None
        yield from (one for one in (values if isinstance(values, list) else [values]) if isinstance(one, str))
