"""Query results that were longer than a page, kept until their next pages are asked for."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Any

from saas_simulators.salesforce.errors import SalesforceError

KEPT = 50


class Locators:
    """Rows still to be sent, by the id that `nextRecordsUrl` ends with."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[list[dict[str, Any]], int]] = OrderedDict()
        self._serial = itertools.count(1)

    def keep(self, rows: list[dict[str, Any]], page: int) -> str:
        """Keep rows, and return their id."""
        # source: recordings cumulusci: 01g..., then the position of the next row
        locator = f"01g5g000000{next(self._serial):04d}AAA"
        self._open[locator] = (rows, page)
        while len(self._open) > KEPT:
            self._open.popitem(last=False)
        return locator

    def page(self, text: str) -> tuple[list[dict[str, Any]], int, str, int]:
        """Return all rows, the position to go on from, the locator and the page size.

        Raises:
            SalesforceError: 400; the locator is unknown or has been given up.
        """
        locator, _, position = text.partition("-")
        if locator not in self._open or not position.isdigit():
            # inferred: the text; the code is documented
            raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        rows, page = self._open[locator]
        return rows, int(position), locator, page
