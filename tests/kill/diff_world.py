"""Where a model is and where its baseline is: three worlds, and what a test may see of the tap's tables."""

from __future__ import annotations

import abc
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb
import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Key = tuple[Any, ...]
Value = tuple[Any, ...]
Rows = dict[Key, Value]

COLUMNS = {"color": "varchar(10)", "is_open": "boolean", "size": "integer"}
SYNC_ID = "crm"
STREAM = "m"
ONE_THREAD = "?threads=1"
"""Four hundred rows need no more, and a database opens in half the time."""


@dataclass(frozen=True)
class Control:
    """What the tap's table says about one slice."""

    epoch: int
    lease_owner: str | None
    plan_id: str | None
    plan_table: str | None
    plan_rows: int
    emitted_hi: int
    folded_seq: int


_NONE = (0, None, None, None, 0, 0, 0)


class World(abc.ABC):
    """A database with a model, and the place of its baseline."""

    name: str
    keys: Mapping[str, str]
    """Key columns and their types."""

    is_shared: bool
    """Whether the model can change while the tap reads it."""

    settings: dict[str, Any]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, number: int) -> Key:
        """Return the key of a number."""
        by_type = {"integer": number, "varchar(20)": f"k|{number}", "varchar(2)": ("de", "fr", "~")[number % 3]}
        return tuple(by_type[sql_type] for sql_type in self.keys.values())

    def create(self) -> None:
        """Create the model, without rows."""
        columns = ", ".join(f"{name} {kind}" for name, kind in {**self.keys, **COLUMNS}.items())
        self.execute([f"CREATE TABLE m ({columns})"])

    def write(self, rows: Rows) -> None:
        """Replace all rows at once."""
        values = ", ".join(f"({', '.join(map(_literal, (*key, *value)))})" for key, value in rows.items())
        self.execute(["DELETE FROM m", *([f"INSERT INTO m VALUES {values}"] if values else [])])  # noqa: S608

    def config(self, **settings: Any) -> dict[str, Any]:
        """Return the tap's settings."""
        model = {
            "name": STREAM,
            "table": "m",
            "key_properties": list(self.keys),
            "replication_method": "LOG_BASED",
            "mapping_version": settings.pop("mapping_version", 1),
        }
        brakes = {"max_removed_percent": 100, "on_empty": "apply"}
        return {"sync_id": SYNC_ID, "models": [model], **brakes, **self.settings, **settings}

    def change(self, record: Mapping[str, Any]) -> tuple[Key, Value | None]:
        """Return the key of a record and its values; None for a removal."""
        key = tuple(record[name] for name in self.keys)
        if record.get("_sdc_deleted_at"):
            assert set(record) == {*self.keys, "_sdc_deleted_at"}
            return key, None
        return key, tuple(record[name] for name in COLUMNS)

    def controls(self) -> dict[str, Control]:
        """Return what is known of each slice; nothing before the first run."""
        names = ", ".join(Control.__annotations__)
        try:
            rows = self.look(f"SELECT slice, {names} FROM {self.schema}.syncs")  # noqa: S608
        except (duckdb.CatalogException, psycopg.errors.UndefinedTable, FileNotFoundError):
            return {}
        return {
            name: Control(*(value if value is not None else _NONE[at] for at, value in enumerate(values)))
            for name, *values in rows
        }

    def planned(self, control: Control, to: int) -> list[Key]:
        """Return the keys of the changes `1..to` of a plan."""
        if control.plan_id is None:
            return []
        names = ", ".join(self.keys)
        query = f'SELECT {names} FROM {self.schema}."{control.plan_table}" WHERE _diff_seq <= {to}'  # noqa: S608
        rows, kinds = self.look(query), self.keys.values()
        return [
            tuple(
                int(value) if kind == "integer" else value for value, kind in zip(row, self.keys.values(), strict=True)
            )
            for row in rows
        ]

    def tables(self) -> list[str]:
        """Return the names of the tap's tables."""
        rows = self.look("SELECT table_name FROM information_schema.tables WHERE table_schema = 'reverse_etl'")
        return [name for (name,) in rows]

    schema = "reverse_etl"

    @abc.abstractmethod
    def execute(self, statements: Iterable[str]) -> None:
        """Run statements in one transaction."""

    @abc.abstractmethod
    def look(self, query: str) -> list[tuple[Any, ...]]:
        """Return rows of the database that holds the baseline, without changing it."""


class DuckDBWorld(World):
    """A DuckDB file, the baseline in a file beside it; the key is a text and a number."""

    name = "duckdb"
    keys: ClassVar[dict[str, str]] = {"region": "varchar(2)", "id": "integer"}
    is_shared = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._file = folder / "warehouse.duckdb"
        self._state = folder / ".reverse-etl" / f"{SYNC_ID}.duckdb"
        self.settings = {"sqlalchemy_url": f"duckdb:///{self._file}{ONE_THREAD}"}

    def execute(self, statements: Iterable[str]) -> None:
        """Open, write, close."""
        with duckdb.connect(str(self._file)) as connection:
            connection.begin()
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def look(self, query: str) -> list[tuple[Any, ...]]:
        """Look at a copy."""
        return look_at_copy(self._state, query)


class PostgreSQLWorld(World):
    """A PostgreSQL database that holds the baseline too; the key is a text."""

    name = "postgresql"
    keys: ClassVar[dict[str, str]] = {"code": "varchar(20)"}
    is_shared = True

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self._url = url
        self.settings = {"sqlalchemy_url": url}

    def execute(self, statements: Iterable[str]) -> None:
        """Run and commit."""
        with psycopg.connect(self._url) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def look(self, query: str) -> list[tuple[Any, ...]]:
        """Look at what is committed."""
        with psycopg.connect(self._url) as connection:
            return connection.execute(query.encode()).fetchall()


class CopiedWorld(PostgreSQLWorld):
    """A PostgreSQL database that may only be read; the baseline is in a DuckDB file, the key is a number."""

    name = "copied"
    keys: ClassVar[dict[str, str]] = {"id": "integer"}

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, url)
        self._state = folder / "state" / "diff.duckdb"
        reader = url.replace("//postgres:", "//reader:")
        assert reader != url
        self.settings = {"sqlalchemy_url": reader, "state_url": f"duckdb:///{self._state}{ONE_THREAD}"}

    def create(self) -> None:
        """Create the model, and a role that reads it."""
        super().create()
        exists = self._rows("SELECT 1 FROM pg_roles WHERE rolname = 'reader'")
        self.execute([*([] if exists else ["CREATE ROLE reader LOGIN"]), "GRANT SELECT ON m TO reader"])

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return super().look(query)

    def look(self, query: str) -> list[tuple[Any, ...]]:
        """Look at a copy of the file."""
        return look_at_copy(self._state, query)


def look_at_copy(file: Path, query: str) -> list[tuple[Any, ...]]:
    """Return rows of a DuckDB file as it would be found after a crash; the file itself is not touched."""
    copy = file.with_name("copy-of-state.duckdb")
    for suffix in ("", ".wal"):
        source, there = (path.with_name(path.name + suffix) for path in (file, copy))
        there.unlink(missing_ok=True)
        if source.exists() or not suffix:
            shutil.copyfile(source, there)
    with duckdb.connect(str(copy)) as connection:
        return connection.execute(query).fetchall()


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)
