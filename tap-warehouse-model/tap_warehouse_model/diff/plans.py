"""A plan: the changes of one run, frozen and numbered, and read page by page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_warehouse_model.errors import QueryError
from tap_warehouse_model.records import sampled_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy as sa

    from tap_warehouse_model.diff.forms import Form
    from tap_warehouse_model.diff.lease import Lease
    from tap_warehouse_model.diff.position import Position
    from tap_warehouse_model.diff.statements import Comparison
    from tap_warehouse_model.diff.store import Store

PAGE_BYTES = 4_000_000
"""About how much of a plan is in memory at once, as text; each page is a transaction, so that small ones are dear."""
FIRST_PAGE_ROWS = 16
MOST_PAGE_ROWS = 20_000
_MOST_GROWTH = 64


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
            changes, to = self._read(above, min(above + self._page_rows, of))
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
        """Choose the size of the next page by that of the rows seen."""
        fitting = int(PAGE_BYTES / max(row_bytes, 1.0))
        self._page_rows = max(1, min(fitting, self._page_rows * _MOST_GROWTH, MOST_PAGE_ROWS))

    def _read(self, above: int, to: int) -> tuple[list[Sequence[Any]], int]:
        """Return the changes behind a number, and up to which: fewer than asked for where rows have become large."""
        purpose = f"Stream '{self._lease.stream}': the plan cannot be read"
        statement = self._comparison.page(self._table, above, to)
        with self._store.transaction(purpose) as connection:  # committed before anything of it is emitted
            self._lease.update(connection, emitted_hi=to)  # whoever lost the lease reads nothing: its plan may be gone
            portions = {"yield_per": self._store.dialect.chunk_rows}  # through a server-side cursor where there are any
            with connection.execute(statement, execution_options=portions) as result:
                changes, is_cut = _within_bytes(result.partitions())
            if not is_cut:
                return changes, to
            self._lease.update(connection, emitted_hi=above + len(changes))
            return changes, above + len(changes)


def _within_bytes(portions: Iterator[Sequence[Sequence[Any]]]) -> tuple[list[Sequence[Any]], bool]:
    """Return rows until they take PAGE_BYTES, and whether reading ended there."""
    rows: list[Sequence[Any]] = []
    size = 0.0
    for portion in portions:
        rows += portion
        size += sampled_bytes(portion) * len(portion)
        if size >= PAGE_BYTES:
            return rows, True
    return rows, False
