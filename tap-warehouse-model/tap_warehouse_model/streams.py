"""A model as a Singer stream."""

from __future__ import annotations

import datetime as dt
import logging
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import Metadata
from singer_sdk.streams import Stream

from tap_warehouse_model import bookmarks
from tap_warehouse_model.columns import DELETED_AT, Column, known_as, stream_schema
from tap_warehouse_model.diff import position, sync
from tap_warehouse_model.errors import BrakeError, ConfigError, TapError
from tap_warehouse_model.models import INCREMENTAL, LOG_BASED, Model, method_problem
from tap_warehouse_model.progress import Progress
from tap_warehouse_model.queries import Reading
from tap_warehouse_model.records import RecordEncoder, Row, pieces, utc_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from contextlib import AbstractContextManager

    from singer_sdk.helpers import types
    from singer_sdk.singerlib import Catalog

    from tap_warehouse_model.diff.baseline import Baseline
    from tap_warehouse_model.diff.forms import Form
    from tap_warehouse_model.diff.position import Position
    from tap_warehouse_model.diff.preview import Preview
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
        self._hold = tap.held.append
        super().__init__(tap, schema=stream_schema(columns, model.description), name=model.name)
        self.primary_keys = list(model.key_properties)
        self.replication_key = model.replication_key
        self.forced_replication_method = model.replication_method
        self.check()

    @property
    def is_sorted(self) -> bool:
        """An INCREMENTAL stream is sorted by its replication key, so that it can resume anywhere."""
        return self.replication_method == INCREMENTAL

    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:  # noqa: ANN401
        """Log a message, but not that an error is unhandled when the command will show it as the one message."""
        if not isinstance(sys.exc_info()[1], TapError):
            super().log(message, *args, level=level, **kwargs)

    def get_replication_key_signpost(self, context: types.Context | None = None) -> None:  # noqa: ARG002
        """Return nothing: bookmarks are capped where they are written."""
        return

    def check(self) -> None:
        """Compare keys and method with the columns of the query.

        Raises:
            ConfigError: Lists every problem of this stream.
        """
        self.primary_keys = [known_as(key, self._columns) for key in self.primary_keys]
        self.replication_key = self.replication_key and known_as(self.replication_key, self._columns)
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
        if self.forced_replication_method != INCREMENTAL:
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
        if self.replication_method == LOG_BASED:
            if problems:
                return problems
            sync_id = self._warehouse.config.diff.sync_id
            mapped = [
                f"Model '{self.name}': 'stream_maps' change the key column '{key}', and LOG_BASED could not name "
                "removed rows by it. Change it in the query instead."
                for key in self._mapped_keys()
            ]
            return [*mapped, *sync.problems(self._model, self._key_columns(), self._columns, sync_id=sync_id)]
        if self.replication_method != INCREMENTAL:
            return problems
        return [*problems, *bookmarks.problems(self.name, self.replication_key, names)]

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the records; removals have a column of their own."""
        if self.replication_method != LOG_BASED:
            return super().schema
        known = super().schema
        return {**known, "properties": {**known["properties"], DELETED_AT.name: DELETED_AT.json_schema}}

    def _key_columns(self) -> list[Column]:
        return [column for key in self.primary_keys for column in self._columns if column.name == key]

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
        if gone := sorted(wanted - described - {DELETED_AT.name}):
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
        """Emit every row, or every change, and the STATE messages between them."""
        if self.replication_method == LOG_BASED and self.ABORT_AT_RECORD_COUNT is None:  # a test emits any record
            self._sync_changes()
            return
        columns = self._selected_columns()
        encoder = RecordEncoder(self.name, columns)
        write = self._write_chunk if self._is_plain() else self._write_one_by_one
        progress = Progress(self.replication_key, columns)
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
        self._warn(encoder.nulled)
        self._warn_of_null_keys(progress)
        self._write_state_message()
        yield from ()

    def preview(self) -> Preview:
        """Count what a run would emit; for LOG_BASED only."""
        return self._baseline().preview(position.parse(self.name, self.stream_state))

    def _baseline(self) -> Baseline:
        keys = self._key_columns()
        others = [column for column in self._selected_columns() if column not in keys]
        return sync.baseline_of(self._warehouse, self._model, keys=keys, columns=others, logger=self.logger)

    def _sync_changes(self) -> None:
        """Emit what differs from what was confirmed."""
        known = position.parse(self.name, self.stream_state)
        self._warehouse.release()  # the plan is made through another connection, and then emitted without any
        try:
            with self._baseline().plan(known) as plan, self.get_record_counter() as counter, self.get_sync_timer():
                self._remember(plan.position)
                since_state = 0
                for reached, changes in plan.pages():
                    written = self._write_changes(plan.form, changes)
                    counter.increment(len(changes))
                    self._remember(reached)
                    since_state += len(changes)
                    if since_state >= self.STATE_MSG_FREQUENCY:
                        self._write_state_message()
                        since_state = 0
                    plan.adapt(written / len(changes))
                self._warn(plan.form.nulled)
        except BrakeError as error:  # other models are not to wait for this one
            self._hold(error)
        except Exception:  # a signal breaks off the query with an error of any driver; others propagate
            self._exit_if_stopped()
            raise
        self._write_state_message()

    def _write_changes(self, form: Form, changes: Sequence[Row]) -> int:
        now = dt.datetime.now(dt.timezone.utc)
        if not self._is_plain():
            upserts, removals = form.records(changes, now)
            for record in upserts:
                self._write_record_message(record)
            for record in removals:
                self._write_removal(record, now)
            return sum(map(len, map(str, [*upserts, *removals])))
        written = 0
        for piece in pieces(changes, CHUNK_BYTES):
            lines = form.lines(piece, now)
            self._output.write_lines(lines)
            written += len(lines)
        return written

    def _write_removal(self, record: dict[str, Any], now: dt.datetime) -> None:
        """Write a removal under the names that stream maps give the stream.

        Expressions and filters are left out: they would look for columns that a removal does not have.
        """
        for stream_map in self.stream_maps:
            if not isinstance(stream_map, RemoveRecordTransform):
                self._tap.write_message(RecordMessage(stream_map.stream_alias, record, time_extracted=now))

    def _mapped_keys(self) -> list[str]:
        """Return key columns that a stream map changes: removals could not be mapped then."""
        changed = (self.config.get("stream_maps") or {}).get(self.name)
        if not isinstance(changed, Mapping):
            return []
        return [key for key in self.primary_keys if key in changed or "__key_properties__" in changed]

    def _remember(self, reached: Position) -> None:
        """Note what has been emitted; a signal writes it as the last STATE."""
        self.state_manager.is_flushed = False
        bookmark = reached.bookmark()
        self.stream_state.update(bookmark)  # at once: a signal between two steps would write half of it
        for name in self.stream_state.keys() - bookmark.keys():
            del self.stream_state[name]

    def _rows(self, columns: Sequence[Column]) -> AbstractContextManager[ChunkReader]:
        key = next((column for column in columns if column.name == self.replication_key), None)
        reading = Reading(columns, keys=self._key_columns(), part=self._warehouse.config.slice)
        if key is None:
            return self._warehouse.rows(self._model, reading)
        start = bookmarks.start(self.name, self.stream_state, key, self._model.start_value, reading.part)
        if start.ignored:
            self.logger.warning(
                "Stream '%s': the bookmark belongs to %s, and this run reads '%s', slice %s; all rows are read.",
                self.name,
                start.ignored,
                key.name,
                reading.part,
            )
        has_bookmark = start.value is not None
        ordered = replace(
            reading, replication_key=key, tie_breakers=tuple(self.primary_keys), has_bookmark=has_bookmark
        )
        return self._warehouse.rows(self._model, ordered, start.value)

    def _remaining(self, records: int) -> int | None:
        """Return how many more rows a dry run wants; None without limit."""
        limit = self.ABORT_AT_RECORD_COUNT
        return None if limit is None else limit - records

    def _is_plain(self) -> bool:
        """Return whether records leave as they are: no stream map, no alias, no flattening."""
        maps = self.stream_maps
        return len(maps) == 1 and type(maps[0]) is SameRecordTransform and not maps[0].flattening_enabled

    def _write_chunk(self, encoder: RecordEncoder, rows: Sequence[Row]) -> int:
        now, written = utc_text(dt.datetime.now(dt.timezone.utc)), 0
        for piece in pieces(rows, CHUNK_BYTES):
            lines = encoder.encode(piece, now)
            self._output.write_lines(lines)
            written += len(lines)
        return written

    def _write_one_by_one(self, encoder: RecordEncoder, rows: Sequence[Row]) -> int:
        records = encoder.records(rows)
        for record in records:
            self._write_record_message(record)
        return sum(map(len, map(str, records)))

    def _advance(self, progress: Progress, rows: Sequence[Row]) -> None:
        """Move the bookmark behind rows that were written, and say so every STATE_MSG_FREQUENCY records."""
        progress.count(rows)
        self.state_manager.is_flushed = False
        if progress.column is not None:
            value = bookmarks.latest(rows, progress.position)
            if value is not None:
                now = dt.datetime.now(dt.timezone.utc)
                bookmark = bookmarks.capped(value, progress.column.kind, now)
                part = self._warehouse.config.slice
                slice_ = {} if part.is_whole else {bookmarks.SLICE: str(part)}
                self.stream_state.update({bookmarks.KEY: progress.column.name, bookmarks.VALUE: bookmark, **slice_})
                if part.is_whole:
                    self.stream_state.pop(bookmarks.SLICE, None)
        if progress.since_state >= self.STATE_MSG_FREQUENCY:
            self._write_state_message()
            progress.since_state = 0

    def _warn(self, nulled: Mapping[str, int]) -> None:
        if nulled:
            counts = ", ".join(f"{name} ({count})" for name, count in sorted(nulled.items()))
            self.logger.warning(
                "Stream '%s': values that JSON cannot hold (NaN, infinity, dates outside years 1 to 9999) were "
                "written as null, by column: %s. Handle them in the model.",
                self.name,
                counts,
            )

    def _warn_of_null_keys(self, progress: Progress) -> None:
        if progress.null_keys:
            self.logger.warning(
                "Stream '%s': %d rows have no replication key '%s'. They were emitted by this full load; "
                "incremental runs do not see them. Use a column that is never null.",
                self.name,
                progress.null_keys,
                self.replication_key,
            )
