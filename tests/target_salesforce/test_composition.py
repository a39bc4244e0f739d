"""Taps that others wrote, and ours, feed target-salesforce."""

from __future__ import annotations

from typing import ClassVar

from conformance.composition import BaseComposition


class TestComposition(BaseComposition):
    """Customers become contacts."""

    fields: ClassVar[dict[str, str]] = {
        "External_Id__c": "id",
        "Email": "mail",
        "Score__c": "score",
        "LastName": "name",
        "MailingCity": "name",
    }
