"""The account, and its audiences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.mailchimp.calls import Call, answer, links, page
from saas_simulators.mailchimp.members import CLEANED, SUBSCRIBED, TRANSACTIONAL, UNSUBSCRIBED

if TYPE_CHECKING:
    from saas_simulators.exchange import Reply
    from saas_simulators.mailchimp.audience import Audience

CONTACT = {"company": "Shop", "city": "Berlin", "state": "", "zip": "10115", "country": "DE"}
OWNER = "owner@shop.example"


def root(call: Call) -> Reply:
    """Return what the account says about itself."""
    account = call.account
    # source: recording dominicsayers 2016; the newer keys: official specification 3.0.55
    body = {
        "account_id": "48000001aa48000001aa48000",
        "login_id": "48000001",
        "account_name": account.name,
        "email": OWNER,
        "first_name": "Ada",
        "last_name": "Owner",
        "username": "owner",
        "avatar_url": "",
        "role": "owner",
        "member_since": account.born,
        "pricing_plan_type": "monthly",
        "first_payment": account.born,
        "account_timezone": "UTC",
        "account_industry": "ecommerce",
        "contact": {"company": "Shop", "addr1": "Main Street 1", "addr2": "", **CONTACT},
        "pro_enabled": False,
        "last_login": account.born,
        "total_subscribers": sum(one.count(SUBSCRIBED) for one in account.audiences.values()),
        "industry_stats": {"open_rate": 0.21, "bounce_rate": 0.01, "click_rate": 0.02},
        "_links": links("/", ("lists", "lists", "GET"), ("batches", "batches", "GET")),
    }
    return answer(call, body, "Root")


def ping(call: Call) -> Reply:
    """Say that all is well."""
    return answer(call, {"health_status": "Everything's Chimpy!"}, "Ping")


def listing(call: Call) -> Reply:
    """Return one page of audiences."""
    audiences = list(call.account.audiences.values())
    body = {
        "lists": [shown(one) for one in page(call, audiences)],
        "total_items": len(audiences),
        "constraints": {"may_create": True, "max_instances": 5, "current_total_instances": len(audiences)},
        "_links": links("/lists", ("create", "", "POST")),
    }
    return answer(call, body, "Lists/Collection")


def get(call: Call) -> Reply:
    """Return one audience."""
    return answer(call, shown(call.audience), "Lists/Instance")


def shown(audience: Audience) -> dict[str, Any]:
    """Return an audience as the API shows it."""
    # source: recordings dominicsayers 2016, grouparoo 2021 (web_id, double_optin, has_welcome, marketing_permissions)
    return {
        "id": audience.id,
        "web_id": audience.web_id,
        "name": audience.name,
        "contact": {"company": "Shop", "address1": "Main Street 1", "address2": "", **CONTACT, "phone": ""},
        "permission_reminder": "You are a customer of ours.",
        "use_archive_bar": True,
        "campaign_defaults": {"from_name": "Shop", "from_email": OWNER, "subject": "", "language": "en"},
        "notify_on_subscribe": "",
        "notify_on_unsubscribe": "",
        "date_created": audience.created,
        "list_rating": 0,
        "email_type_option": False,
        "subscribe_url_short": "http://eepurl.example/demo",
        "subscribe_url_long": f"https://shop.us1.list-manage.example/subscribe?id={audience.id}",
        "beamer_address": "us1-demo@inbound.mailchimp.example",
        "visibility": "prv",
        "double_optin": audience.double_optin,
        "has_welcome": audience.has_welcome,
        "marketing_permissions": bool(audience.permissions),
        "modules": [],
        "stats": _stats(audience),
        "_links": links(
            f"/lists/{audience.id}",
            ("batch-sub-unsub-members", "", "POST"),
            ("members", "/members", "GET"),
            ("merge-fields", "/merge-fields", "GET"),
            ("interest-categories", "/interest-categories", "GET"),
            ("segments", "/segments", "GET"),
        ),
    }


def _stats(audience: Audience) -> dict[str, Any]:
    members = audience.members.values()
    return {
        "member_count": audience.count(SUBSCRIBED),
        "total_contacts": sum(not member.is_archived for member in members),
        "unsubscribe_count": audience.count(UNSUBSCRIBED),
        "cleaned_count": audience.count(CLEANED),
        "transactional_count": audience.count(TRANSACTIONAL),
        "member_count_since_send": audience.count(SUBSCRIBED),
        "unsubscribe_count_since_send": 0,
        "cleaned_count_since_send": 0,
        "campaign_count": 0,
        "campaign_last_sent": "",
        "merge_field_count": len(audience.fields.by_tag),
        "avg_sub_rate": 0,
        "avg_unsub_rate": 0,
        "target_sub_rate": 0,
        "open_rate": 0,
        "click_rate": 0,
        "last_sub_date": max((member.timestamp_opt for member in members), default=""),
        "last_unsub_date": "",
    }
