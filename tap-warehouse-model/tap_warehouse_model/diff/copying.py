"""Making a plan where the warehouse is only read: keys and hashes are copied into a DuckDB file.

There the comparison is the same SQL as in a warehouse. The rows that differ are then fetched by key, and
kept in the plan as JSON. The model is read twice at different moments: the hash that came with a row is the
one that is kept with it, and a key that vanished in between is seen by the next run.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from tap_warehouse_model.diff import statements
from tap_warehouse_model.diff.forms import RECORD_COLUMN
from tap_warehouse_model.diff.planning import Planner
from tap_warehouse_model.diff.statements import Comparison, CreateTableAs
from tap_warehouse_model.diff.store import text_literal
from tap_warehouse_model.diff.tables import HASH, MARKS, OP, SEQ, exact
from tap_warehouse_model.records import RecordEncoder, sampled_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_warehouse_model.diff.source import Source
    from tap_warehouse_model.diff.store import Store
    from tap_warehouse_model.models import Model
    from tap_warehouse_model.warehouse import Warehouse

KEYS_PER_REQUEST = 20_000
MOST_REQUESTS = 10
"""When more keys differ than fit into so many requests, the model is read as a whole instead."""

_CHUNK_BYTES = 1_000_000
_DEFAULT_OBJECT_BYTES = 16_777_216  # DuckDB's; a longer row needs more
_ENCODER = msgspec.json.Encoder()


class CopyingPlanner(Planner):
    """Reads the warehouse; compares in a file."""

    def __init__(
        self, store: Store, source: Source, comparison: Comparison, stream: str, *, warehouse: Warehouse, model: Model
    ) -> None:
        super().__init__(store, source, comparison, stream)
        self._warehouse = warehouse
        self._model = model
        self.encoder = RecordEncoder(stream, [*source.keys, *source.columns])

    def _no_rows(self) -> sa.Select[Any]:
        nothing: sa.ColumnClause[Any] = sa.literal_column("CAST(NULL AS VARCHAR)")
        keys = [nothing.label(exact(name)) for name in self._tables.keys]
        digest: sa.Label[Any] = sa.literal_column(f"CAST(NULL AS {self._store.dialect.digest_type})").label(HASH)
        return sa.select(*keys, digest, nothing.label(MARKS))

    def _stage(self, connection: sa.Connection, stage: sa.TableClause) -> None:
        names = [*self._tables.keys, HASH]
        with self._warehouse.selected(self._model, self._source.copied_stage()) as reader:
            self._load(connection, stage, names, _chunks(reader))

    def _freeze(
        self, connection: sa.Connection, plan: sa.TableClause, changes: sa.TableClause, kinds: Sequence[str]
    ) -> None:
        names = [*self._tables.keys, HASH, MARKS, RECORD_COLUMN]
        fetched = sa.table(f"rows_{plan.name}", *map(sa.column, names), schema=plan.schema)
        self._load(connection, fetched, names, self._fetched(connection, changes, kinds))
        self._store.create(connection, CreateTableAs(plan, self._numbered(fetched, changes, kinds)))
        self._store.drop(connection, fetched)

    def _numbered(self, fetched: sa.TableClause, changes: sa.TableClause, kinds: Sequence[str]) -> sa.Select[Any]:
        keys = self._tables.keys
        on = sa.and_(*(fetched.c[name] == changes.c[name] for name in keys))
        number = sa.cast(sa.func.row_number().over(), sa.BigInteger).label(SEQ)
        columns = [fetched.c[name] for name in [*keys, RECORD_COLUMN, HASH, MARKS]]
        select = sa.select(number, changes.c[OP], *columns).select_from(fetched.join(changes, on))
        return select.where(statements.is_any(changes, kinds))

    def _fetched(
        self, connection: sa.Connection, changes: sa.TableClause, kinds: Sequence[str]
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Yield key texts, hash, marks and JSON of the rows that differ; of all rows when most of them do."""
        chosen = statements.is_any(changes, kinds)
        wanted = connection.scalar(statements.row_count(changes).where(chosen)) or 0
        if wanted == 0:
            return
        by_key = wanted <= KEYS_PER_REQUEST * MOST_REQUESTS and self._source.dialect.keys_relation(1, ":k") is not None
        requests: Iterable[str | None] = self._wanted_keys(connection, changes, chosen) if by_key else [None]
        width = len(self._tables.keys) + 2
        for keys in requests:
            with self._warehouse.selected(self._model, self._source.copied_rows(keys)) as reader:
                for rows in _chunks(reader):
                    bodies = self.encoder.bodies([row[width:] for row in rows])
                    yield [(*row[:width], body.decode()) for row, body in zip(rows, bodies, strict=True)]

    def _wanted_keys(
        self, connection: sa.Connection, changes: sa.TableClause, chosen: sa.ColumnElement[bool]
    ) -> list[str]:
        """Return JSON arrays of keys; all keys together take a few megabytes."""
        keys = connection.execute(sa.select(*(changes.c[name] for name in self._tables.keys)).where(chosen)).all()
        parts = (keys[at : at + KEYS_PER_REQUEST] for at in range(0, len(keys), KEYS_PER_REQUEST))
        return [_ENCODER.encode([list(key) for key in part]).decode() for part in parts]

    def _load(
        self,
        connection: sa.Connection,
        table: sa.TableClause,
        names: Sequence[str],
        chunks: Iterable[Sequence[Sequence[Any]]],
    ) -> None:
        """Create a table from rows of texts, by way of a file: DuckDB reads one many times as fast as it inserts."""
        with _rows_file(chunks, len(names)) as (path, longest):
            fields = ", ".join(f"c{position}: 'VARCHAR'" for position in range(len(names)))
            size = max(longest, _DEFAULT_OBJECT_BYTES)
            source = (
                f"read_json({text_literal(path)}, format = 'newline_delimited', columns = {{{fields}}}, "
                f"maximum_object_size = {size})"
            ).replace(":", r"\:")
            columns: list[sa.Label[Any]] = [
                sa.literal_column(f"CAST(c{at} AS {self._type(name)})").label(exact(name))
                for at, name in enumerate(names)
            ]
            self._store.create(connection, CreateTableAs(table, sa.select(*columns).select_from(sa.text(source))))

    def _type(self, name: str) -> str:
        return self._store.dialect.digest_type if name == HASH else "VARCHAR"

    def _all_rows(self, connection: sa.Connection) -> int:
        del connection
        everything = self._source.with_all_rows().stage().subquery("a")
        with self._warehouse.selected(self._model, statements.row_count(everything)) as reader:
            return int(reader.fetch()[0][0])


def _chunks(reader: Any) -> Iterator[Sequence[tuple[Any, ...]]]:  # noqa: ANN401
    while rows := reader.fetch():
        yield rows
        reader.adapt(sampled_bytes(rows), _CHUNK_BYTES)


@contextmanager
def _rows_file(chunks: Iterable[Sequence[Sequence[Any]]], width: int) -> Iterator[tuple[Path, int]]:
    """Write rows as JSON lines; yield the file and the length of what was written at once at most.

    The file is readable by its owner only, and gone at the end.
    """
    row = msgspec.defstruct("Row", [(f"c{position}", Any) for position in range(width)], gc=False)
    with tempfile.TemporaryDirectory(prefix="tap-warehouse-model-") as folder:
        path, longest = Path(folder) / "rows.json", 0
        with path.open("wb") as file:
            for rows in chunks:
                longest = max(longest, file.write(_ENCODER.encode_lines([row(*values) for values in rows])))
        yield path, longest
