"""What must never be seen (guarantee G7): markers that tests plant in values and secrets, in whatever is captured."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MARKERS = ("s3cret", "pl4nted")
"""Part of values and credentials that tests plant. Nothing of ours may show them, at any level, in any failure."""

OURS = (
    "reverse_etl_core",
    "target_",
    "target-",
    "tap_warehouse_model",
    "tap-warehouse-model",
    "singer_sdk",
    "urllib3",
    "sqlalchemy",
)
"""Loggers whose messages are looked at, at every level."""


def found_in(text: str) -> list[str]:
    """The markers in a text, with a little of what stands around them."""
    return [text[max(0, place - 60) : place + 20] for marker in MARKERS if (place := text.find(marker)) >= 0]


class LeakWatch(logging.Handler):
    """Looks at every record that a logger of ours, or of what we use, makes in this process."""

    def __init__(self) -> None:
        super().__init__(level=logging.NOTSET)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what shows a marker; records of the tests' own tools may."""
        if record.name.startswith(OURS):
            self.found += [f"{record.name}: {one}" for one in found_in(self.format(record))]


def in_sections(sections: Iterable[tuple[str, str]]) -> list[str]:
    """Markers in what pytest captured of a test: (title, text)."""
    return [f"{title}: {one}" for title, text in sections for one in found_in(text)]
