"""What an account does by itself when a contact is created."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.hubspot.association_types import COMPANY, PRIMARY_OF_CONTACT
from saas_simulators.hubspot.records import EMAIL

if TYPE_CHECKING:
    from saas_simulators.hubspot.records import Record, RecordStore
    from saas_simulators.hubspot.state import Account

# source: HubSpot knowledge base: domains of free providers make no company; the list here is short
FREE_PROVIDERS = frozenset({"gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com"})


def associate_company(account: Account, contact: Record) -> None:
    """Associate a new contact with the company of its e-mail's domain, which is created where there is none.

    So it is the primary one before a client can name another.
    """
    # source: a third party's measurements of August 2026 on a portal with the setting: the company is created from the
    # e-mail's domain and takes the primary association; it is not created where a company has the domain already
    domain = contact.properties.get(EMAIL, "").rpartition("@")[2]
    if not domain or domain in FREE_PROVIDERS:
        return
    companies = account.stores["companies"]
    company = _with_domain(companies, domain) or companies.create({"domain": domain, "name": domain})
    primary = account.association_types.by_key(PRIMARY_OF_CONTACT)
    account.links.connect(("0-1", contact.id), (COMPANY, company.id), [primary])


def _with_domain(companies: RecordStore, domain: str) -> Record | None:
    return next(
        (one for one in companies.iterate() if one.archived_at is None and one.properties.get("domain") == domain), None
    )
