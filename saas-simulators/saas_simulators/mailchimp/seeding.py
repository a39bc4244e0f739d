"""The Mailchimp part of a seed file."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from saas_simulators.mailchimp.drafts import parse
from saas_simulators.mailchimp.errors import MailchimpError
from saas_simulators.mailchimp.interests import add_category, add_interest
from saas_simulators.mailchimp.members import (
    ARCHIVED,
    BY_ADMIN,
    BY_CONTACT,
    CLEANED,
    UNSUBSCRIBED,
    WRITABLE,
    subscriber_hash,
)
from saas_simulators.mailchimp.saved import dump, load
from saas_simulators.mailchimp.writes import Writer
from saas_simulators.seeds import SeedError, entries, expect_keys

if TYPE_CHECKING:
    from saas_simulators.mailchimp.audience import Audience
    from saas_simulators.mailchimp.state import Account

__all__ = ["apply", "default_seed", "dump", "load"]

WHERE = "mailchimp"
AUDIENCE_KEYS = {
    "id",
    "name",
    "double_optin",
    "welcome_mail",
    "goodbye_mail",
    "merge_fields",
    "marketing_permissions",
    "interest_categories",
    "segments",
    "members",
    "forgotten",
}
FIELD_KEYS = {"tag", "name", "type", "required", "default_value", "public", "display_order", "options", "help_text"}
MEMBER_KEYS = {
    "email_address",
    "status",
    "unsubscribed_by",
    "merge_fields",
    "interests",
    "marketing_permissions",
    "tags",
    "language",
    "vip",
    "location",
    "email_type",
    "ip_signup",
    "ip_opt",
    "timestamp_signup",
    "timestamp_opt",
}
# source: recording grouparoo 2021: what a new audience has
USUAL_FIELDS = (
    {"tag": "FNAME", "name": "First Name", "type": "text"},
    {"tag": "LNAME", "name": "Last Name", "type": "text"},
    {"tag": "ADDRESS", "name": "Address", "type": "address"},
    {"tag": "PHONE", "name": "Phone Number", "type": "phone"},
)


def default_seed() -> dict[str, Any]:
    """Return what every account has."""
    text = files(__package__).joinpath("default_seed.yml").read_text(encoding="utf-8")
    seed: dict[str, Any] = yaml.safe_load(text)[WHERE]
    return seed


def apply(account: Account, seed: dict[str, Any]) -> None:
    """Add what a seed describes; an audience that is there already gets more.

    Raises:
        SeedError: Something is unknown, missing or not acceptable; names the place and the remedy.
    """
    expect_keys(seed, {"account_name", "audiences", "too_many_signups"}, WHERE)
    account.name = str(seed.get("account_name", account.name))
    account.too_many_signups |= {subscriber_hash(one) for one in _texts(seed, "too_many_signups", WHERE)}
    for place, spec in entries(seed.get("audiences", []), f"{WHERE}.audiences"):
        expect_keys(spec, AUDIENCE_KEYS, place, required={"id"})
        try:
            _add_audience(account, spec, place)
        except MailchimpError as error:
            msg = f"{place}: {_reason(error)}"
            raise SeedError(msg) from None


def _add_audience(account: Account, spec: dict[str, Any], place: str) -> None:
    list_id = str(spec["id"])
    audience = account.audiences.get(list_id)
    if audience is None:
        audience = account.add_audience(list_id, str(spec.get("name", list_id)))
        spec = {"merge_fields": list(USUAL_FIELDS), **spec}
    audience.name = str(spec.get("name", audience.name))
    audience.double_optin = bool(spec.get("double_optin", audience.double_optin))
    audience.has_welcome = bool(spec.get("welcome_mail", audience.has_welcome))
    audience.has_goodbye = bool(spec.get("goodbye_mail", audience.has_goodbye))
    for field_place, one in entries(spec.get("merge_fields", []), f"{place}.merge_fields"):
        _add_field(audience, one, field_place)
    for text in _texts(spec, "marketing_permissions", place):
        key = hashlib.md5(f"{list_id} {text}".encode(), usedforsecurity=False).hexdigest()[:10]
        audience.permissions[key] = text
    for category_place, one in entries(spec.get("interest_categories", []), f"{place}.interest_categories"):
        _add_category(audience, one, category_place)
    for name in _texts(spec, "segments", place):
        if audience.segment(name) is None:
            audience.add_segment(name)
    for member_place, row in entries(spec.get("members", []), f"{place}.members"):
        _add_member(audience, row, member_place)
    audience.forgotten |= {subscriber_hash(one) for one in _texts(spec, "forgotten", place)}


def _add_field(audience: Audience, spec: dict[str, Any], place: str) -> None:
    expect_keys(spec, FIELD_KEYS, place, required={"tag"})
    try:
        audience.fields.create({"name": spec["tag"], "type": "text", **spec})
    except MailchimpError as error:
        msg = f"{place}: {_reason(error)}"
        raise SeedError(msg) from None


def _add_category(audience: Audience, spec: dict[str, Any], place: str) -> None:
    expect_keys(spec, {"title", "type", "interests"}, place, required={"title"})
    category = add_category(audience, str(spec["title"]), str(spec.get("type", "checkboxes")))
    for name in _texts(spec, "interests", place):
        add_interest(audience, category, name)


def _add_member(audience: Audience, row: dict[str, Any], place: str) -> None:
    """Add a contact in any status; unlike the API, a seed may archive, and say who unsubscribed."""
    expect_keys(row, MEMBER_KEYS, place, required={"email_address"})
    status = str(row.get("status", "subscribed"))
    if status not in (*WRITABLE, ARCHIVED):
        msg = f"{place}.status: {status!r} is no status. Use one of {', '.join((*WRITABLE, ARCHIVED))}."
        raise SeedError(msg)
    by = str(row.get("unsubscribed_by", "admin"))
    if by not in {"admin", "contact"}:
        msg = f"{place}.unsubscribed_by: expected 'admin' or 'contact', not {by!r}."
        raise SeedError(msg)
    given = {name: _plain(value) for name, value in row.items() if name != "unsubscribed_by"}
    given["status"] = "subscribed" if status == ARCHIVED else status
    given["interests"] = dict.fromkeys(_ids(row, "interests", place, _interest_names(audience)), True)
    permissions = {text: key for key, text in audience.permissions.items()}
    given["marketing_permissions"] = [
        {"marketing_permission_id": key, "enabled": True}
        for key in _ids(row, "marketing_permissions", place, permissions)
    ]
    try:
        member = Writer(audience, "127.0.0.1", (), skips_required=True).add(parse(given))
    except MailchimpError as error:
        msg = f"{place}: {_reason(error)}"
        raise SeedError(msg) from None
    member.status = status
    member.is_blocked = status == CLEANED or by == "contact"
    if status == UNSUBSCRIBED:
        member.unsubscribe_reason = BY_CONTACT if by == "contact" else BY_ADMIN


def _interest_names(audience: Audience) -> dict[str, str]:
    return {one.name: one.id for one in audience.interests().values()}


def _ids(row: dict[str, Any], key: str, place: str, known: dict[str, str]) -> list[str]:
    """Return the ids of what a row names."""
    found = []
    for name in _texts(row, key, place):
        if name not in known:
            msg = f"{place}.{key}: there is no {name!r}. Known: {', '.join(known) or 'none'}."
            raise SeedError(msg)
        found.append(known[name])
    return found


def _texts(spec: dict[str, Any], key: str, place: str) -> list[str]:
    """Return a list of texts."""
    value = spec.get(key, [])
    if not isinstance(value, list) or any(isinstance(one, (dict, list)) for one in value):
        msg = f"{place}.{key}: expected a list of texts."
        raise SeedError(msg)
    return [str(one) for one in value]


def _plain(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """Return YAML's dates and times as text."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else value


def _reason(error: MailchimpError) -> str:
    """Return what is wrong, by field where the error names fields."""
    return "; ".join(f"{one['field']}: {one['message']}" for one in error.problems) or str(error)
