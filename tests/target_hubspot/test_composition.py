"""Taps that others wrote, and ours, feed target-hubspot."""

from __future__ import annotations

from typing import ClassVar

from conformance.composition import BaseComposition


class TestComposition(BaseComposition):
    """Customers become contacts."""

    fields: ClassVar[dict[str, str]] = {"customer_id": "id", "email": "mail", "churn_risk": "score", "city": "name"}
