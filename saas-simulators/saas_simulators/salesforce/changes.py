"""What a request has written so far, so that all of it can be undone, and is journalled only when it stays."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from saas_simulators.salesforce.records import Record, RecordStore

    Undo = tuple[RecordStore, str, "dict[str, Any] | None", bool]


class Changes:
    """Undo log and pending journal entries; blocks may stand inside each other, only the outermost makes them last."""

    def __init__(self) -> None:
        self._undo: list[Undo] = []
        self._notes: list[Callable[[], None]] = []
        self._depth = 0

    def remember(self, store: RecordStore, record_id: str, record: Record | None) -> None:
        """Keep what a row is before it is written."""
        if self._depth:
            before = None if record is None else record.values
            self._undo.append((store, record_id, before, record is not None and record.is_deleted))

    def note(self, write: Callable[[], None]) -> None:
        """Journal something when the changes last."""
        self._notes.append(write)
        if not self._depth:
            self._commit()

    @contextmanager
    def together(self, is_kept: Callable[[], bool] | None = None) -> Iterator[None]:
        """Undo all writes of the block when it raises, or when `is_kept` says so at its end."""
        undo_mark, note_mark = len(self._undo), len(self._notes)
        self._depth += 1
        try:
            yield
            if is_kept is not None and not is_kept():
                self._take_back(undo_mark, note_mark)
        except BaseException:
            self._take_back(undo_mark, note_mark)
            raise
        finally:
            self._depth -= 1
            if not self._depth:
                self._commit()

    def _take_back(self, undo_mark: int, note_mark: int) -> None:
        for store, record_id, values, is_deleted in reversed(self._undo[undo_mark:]):
            store.restore(record_id, values, is_deleted=is_deleted)
        del self._undo[undo_mark:], self._notes[note_mark:]

    def _commit(self) -> None:
        notes, self._notes, self._undo = self._notes, [], []
        for write in notes:
            write()
