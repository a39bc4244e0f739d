"""What an error of Mailchimp's says, as codes and names: pure.

Mailchimp's sentences begin with the member's address and end with values of the record. They are read for what they
complain of, and never passed on. A `type` is not looked at: some errors have none (api/mailchimp.md 2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMPLIANCE, FORGOTTEN = "Member In Compliance State", "Forgotten Email Not Subscribed"
MEMBER_EXISTS = "Member Exists"

_SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = (
    # `detail` of a problem, `error` of an entry in a successful answer. Each has blanks, so that no address can look
    # like it. The names are ours, except for titles. source: api/mailchimp.md 2 and 5
    (re.compile(r"looks fake or invalid"), "FAKE_ADDRESS"),  # recorded
    (re.compile(r"has signed up to a lot of lists"), "TOO_MANY_SIGNUPS"),  # quoted
    (re.compile(r"in (?:a )?compliance state"), COMPLIANCE),  # quoted, with and without the article
    (re.compile(r"was permanently deleted"), FORGOTTEN),  # quoted; its rest has changed once (MailChimp.Net#416)
    (re.compile(r"is already a list member"), MEMBER_EXISTS),  # recorded
    (re.compile(r"^Please provide a valid email address"), "INVALID_ADDRESS"),  # recorded
    (re.compile(r"^Your merge fields were invalid"), "INVALID_MERGE_FIELDS"),  # recorded
)

_OF_FIELDS: tuple[tuple[re.Pattern[str], str], ...] = (
    # `message` of a problem's `errors`, `field_message` of an entry. Values stand at the end, so: from the start.
    (re.compile(r"Please enter a number"), "INVALID_NUMBER"),  # recorded
    (re.compile(r"Please enter a value"), "VALUE_REQUIRED"),  # quoted, as are the following
    (re.compile(r"Please enter a complete address"), "ADDRESS_INCOMPLETE"),
    (re.compile(r"Please enter a month \("), "INVALID_BIRTHDAY"),
    (re.compile(r"Please enter the date"), "INVALID_DATE"),
    (re.compile(r"Please enter a zip code"), "INVALID_ZIP"),
    (re.compile(r"That is not a valid URL"), "INVALID_URL"),
    (re.compile(r"Value must be one of"), "INVALID_CHOICE"),
    (re.compile(r"Required fields were not provided"), "REQUIRED_MISSING"),
    (re.compile(r"Schema describes "), "INVALID_TYPE"),
    (re.compile(r"Data did not match any of the schemas"), "INVALID_TYPE"),
)

_TITLE = re.compile(r"[A-Za-z][A-Za-z' -]{2,59}")
_CODE = re.compile(r"ERROR_[A-Z_]{3,59}")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")
_NAMED = re.compile(r"Required fields were not provided: ([A-Za-z0-9_., ]+)")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error without any text that could hold a value.

    Attributes:
        codes: The most specific first.
        fields: Names of the fields that it concerns: tags of merge fields, mostly.
    """

    codes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def vendor_code(self) -> str:
        """The most specific code; empty where there is none."""
        return self.codes[0] if self.codes else ""


def read(body: object) -> Complaint:
    """Read a problem, or one entry of `errors` in a successful answer; anything else says nothing.

    >>> read({"title": "Invalid Resource", "detail": "ada@example.com looks fake or invalid, please enter …"})
    Complaint(codes=('FAKE_ADDRESS', 'Invalid Resource'), fields=())
    """
    if not isinstance(body, dict):
        return Complaint()
    messages = list(_field_messages(body))
    of_fields = [code for _, text in messages for pattern, code in _OF_FIELDS if pattern.match(text)]
    sentences = [_text(body.get("detail")), _text(body.get("error"))]
    said = [code for text in sentences for pattern, code in _SENTENCES if pattern.search(text)]
    named = [(_TITLE, body.get("title")), (_CODE, body.get("error_code"))]
    own = [text.strip() for shape, text in named if isinstance(text, str) and shape.fullmatch(text.strip())]
    fields = (name for one, text in messages for name in [one, *_named_in(text)] if _FIELD.fullmatch(name))
    return Complaint(tuple(dict.fromkeys([*of_fields, *said, *own])), tuple(dict.fromkeys(fields)))


def _field_messages(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names of fields with what is said of them; a name may be empty."""
    errors = body.get("errors")
    for one in errors if isinstance(errors, list) else []:
        if isinstance(one, dict):
            yield _text(one.get("field")), _text(one.get("message"))
    yield _text(body.get("field")), _text(body.get("field_message"))
    yield "", _text(body.get("error"))


def _named_in(message: str) -> list[str]:
    found = _NAMED.match(message)
    return [name.strip() for name in found[1].split(",")] if found else []


def _text(value: object) -> str:
    return value.removeprefix("merge_fields.") if isinstance(value, str) else ""
