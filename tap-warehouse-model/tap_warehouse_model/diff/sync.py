"""A model's baseline, put together from the settings: which store, which planner, which form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_warehouse_model import expressions, queries
from tap_warehouse_model.columns import DELETED_AT, Column, Kind
from tap_warehouse_model.config import needs_sync_id
from tap_warehouse_model.diff.baseline import Baseline, Run
from tap_warehouse_model.diff.copying import CopyingPlanner
from tap_warehouse_model.diff.forms import RECORD_COLUMN, ColumnForm, JsonForm
from tap_warehouse_model.diff.planning import WarehousePlanner
from tap_warehouse_model.diff.preview import Sync
from tap_warehouse_model.diff.source import Source
from tap_warehouse_model.diff.statements import Comparison
from tap_warehouse_model.diff.store import Store, plain_quoted, store_of
from tap_warehouse_model.diff.tables import OWN_COLUMNS, Tables, part_of_names

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    from tap_warehouse_model.models import Model
    from tap_warehouse_model.warehouse import Warehouse

LONGEST_STREAM = 200
_NO_KEYS = frozenset({Kind.FLOAT, Kind.DECIMAL, Kind.JSON, Kind.NESTED})


def problems(model: Model, keys: Sequence[Column], columns: Sequence[Column], *, sync_id: str | None) -> list[str]:
    """Return why the changes of a model cannot be found, each with its remedy."""
    found = [] if sync_id else [needs_sync_id(f"'{model.name}'")]
    if not keys:
        found.append(f"Model '{model.name}': LOG_BASED needs 'key_properties', the columns that identify a row.")
    found += [
        f"Model '{model.name}': the column '{key.name}' of type {key.sql_type} cannot be a key of LOG_BASED, as equal "
        "values may be written differently. Cast it to an integer or a text in the query."
        for key in keys
        if key.kind in _NO_KEYS
    ]
    if len(model.name) > LONGEST_STREAM:
        found.append(f"Model '{model.name}': its name is longer than {LONGEST_STREAM} characters. Shorten it.")
    names = [column.name for column in columns]
    lowered = [name.lower() for name in names]
    found += [
        f"Model '{model.name}': the name of the column '{name}' cannot be used with LOG_BASED: "
        "the diff has a column of this name itself, or another one differs from it in upper and lower case only. "
        "Rename it in the query."
        for name in names
        if name.lower() in (*OWN_COLUMNS, DELETED_AT.name) or lowered.count(name.lower()) > 1
    ]
    return found


def baseline_of(
    warehouse: Warehouse,
    model: Model,
    *,
    keys: Sequence[Column],
    columns: Sequence[Column],
    logger: logging.Logger,
    store: Store | None = None,
    taints: bool = True,
) -> Baseline:
    """Return the baseline of a model.

    Args:
        warehouse: Has the settings.
        model: What is read.
        keys: Its key columns.
        columns: Its other columns that are selected.
        logger: For what is worth knowing.
        store: In place of the one that the settings name.
        taints: False only in a test's control experiment.
    """
    config = warehouse.config
    store = store_of(config) if store is None else store
    parts = Parts(warehouse, model, keys, columns, store)
    described = Sync(str(config.diff.sync_id), model.name, config.slice, config.diff.brakes, parts.fingerprint)
    return Baseline(store, parts.comparison, described, run_with=parts.run_with, logger=logger, taints=taints)


class Parts:
    """What a baseline and a preview are made of."""

    def __init__(
        self,
        warehouse: Warehouse,
        model: Model,
        keys: Sequence[Column],
        columns: Sequence[Column],
        store: Store,
    ) -> None:
        self.store = store
        self._warehouse = warehouse
        self._model = model
        self._keys = keys
        self._columns = columns
        config = warehouse.config
        kept = [column.name for column in columns] if store.has_model else [RECORD_COLUMN]
        names = [key.name for key in keys]
        key_types = [f"{key.name} {key.kind.value if store.has_model else 'text'}" for key in keys]
        self.tables = Tables(store.schema, part_of_names(str(config.diff.sync_id), model.name, key_types), names, kept)
        self.comparison = Comparison(self.tables, store.dialect, self._stored_keys(), config.slice, store.quote)
        self.fingerprint = expressions.fingerprint(
            warehouse.config.url.get_backend_name(), names, columns, model.mapping_version
        )

    def run_with(self, salt: str) -> Run:
        """Return what makes and writes a plan whose hashes begin with a salt."""
        source = self.source(salt)
        stream = self._model.name
        if self.store.has_model:
            return Run(
                WarehousePlanner(self.store, source, self.comparison, stream),
                ColumnForm(stream, self._keys, self._columns),
            )
        planner = CopyingPlanner(
            self.store, source, self.comparison, stream, warehouse=self._warehouse, model=self._model
        )
        return Run(planner, JsonForm(stream, self._keys, planner.encoder.nulled))

    def source(self, salt: str) -> Source:
        """Return the model as it is read, with hashes that begin with a salt."""
        config = self._warehouse.config
        engine = self.store.engine if self.store.has_model else self._warehouse.engine
        return Source(
            statement=queries.bound(self._model, self._warehouse.dialect, lambda name: plain_quoted(engine, name)),
            keys=self._keys,
            columns=self._columns,
            salt=salt,
            part=config.slice,
            keeps_first=config.diff.rejects_duplicates_of(self._model),
            dialect=self._warehouse.dialect,
            quote=lambda name: plain_quoted(engine, name),
        )

    def _stored_keys(self) -> list[Column]:
        """Return the key columns as the tables have them: as texts where they were copied."""
        if self.store.has_model:
            return list(self._keys)
        return [replace(key, kind=Kind.TEXT) for key in self._keys]
