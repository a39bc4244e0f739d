"""A DuckDB file, a PostgreSQL database, and the tap's command line in this process."""

from __future__ import annotations

import io
import itertools
import json
import logging
import signal
import sys
import warnings
import zlib
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
from warehouses import account as snowflake
from warehouses.cluster import Cluster
from warehouses.environments import Command, environment
from warehouses.runs import Run

from tap_warehouse_model.tap import TapWarehouseModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


RunTap = "Callable[..., Run]"


@pytest.fixture
def run_tap(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Run the command line as the installed script would, but in this process (40 ms instead of 700)."""
    counter = itertools.count()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hook = sys.excepthook

    def run(config: dict[str, Any], *arguments: str, **documents: Any) -> Run:
        paths = []
        for name, document in {"config": config, **documents}.items():
            path = tmp_path / f"{name}-{next(counter)}.json"
            path.write_text(json.dumps(document), encoding="utf-8")
            paths += [f"--{name}", str(path)]
        return invoke([*paths, *arguments])

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    sys.excepthook = hook
    logging.captureWarnings(capture=False)


def invoke(arguments: list[str]) -> Run:
    """Run the command line with standard output and error captured."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    code: Any = 0
    handlers = list(logging.getLogger().handlers)
    with warnings.catch_warnings(), redirect_stdout(out), redirect_stderr(err):
        try:
            TapWarehouseModel.cli(arguments)
        except SystemExit as stop:
            code = stop.code
        finally:
            logging.getLogger().handlers[:] = handlers  # the SDK adds one per run, and never takes it away
    texts = []
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
        texts.append(stream.read())
    return Run(int(code or 0), *texts)


class Database:
    """A database to fill, and the configuration that reads it."""

    name: str
    url: str

    def execute(self, *statements: str, rows: list[tuple[Any, ...]] | None = None) -> None:
        """Run statements; the last one once per row of parameters, if there are any."""
        raise NotImplementedError

    def config(self, *models: dict[str, Any], **settings: Any) -> dict[str, Any]:
        """Return a configuration with these models."""
        return {"sqlalchemy_url": self.url, "models": list(models), **settings}


class DuckDBFile(Database):
    """An embedded database."""

    name = "duckdb"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"duckdb:///{path}"
        self.execute("SELECT 1")

    def execute(self, *statements: str, rows: list[tuple[Any, ...]] | None = None) -> None:
        """Open for writing, run, close: the tap opens the same file read-only."""
        with duckdb.connect(str(self.path)) as connection:
            for statement in statements[: None if rows is None else -1]:
                connection.execute(statement)
            if rows:
                connection.executemany(statements[-1].replace("%s", "?"), rows)


class PostgreSQLDatabase(Database):
    """A database of a local server."""

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url

    def execute(self, *statements: str, rows: list[tuple[Any, ...]] | None = None) -> None:
        """Run and commit."""
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            for statement in statements[: None if rows is None else -1]:
                cursor.execute(statement.encode())
            if rows:
                cursor.executemany(statements[-1].encode(), rows)


@pytest.fixture
def duck(tmp_path: Path) -> DuckDBFile:
    """An empty DuckDB file."""
    return DuckDBFile(tmp_path / "warehouse.duckdb")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a PostgreSQL server that runs for this session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgserver  # noqa: PLC0415 - it warns while it is imported

    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres(postgres_server: str, request: pytest.FixtureRequest) -> PostgreSQLDatabase:
    """An empty database."""
    name = f"test_{abs(hash(request.node.nodeid)):x}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    return PostgreSQLDatabase(postgres_server.replace("/postgres?", f"/{name}?"))


@pytest.fixture(params=["duck", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """Each supported database in turn."""
    chosen: Database = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(scope="session")
def snowflake_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a stand-in for Snowflake that runs for this session."""
    with snowflake.server(tmp_path_factory.mktemp("snowflake")) as port:
        yield port


@pytest.fixture
def account(snowflake_port: int, request: pytest.FixtureRequest) -> snowflake.Account:
    """An empty database of Snowflake."""
    return snowflake.Account(snowflake_port, f"DB_{zlib.crc32(request.node.nodeid.encode()):X}")


@pytest.fixture(params=snowflake.DRIVERS)
def snowflake_command(request: pytest.FixtureRequest, tmp_path: Path) -> Command:
    """The tap's command with each version of Snowflake's driver."""
    return snowflake.command(request.param, tmp_path)


@pytest.fixture
def cluster(postgres: PostgreSQLDatabase) -> Cluster:
    """PostgreSQL in the place of Redshift."""
    return Cluster(postgres.url)


@pytest.fixture
def redshift_command(tmp_path: Path) -> Command:
    """The tap's command with Redshift's driver."""
    return Command(environment("warehouses"), tmp_path)
