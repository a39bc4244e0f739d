"""What a request wants a contact to be: the body of a member, checked against the schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from saas_simulators.mailchimp.errors import SCHEMA_NAMES, not_validated, schema_name
from saas_simulators.mailchimp.members import WRITABLE
from saas_simulators.mailchimp.values import NO_SCHEMA, as_moment, fits_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from saas_simulators.mailchimp.errors import Problems

    Report = Callable[[str, str], None]


@dataclass(slots=True)
class Draft:
    """The fields that were sent; `attributes` are values of a `Member` by attribute."""

    email: str = ""
    status: str | None = None
    status_if_new: str | None = None
    merge: dict[str, Any] = field(default_factory=dict)
    interests: dict[str, bool] = field(default_factory=dict)
    permissions: dict[str, bool] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    has_tags: bool = False


def parse(body: Any, required: Collection[str] = ()) -> Draft:  # noqa: ANN401 - any JSON value
    """Return the body of a member as a draft; unknown fields are ignored.

    Raises:
        MailchimpError: 400; something is missing or of the wrong type. Names every field.
    """
    problems: Problems = []

    def report(name: str, message: str) -> None:
        problems.append({"field": name, "message": message})

    draft = Draft()
    if not isinstance(body, dict):
        report("", f"Schema describes object, {schema_name(body)} found instead")
        raise not_validated(problems)
    if lacking := [name for name in required if body.get(name) is None]:
        report("", f"Required fields were not provided: {', '.join(lacking)}")
    for name, value in body.items():
        if read := READERS.get(name):
            read(draft, name, value, report)
    if problems:
        raise not_validated(problems)
    return draft


def _is(value: object, kind: type, name: str, report: Report) -> bool:
    """Whether a value has the type that the schema wants; reports what it has instead."""
    if isinstance(value, kind) and not (kind is not bool and isinstance(value, bool)):
        return True
    report(name, f"Schema describes {SCHEMA_NAMES[kind]}, {schema_name(value)} found instead")
    return False


def _one_of(value: object, allowed: Collection[str], name: str, report: Report) -> bool:
    if not _is(value, str, name, report):
        return False
    if value in allowed:
        return True
    # inferred: the text; that a wrong value is refused: brandonseydel/MailChimp.Net#384 (`HTML`)
    report(name, f"Value must be one of: {', '.join(allowed)} (not {value})")
    return False


def _email(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if _is(value, str, name, report):
        draft.email = value.strip()


def _status(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if _one_of(value, WRITABLE, name, report):
        setattr(draft, name, value)


def _merge(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if not _is(value, dict, name, report):
        return
    draft.merge = value
    for tag, one in value.items():
        if not fits_schema(one):
            # source: VingtCinq/python-mailchimp#146 (a boolean), operationcode_old_site#692
            report(f"{name}.{tag}", NO_SCHEMA)


def _interests(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if _is(value, dict, name, report) and all(_is(one, bool, f"{name}.{key}", report) for key, one in value.items()):
        draft.interests = value


def _permissions(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if not _is(value, list, name, report):
        return
    for position, one in enumerate(value):
        place = f"{name}.item:{position}"
        if _is(one, dict, place, report):
            key, enabled = one.get("marketing_permission_id"), one.get("enabled")
            if _is(key, str, f"{place}.marketing_permission_id", report) and _is(
                enabled, bool, f"{place}.enabled", report
            ):
                draft.permissions[str(key)] = bool(enabled)


def _tags(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if not _is(value, list, name, report):
        return
    draft.has_tags = True
    for position, one in enumerate(value):
        if _is(one, str, f"{name}.item:{position}", report) and one.strip():
            draft.tags.append(one.strip())


def _location(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if not _is(value, dict, name, report):
        return
    for part in ("latitude", "longitude"):
        if part in value:
            number = value[part]
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                report(f"{name}.{part}", f"Schema describes number, {schema_name(number)} found instead")
            else:
                draft.attributes[part] = number


def _text(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if _is(value, str, name, report):
        draft.attributes[name] = value


def _moment(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if _is(value, str, name, report):
        found = as_moment(value)
        if found is None:
            report(name, "Data presented is not a valid date-time")  # inferred: the text
        draft.attributes[name] = found


def _vip(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if _is(value, bool, name, report):
        draft.attributes[name] = value


def _email_type(draft: Draft, name: str, value: Any, report: Report) -> None:  # noqa: ANN401 - any JSON value
    if _one_of(value, ("html", "text"), name, report):
        draft.attributes[name] = value


READERS: dict[str, Callable[[Draft, str, Any, Report], None]] = {
    "email_address": _email,
    "status": _status,
    "status_if_new": _status,
    "merge_fields": _merge,
    "interests": _interests,
    "marketing_permissions": _permissions,
    "tags": _tags,
    "location": _location,
    "language": _text,
    "ip_signup": _text,
    "ip_opt": _text,
    "timestamp_signup": _moment,
    "timestamp_opt": _moment,
    "vip": _vip,
    "email_type": _email_type,
}


def parse_tag(given: Any, place: str) -> tuple[str, bool]:  # noqa: ANN401 - any JSON value
    """Return the name of a tag and whether it shall be there.

    Raises:
        MailchimpError: 400; a name or a status is missing or wrong.
    """
    problems: Problems = []

    def report(name: str, message: str) -> None:
        problems.append({"field": name, "message": message})

    if _is(given, dict, place, report):
        name, status = given.get("name"), given.get("status")
        if (
            _is(name, str, f"{place}.name", report)
            and _one_of(status, ("active", "inactive"), f"{place}.status", report)
            and not str(name).strip()
        ):
            report(f"{place}.name", "Please enter a value")  # inferred: the text
    if problems:
        raise not_validated(problems)
    return str(given["name"]).strip(), given["status"] == "active"
