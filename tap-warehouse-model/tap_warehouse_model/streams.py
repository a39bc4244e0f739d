"""A model as a Singer stream."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import Metadata
from singer_sdk.streams import Stream

from tap_warehouse_model import bookmarks
from tap_warehouse_model.columns import Column, stream_schema
from tap_warehouse_model.errors import ConfigError
from tap_warehouse_model.models import FULL_TABLE, INCREMENTAL, Model, method_problem
from tap_warehouse_model.queries import Reading
from tap_warehouse_model.records import RecordEncoder, Row, utc_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from singer_sdk.helpers import types
    from singer_sdk.singerlib import Catalog

    from tap_warehouse_model.tap import TapWarehouseModel
    from tap_warehouse_model.warehouse import ChunkReader, Warehouse

CHUNK_BYTES = 1_000_000
"""About how much is written at once; bounds memory when records are large."""


class ModelStream(Stream):
    """Emits the rows of one model.

    The SDK's machinery is used for SCHEMA, STATE, selection and metrics. Records are written in
    chunks; a stream map or flattening brings back the SDK's own way, record by record.
    """

    def __init__(
        self, tap: TapWarehouseModel, *, model: Model, columns: Sequence[Column], warehouse: Warehouse
    ) -> None:
        self._model = model
        self._columns = tuple(columns)
        self._warehouse = warehouse
        self._output = tap.output
        self._exit_if_stopped = tap.exit_if_stopped
        self._is_last = tap.is_last
        super().__init__(tap, schema=stream_schema(columns, model.description), name=model.name)
        self.primary_keys = list(model.key_properties)
        self.replication_key = model.replication_key
        self.forced_replication_method = model.replication_method
        self.check()

    @property
    def is_sorted(self) -> bool:
        """An INCREMENTAL stream is sorted by its replication key, so that it can resume anywhere."""
        return self.replication_method == INCREMENTAL

    def get_replication_key_signpost(self, context: types.Context | None = None) -> None:  # noqa: ARG002
        """Return nothing: bookmarks are capped where they are written."""
        return

    def check(self) -> None:
        """Compare keys and method with the columns of the query.

        Raises:
            ConfigError: Lists every problem of this stream.
        """
        if problems := self._problems():
            raise ConfigError.from_problems(problems)

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take selection, keys and method from a catalog, but types always from the query.

        Raises:
            ConfigError: The catalog asks for a method or a key that this model does not have.
        """
        method, keys, key = self.forced_replication_method, self.primary_keys, self.replication_key
        super().apply_catalog(catalog)
        self._input_schema = None
        entry = catalog.get_stream(self.name)
        if entry is None:
            return
        overrides = self._tap.catalog_overrides.get(self.name, {})  # type: ignore[attr-defined]
        self.forced_replication_method = overrides.get("replication-method") or self.forced_replication_method or method
        self.primary_keys = self.primary_keys or keys
        self.replication_key = overrides.get("replication-key") or self.replication_key or key
        if self.forced_replication_method == FULL_TABLE:
            self.replication_key = None
        self._keep_columns(set(entry.schema.to_dict().get("properties", {})))
        self.check()
        for name in (*self.primary_keys, *filter(None, [self.replication_key])):
            self.metadata["properties", name].inclusion = Metadata.InclusionType.AUTOMATIC

    def get_records(self, context: types.Context | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        """Yield the rows as dictionaries; `_sync_records` does not come through here."""
        columns = self._selected_columns()
        encoder = RecordEncoder(self.name, columns)
        with self._rows(columns) as reader:
            while rows := reader.fetch():
                yield from encoder.records(rows)

    def _problems(self) -> list[str]:
        names = {column.name: column for column in self._columns}
        listing = ", ".join(names)
        problems = [
            f"Model '{self.name}': the key column '{key}' is not among the query's columns ({listing}). "
            "Correct 'key_properties' or the query."
            for key in self.primary_keys
            if key not in names
        ]
        method_wrong = method_problem(self.name, self.replication_method)
        if method_wrong:
            return [*problems, method_wrong]
        if self.replication_method != INCREMENTAL:
            return problems
        return [*problems, *_replication_key_problems(self.name, self.replication_key, names)]

    def _keep_columns(self, wanted: set[str]) -> None:
        """Emit only columns that the catalog knows, and say which are left out."""
        described = {column.name for column in self._columns}
        if not wanted:
            return
        if unknown := sorted(described - wanted):
            self.logger.warning(
                "Model '%s' has columns that the catalog does not know: %s. They are not emitted; "
                "discover again ('meltano run --refresh-catalog').",
                self.name,
                ", ".join(unknown),
            )
        if gone := sorted(wanted - described):
            self.logger.warning(
                "The catalog has columns that model '%s' no longer returns: %s.", self.name, ", ".join(gone)
            )
        self._columns = tuple(column for column in self._columns if column.name in wanted)
        self._schema = stream_schema(self._columns, self._model.description)

    def _selected_columns(self) -> list[Column]:
        columns = [column for column in self._columns if self.mask["properties", column.name]]
        if not columns:
            msg = f"Stream '{self.name}' is selected, but none of its columns. Select one, or deselect the stream."
            raise ConfigError(msg)
        return columns

    def _sync_records(
        self,
        context: types.Context | None = None,  # noqa: ARG002
        *,
        write_messages: bool = True,  # noqa: ARG002
    ) -> Generator[dict[str, Any], Any, Any]:
        """Emit every row and the STATE messages between them."""
        columns = self._selected_columns()
        encoder = RecordEncoder(self.name, columns)
        write = self._write_chunk if self._is_plain() else self._write_one_by_one
        progress = _Progress(self.replication_key, columns)
        try:
            with self.get_record_counter() as counter, self.get_sync_timer(), self._rows(columns) as reader:
                while rows := reader.fetch(self._remaining(progress.records)):
                    written = write(encoder, rows)
                    counter.increment(len(rows))
                    self._advance(progress, rows)
                    reader.adapt(written / len(rows), CHUNK_BYTES)
        except Exception:  # a signal breaks off the query with an error of any driver; others propagate
            self._warehouse.release()
            self._exit_if_stopped()
            raise
        if self._is_last(self):
            self._warehouse.release()
        self._warn(encoder, progress)
        self._write_state_message()
        yield from ()

    def _rows(self, columns: Sequence[Column]) -> AbstractContextManager[ChunkReader]:
        key = next((column for column in columns if column.name == self.replication_key), None)
        if key is None:
            return self._warehouse.rows(self._model, Reading(columns))
        start = bookmarks.start(self.name, self.stream_state, key, self._model.start_value)
        if start.ignored_key:
            self.logger.warning(
                "Stream '%s': the bookmark belongs to '%s', not to the replication key '%s'; all rows are read.",
                self.name,
                start.ignored_key,
                key.name,
            )
        reading = Reading(columns, key, tuple(self.primary_keys), has_bookmark=start.value is not None)
        return self._warehouse.rows(self._model, reading, start.value)

    def _remaining(self, records: int) -> int | None:
        """Return how many more rows a dry run wants; None without limit."""
        limit = self.ABORT_AT_RECORD_COUNT
        return None if limit is None else limit - records

    def _is_plain(self) -> bool:
        """Return whether records leave as they are: no stream map, no alias, no flattening."""
        maps = self.stream_maps
        return len(maps) == 1 and type(maps[0]) is SameRecordTransform and not maps[0].flattening_enabled

    def _write_chunk(self, encoder: RecordEncoder, rows: Sequence[Row]) -> int:
        lines = encoder.encode(rows, utc_text(dt.datetime.now(dt.timezone.utc)))
        self._output.write_lines(lines)
        return len(lines)

    def _write_one_by_one(self, encoder: RecordEncoder, rows: Sequence[Row]) -> int:
        records = encoder.records(rows)
        for record in records:
            self._write_record_message(record)
        return sum(map(len, map(str, records)))

    def _advance(self, progress: _Progress, rows: Sequence[Row]) -> None:
        """Move the bookmark behind rows that were written, and say so every STATE_MSG_FREQUENCY records."""
        progress.count(rows)
        self.state_manager.is_flushed = False
        if progress.column is not None:
            value = bookmarks.latest(rows, progress.position)
            if value is not None:
                now = dt.datetime.now(dt.timezone.utc)
                bookmark = bookmarks.capped(value, progress.column.kind, now)
                self.stream_state.update({bookmarks.KEY: progress.column.name, bookmarks.VALUE: bookmark})
        if progress.since_state >= self.STATE_MSG_FREQUENCY:
            self._write_state_message()
            progress.since_state = 0

    def _warn(self, encoder: RecordEncoder, progress: _Progress) -> None:
        if encoder.nulled:
            counts = ", ".join(f"{name} ({count})" for name, count in sorted(encoder.nulled.items()))
            self.logger.warning(
                "Stream '%s': values that JSON cannot hold (NaN, infinity, dates outside years 1 to 9999) were "
                "written as null, by column: %s. Handle them in the model.",
                self.name,
                counts,
            )
        if progress.null_keys:
            self.logger.warning(
                "Stream '%s': %d rows have no replication key '%s'. They were emitted by this full load; "
                "incremental runs do not see them. Use a column that is never null.",
                self.name,
                progress.null_keys,
                self.replication_key,
            )


class _Progress:
    """Counts of one pass over a stream."""

    def __init__(self, replication_key: str | None, columns: Sequence[Column]) -> None:
        names = [column.name for column in columns]
        self.position = names.index(replication_key) if replication_key in names else -1
        self.column = columns[self.position] if self.position >= 0 else None
        self.records = self.since_state = self.null_keys = 0

    def count(self, rows: Sequence[Row]) -> None:
        """Count rows; null replication keys come first, so that most chunks are not looked at."""
        self.records += len(rows)
        self.since_state += len(rows)
        if self.column is not None and rows[0][self.position] is None:
            self.null_keys += sum(row[self.position] is None for row in rows)


def _replication_key_problems(name: str, key: str | None, columns: Mapping[str, Column]) -> list[str]:
    if not key:
        return [f"Model '{name}': INCREMENTAL needs 'replication_key', the column that grows with every change."]
    if key not in columns:
        return [
            (
                f"Model '{name}': 'replication_key' '{key}' is not among the query's columns ({', '.join(columns)}). "
                "Correct it or the query."
            )
        ]
    if columns[key].bookmark_type is None:
        return [
            (
                f"Model '{name}': the column '{key}' of type {columns[key].sql_type} cannot be a replication key. "
                "Use an integer, date, timestamp, text or UUID column, or cast it in the query "
                "(a decimal to BIGINT, for example)."
            )
        ]
    return []
