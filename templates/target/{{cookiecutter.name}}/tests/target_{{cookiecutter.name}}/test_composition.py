"""Taps that others wrote, and ours, feed target-{{cookiecutter.name}}."""

from __future__ import annotations

from typing import ClassVar

from conformance.composition import BaseComposition


class TestComposition(BaseComposition):
    """Customers become contacts, by their ids."""

    fields: ClassVar[dict[str, str]] = {"customer_id": "id", "email": "mail", "churn_risk": "score", "city": "name"}
