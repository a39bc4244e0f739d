"""Our tap feeds targets of others: which rows arrive, and what becomes of those that are gone from the model."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
from psycopg.rows import dict_row

from .source import CHANGES, FIRST, STREAM, THIRD, Source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .plugins import Output, Plugin, Shelf

DELETED = "_sdc_deleted_at"
EMPTY = dict.fromkeys(FIRST)


class Loading:
    """Rows that a target of others has taken, and the way to give it more.

    Attributes:
        package: Its name at PyPI.
        first: The first row there.
        third: The third row there.
        keeps_history: Whether a row that changed is there twice.
    """

    package: str
    first: dict[str, Any] = FIRST
    third: dict[str, Any] = THIRD
    keeps_history = False

    def __init__(self, plugin: Plugin, folder: Path, socket: str) -> None:
        self.plugin = plugin
        self.folder = folder
        self.socket = socket

    def settings(self) -> dict[str, Any]:
        """Of the target."""
        raise NotImplementedError

    def rows(self) -> list[dict[str, Any]]:
        """What is there, as values of JSON, in the order of its arrival."""
        raise NotImplementedError

    def load(self, said: Output, **settings: Any) -> dict[str, Any]:
        """Give the target what the tap said; the STATE that it gives back."""
        return self.plugin.run(self.settings() | settings, stdin=said.stdout).given_back

    def by_id(self, columns: Iterable[str] = FIRST) -> dict[int, dict[str, Any]]:
        """The newest row of each key, with columns of the model only."""
        return {int(row["id"]): {name: row.get(name) for name in columns} for row in self.rows()}

    def deleted(self) -> set[int]:
        """Keys whose newest row says that it is gone."""
        return {int(row["id"]) for row in {row["id"]: row for row in self.rows()}.values() if row.get(DELETED)}


class Jsonl(Loading):
    """Lines in a file, as they come."""

    package = "target-jsonl"
    keeps_history = True

    def settings(self) -> dict[str, Any]:
        """It appends, with the time of the run in the file's name unless that is told off."""
        return {"destination_path": str(self.folder), "do_timestamp_file": False}

    def rows(self) -> list[dict[str, Any]]:
        """The lines."""
        text = (self.folder / f"{STREAM}.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


def _texts(row: dict[str, Any], **others: str) -> dict[str, Any]:
    return {name: "" if value is None else str(value) for name, value in row.items()} | others


class Csv(Loading):
    """Values as Python writes them: `True`, and JSON that is none."""

    package = "meltanolabs-target-csv"
    keeps_history = True
    first = _texts(
        FIRST,
        amount="1234567890123456.78",
        seen="2024-01-02 01:04:05.678901+00:00",
        local="2024-01-02 03:04:05.678901+00:00",
        updated="2024-01-01 00:00:00+00:00",
    )
    third = _texts(
        THIRD,
        amount="0.10",
        ratio="-1E+300",
        seen="1900-01-01 00:00:00+00:00",
        local="9999-12-31 23:59:59+00:00",
        updated="2024-01-03 00:00:00+00:00",
    )

    def settings(self) -> dict[str, Any]:
        """Without a time in its name each run begins the file anew; without metadata no row says that it is gone."""
        name = {"file_naming_scheme": "{stream_name}-{timestamp}.csv", "timestamp_format": "%Y%m%dT%H%M%S%f"}
        return {"output_path": str(self.folder), "add_record_metadata": True, **name}

    def rows(self) -> list[dict[str, Any]]:
        """The lines of all files, in the order of the runs."""
        found: list[dict[str, Any]] = []
        for path in sorted(self.folder.glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                found += csv.DictReader(file)
        return found


class DuckDB(Loading):
    """A table whose decimals are floats, and whose empty texts are null."""

    package = "target-duckdb"
    first = FIRST | {
        "amount": 1234567890123456.8,
        "seen": "2024-01-02 01:04:05.678901",
        "local": "2024-01-02 03:04:05.678901",
        "updated": "2024-01-01 00:00:00",
    }
    third = THIRD | {
        "name": None,
        "seen": "1900-01-01 00:00:00",
        "local": "9999-12-31 23:59:59",
        "updated": "2024-01-03 00:00:00",
    }

    def settings(self) -> dict[str, Any]:
        """The file, and its only schema."""
        return {"filepath": str(self.folder / "out.duckdb"), "default_target_schema": "main"}

    def rows(self) -> list[dict[str, Any]]:
        """The table."""
        with duckdb.connect(str(self.folder / "out.duckdb")) as connection:
            found = connection.execute(f"SELECT to_json(t) FROM {STREAM} AS t ORDER BY id").fetchall()  # noqa: S608
        return [json.loads(row) for (row,) in found]


class Postgres(Loading):
    """A table with the types of the model, but for time zones."""

    package = "meltanolabs-target-postgres"
    first = FIRST | {
        "seen": "2024-01-02T01:04:05.678901",
        "local": "2024-01-02T03:04:05.678901",
        "updated": "2024-01-01T00:00:00",
    }
    third = THIRD | {
        "seen": "1900-01-01T00:00:00",
        "local": "9999-12-31T23:59:59",
        "updated": "2024-01-03T00:00:00",
        "ratio": -(10**300),
    }

    def settings(self) -> dict[str, Any]:
        """The server's socket can only be said as a URL."""
        url = f"postgresql+psycopg://postgres@/postgres?host={self.socket}"
        return {"sqlalchemy_url": url, "default_target_schema": "matrix"}

    def rows(self) -> list[dict[str, Any]]:
        """The table."""
        with psycopg.connect(f"host={self.socket} user=postgres", row_factory=dict_row) as connection:
            found = connection.execute(f"SELECT to_jsonb(t) AS line FROM matrix.{STREAM} AS t ORDER BY id")  # type: ignore[arg-type]  # noqa: S608
            return [row["line"] for row in found]


class PipelineWise(Postgres):
    """A table whose decimals are floats, and whose empty texts are null."""

    package = "pipelinewise-target-postgres"
    first = Postgres.first | {"amount": 1234567890123456.8}
    third = Postgres.third | {"name": None}

    def settings(self) -> dict[str, Any]:
        """It asks for a password, and the server does not."""
        server = {"host": self.socket, "port": 5432, "user": "postgres", "password": "any", "dbname": "postgres"}
        return {**server, "default_target_schema": "matrix", "add_metadata_columns": True}


ALL = [Jsonl, Csv, DuckDB, Postgres, PipelineWise]
TABLES = [DuckDB, Postgres, PipelineWise]
pytestmark = pytest.mark.long


@pytest.fixture
def loading(request: pytest.FixtureRequest, shelf: Shelf, postgres: str, tmp_path: Path) -> Loading:
    """A target of others, with an empty place to load into."""
    kind: type[Loading] = request.param
    folder = tmp_path / "target"
    folder.mkdir()
    return kind(shelf.take(kind.package, folder), folder, postgres)


def each(*kinds: type[Loading]) -> Any:
    """A test for each of some targets."""
    return pytest.mark.parametrize("loading", kinds, indirect=True, ids=lambda kind: kind.package)


@each(*ALL)
def test_values_of_every_type_arrive(loading: Loading, tmp_path: Path) -> None:
    """FULL_TABLE: texts, numbers, times, JSON, arrays, nulls; STATE is ours again; tables take all of it twice."""
    said = Source(tmp_path, "FULL_TABLE").emit()
    assert loading.load(said) == said.state
    rows = loading.by_id()
    assert (rows[1], rows[3]) == (loading.first, loading.third)
    nothing = "" if isinstance(loading, Csv) else None
    assert {name for name, value in rows[2].items() if value != nothing} == {"id", "updated"}
    loading.load(said)
    assert len(loading.rows()) == (6 if loading.keeps_history else 3)


@each(*ALL)
def test_a_bookmark_that_came_back_brings_what_is_new(loading: Loading, tmp_path: Path) -> None:
    """INCREMENTAL: the row of the bookmark, what changed and what is new; what is gone stays."""
    source = Source(tmp_path, "INCREMENTAL")
    source.state = loading.load(source.emit())
    source.execute(*CHANGES)
    said = source.emit()
    assert [record["id"] for record in said.records()] == [3, 1, 4]
    assert loading.load(said) == said.state
    names = {key: row["name"] or None for key, row in loading.by_id().items()}
    assert names == {1: "changed", 2: None, 3: None, 4: "new"}
    assert loading.deleted() == set()


@each(*ALL)
def test_only_changes_travel_and_removals_are_marked(loading: Loading, tmp_path: Path) -> None:
    """LOG_BASED: with the STATE of the target, three changes; a row that returns is no longer marked."""
    source = Source(tmp_path, "LOG_BASED")
    source.state = loading.load(source.emit())
    source.execute(*CHANGES)
    said = source.emit()
    assert [(record["id"], DELETED in record) for record in said.records()] == [(1, False), (4, False), (2, True)]
    source.state = loading.load(said)
    assert loading.deleted() == {2}
    assert loading.by_id()[1]["name"] == "changed"

    source.execute(f"INSERT INTO {STREAM} (id, name) VALUES (2, 'returned')")  # noqa: S608 - a constant
    source.state = loading.load(source.emit())
    assert loading.deleted() == set()
    assert {key: row["name"] or None for key, row in loading.by_id().items()} == {
        1: "changed",
        2: "returned",
        3: None,
        4: "new",
    }
    assert source.emit().records() == []


@each(*ALL)
def test_a_state_that_was_lost_brings_all_rows_again(loading: Loading, tmp_path: Path) -> None:
    """LOG_BASED without STATE: every row once more, and the removal that was not confirmed."""
    source = Source(tmp_path, "LOG_BASED")
    loading.load(source.emit())
    source.execute(*CHANGES)
    loading.load(source.emit())
    assert loading.deleted() == {2}
    assert sorted(loading.by_id()) == [1, 2, 3, 4]


@each(*TABLES)
def test_a_removal_empties_the_row(loading: Loading, tmp_path: Path) -> None:
    """A removal has only the key: the row stays, marked, and its other columns become null."""
    source = Source(tmp_path, "LOG_BASED")
    source.state = loading.load(source.emit())
    source.execute(f"DELETE FROM {STREAM} WHERE id = 1")  # noqa: S608 - a constant
    loading.load(source.emit())
    assert loading.by_id()[1] == EMPTY | {"id": 1}
    assert loading.deleted() == {1}


@each(DuckDB, PipelineWise)
def test_hard_delete_takes_the_row_away(loading: Loading, tmp_path: Path) -> None:
    """`hard_delete` of targets in PipelineWise's manner deletes what is marked."""
    source = Source(tmp_path, "LOG_BASED")
    source.state = loading.load(source.emit(), hard_delete=True)
    source.execute(*CHANGES)
    loading.load(source.emit(), hard_delete=True)
    assert sorted(loading.by_id()) == [1, 3, 4]


@each(Postgres)
def test_hard_delete_of_the_sdk_is_for_versions_only(loading: Loading, tmp_path: Path) -> None:
    """`hard_delete` of MeltanoLabs' target answers ACTIVATE_VERSION, which our tap does not say; the row is marked."""
    source = Source(tmp_path, "LOG_BASED")
    source.state = loading.load(source.emit(), hard_delete=True)
    source.execute(*CHANGES)
    loading.load(source.emit(), hard_delete=True)
    assert loading.deleted() == {2}


@each(Csv)
def test_a_csv_without_metadata_hides_removals(loading: Loading, tmp_path: Path) -> None:
    """Its default drops `_sdc_deleted_at`: a removal looks like a row whose columns are empty."""
    source = Source(tmp_path, "LOG_BASED")
    source.state = loading.load(source.emit(), add_record_metadata=False)
    source.execute(*CHANGES)
    loading.load(source.emit(), add_record_metadata=False)
    assert set(loading.rows()[-1]) == set(FIRST)
    assert {name for name, value in loading.rows()[-1].items() if value} == {"id"}


@each(Csv)
def test_a_csv_is_begun_anew_by_default(loading: Loading, tmp_path: Path) -> None:
    """It replaces the file in every run, whatever `overwrite_behavior` says: only the last changes are left."""
    source = Source(tmp_path, "LOG_BASED")
    settings = {"file_naming_scheme": "{stream_name}.csv", "overwrite_behavior": "append_records"}
    source.state = loading.load(source.emit(), **settings)
    source.execute(*CHANGES)
    loading.load(source.emit(), **settings)
    assert sorted(loading.by_id()) == [1, 2, 4]


def test_target_duckdb_loses_a_row_with_a_newer_duckdb(shelf: Shelf, tmp_path: Path) -> None:
    """From DuckDB 1.3 on the first row of a batch may be taken for a header; with 1.2 all arrive, see above."""
    loading = DuckDB(shelf.take(DuckDB.package, tmp_path, "duckdb==1.4.5"), tmp_path, "")
    loading.load(Source(tmp_path, "FULL_TABLE").emit())
    assert sorted(loading.by_id()) == [2, 3]
