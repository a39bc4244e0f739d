"""Taps that others wrote, and ours, feed target-webhook."""

from __future__ import annotations

from typing import ClassVar

from conformance.composition import BaseComposition


class TestComposition(BaseComposition):
    """Customers are posted, by their ids."""

    fields: ClassVar[dict[str, str]] = {"customer_id": "id", "email": "mail", "score": "score", "city": "name"}
