"""A plan: the changes of one run, frozen and numbered, and read page by page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_warehouse_model.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy as sa

    from tap_warehouse_model.diff.forms import Form
    from tap_warehouse_model.diff.lease import Lease
    from tap_warehouse_model.diff.position import Position
    from tap_warehouse_model.diff.statements import Comparison
    from tap_warehouse_model.diff.store import Store

PAGE_BYTES = 4_000_000
FIRST_PAGE_ROWS = 256
MOST_PAGE_ROWS = 20_000


class Plan:
    """Reads a frozen plan; which numbers may leave the tap is noted before they do."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        comparison: Comparison,
        *,
        table: sa.TableClause,
        form: Form,
        position: Position,
    ) -> None:
        self.form = form
        self.position = position
        """How far the changes have been emitted; `pages` moves it on."""
        self._store = store
        self._lease = lease
        self._comparison = comparison
        self._table = table
        self._page_rows = FIRST_PAGE_ROWS

    def pages(self) -> Iterator[tuple[Position, list[Sequence[Any]]]]:
        """Yield all changes in order, with the position behind them.

        Raises:
            QueryError: The plan does not hold what was counted.
        """
        above, of = 0, self.position.of
        while above < of:
            to = min(above + self._page_rows, of)
            changes = self._read(above, to)
            if [change[0] for change in changes] != list(range(above + 1, to + 1)):
                msg = (
                    f"Stream '{self._lease.stream}': the plan '{self._table.name}' does not hold the changes "
                    f"{above + 1} to {to} that were counted. Was the table changed? Run again: what was sent is known."
                )
                raise QueryError(msg)
            self.position = replace(self.position, seq=to)
            yield self.position, changes
            above = to

    def adapt(self, row_bytes: float) -> None:
        """Choose the size of the next page, at most eight times that of the last one."""
        fitting = int(PAGE_BYTES / max(row_bytes, 1.0))
        self._page_rows = max(1, min(fitting, self._page_rows * 8, MOST_PAGE_ROWS))

    def _read(self, above: int, to: int) -> list[Sequence[Any]]:
        purpose = f"Stream '{self._lease.stream}': the plan cannot be read"
        with self._store.transaction(purpose) as connection:  # committed before anything of it is emitted
            self._lease.update(connection, emitted_hi=to)
            return list(connection.execute(self._comparison.page(self._table, above, to)))
