"""A PostgreSQL server for the kill tests of the tap, and the places where a baseline can be."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import psycopg
import pytest

from kill.diff_world import CopiedWorld, DuckDBWorld, PostgreSQLWorld, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a PostgreSQL server that runs for this session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pgserver")  # it has no wheels for the newest Pythons
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> str:
    """The URI of an empty database."""
    name = f"test_{abs(hash(request.node.nodeid)):x}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    return postgres_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["duckdb", "postgresql", "copied"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Each place of a baseline in turn."""
    if request.param == "duckdb":
        return DuckDBWorld(tmp_path)
    kind = PostgreSQLWorld if request.param == "postgresql" else CopiedWorld
    return kind(tmp_path, request.getfixturevalue("postgres_url"))
