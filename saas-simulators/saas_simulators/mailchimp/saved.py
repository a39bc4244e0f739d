"""An account as JSON values, and back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from saas_simulators.mailchimp.audience import Audience, Category, Interest, Segment
from saas_simulators.mailchimp.batches import Operations
from saas_simulators.mailchimp.fields import MergeField
from saas_simulators.mailchimp.members import Member

if TYPE_CHECKING:
    from saas_simulators.mailchimp.state import Account

PLAIN = ("name", "web_id", "created", "double_optin", "has_welcome", "has_goodbye", "permissions")


def dump(account: Account) -> dict[str, Any]:
    """Return everything that the API could have changed, as JSON values."""
    return {
        "name": account.name,
        "last_number": account.last_number,
        "too_many_signups": sorted(account.too_many_signups),
        "batches": [dataclasses.asdict(one) for one in account.batches.values()],
        "audiences": [_dumped(audience) for audience in account.audiences.values()],
    }


def load(account: Account, dumped: dict[str, Any]) -> None:
    """Replace an account's content by what `dump` returned."""
    account.name = dumped["name"]
    account.too_many_signups = set(dumped["too_many_signups"])
    account.batches = {one["id"]: Operations(**one) for one in dumped["batches"]}
    account.audiences = {}
    for saved in dumped["audiences"]:
        _load(account.add_audience(saved["id"], saved["name"]), saved)
    account.last_number = dumped["last_number"]


def _dumped(audience: Audience) -> dict[str, Any]:
    return {
        "id": audience.id,
        **{name: getattr(audience, name) for name in PLAIN},
        "last_merge_id": audience.fields.last_id,
        "fields": [dataclasses.asdict(one) for one in audience.fields.by_tag.values()],
        "categories": [dataclasses.asdict(one) for one in audience.categories.values()],
        "segments": [{**dataclasses.asdict(one), "members": sorted(one.members)} for one in audience.segments.values()],
        "members": [
            {**dataclasses.asdict(one), "tags": [list(pair) for pair in one.tags.items()]}
            for one in audience.members.values()
        ],
        "forgotten": sorted(audience.forgotten),
    }


def _load(audience: Audience, saved: dict[str, Any]) -> None:
    for name in PLAIN:
        setattr(audience, name, saved.get(name, getattr(audience, name)))  # an older file may lack one
    audience.fields.by_tag = {one["tag"]: MergeField(**one) for one in saved["fields"]}
    audience.fields.last_id = saved["last_merge_id"]
    audience.fields.refresh()
    for one in saved["categories"]:
        interests = [Interest(**interest) for interest in one["interests"]]
        audience.categories[one["id"]] = Category(**{**one, "interests": interests})
    for one in saved["segments"]:
        audience.put_segment(Segment(**{**one, "members": set(one["members"])}))
    for one in saved["members"]:
        audience.put(Member(**{**one, "tags": dict(one["tags"])}))
    audience.forgotten = set(saved["forgotten"])
