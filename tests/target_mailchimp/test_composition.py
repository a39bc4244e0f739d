"""Taps that others wrote, and ours, feed target-mailchimp."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, ClassVar

import pytest
from conformance.composition import BaseComposition

from .conftest import MailchimpVendor


class CustomersVendor(MailchimpVendor):
    """Members by the number of the customer: addresses are all that recognises them in Mailchimp."""

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Members by last name, where the number is."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in self.members():
            found[one["properties"]["LNAME"]].append(one["properties"])
        return dict(found)


@pytest.fixture
def vendor(vendor: MailchimpVendor) -> CustomersVendor:
    """The simulator as the suite sees it."""
    return CustomersVendor(**vars(vendor))


class TestComposition(BaseComposition):
    """Customers become members."""

    fields: ClassVar[dict[str, str]] = {"email_address": "mail", "LNAME": "id", "LTV": "score", "FNAME": "name"}
