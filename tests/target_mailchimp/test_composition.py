"""Taps that others wrote, and ours, feed target-mailchimp."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.composition import BaseComposition

if TYPE_CHECKING:
    from conformance.stage import Stage


class TestComposition(BaseComposition):
    """Customers become members, by their addresses."""

    fields: ClassVar[dict[str, str]] = {"email_address": "mail", "LTV": "score", "FNAME": "name"}

    def names(self, stage: Stage) -> dict[str, str]:
        """First names by the customers' ids, which their addresses hold."""
        members = stage.vendor.records().items()
        return {f"C{mail.lower().removeprefix('person').split('@')[0]}": one["FNAME"] for mail, (one,) in members}
