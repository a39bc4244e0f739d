"""What the README of target-salesforce says is what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from conformance.readme import BaseReadme

from target_salesforce.config import SalesforceConfig
from target_salesforce.target import TargetSalesforce

if TYPE_CHECKING:
    from collections.abc import Mapping


class TestReadme(BaseReadme):
    """The example under Start matches contacts by an external id."""

    target = TargetSalesforce
    credentials: ClassVar[dict[str, str]] = {"client_id": "3MVG9", "client_secret": "s3cret"}
    row: ClassVar[dict[str, Any]] = {"External_Id__c": "C1", "LastName": "Lovelace"}

    def parse(self, config: Mapping[str, Any]) -> SalesforceConfig:
        """Read Salesforce's settings."""
        return SalesforceConfig.from_mapping(config)
