"""Taps that others wrote, and ours, feed target-hubspot."""

from __future__ import annotations

from typing import ClassVar

from conformance.composition import BaseComposition
from conformance.log_based import BaseLogBased


class TestComposition(BaseComposition):
    """Customers become contacts."""

    fields: ClassVar[dict[str, str]] = {"customer_id": "id", "email": "mail", "churn_risk": "score", "city": "name"}


class TestLogBased(BaseLogBased):
    """What is deleted in a model is archived."""

    columns = "'K' || n AS customer_id, 'person' || n || '@example.com' AS email, 'City ' || n AS city"
