"""Environments of plugins, a PostgreSQL server, and the simulators."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import psycopg
import pytest

from .accounts import Accounts
from .plugins import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Plugins from PyPI, installed when they are first asked for."""
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a PostgreSQL server that runs for this session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgserver  # noqa: PLC0415 - it warns while it is imported

    server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """The folder of the server's socket; its database has a schema `matrix` without tables."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS matrix CASCADE")
        connection.execute("CREATE SCHEMA matrix")
    return postgres_server.partition("host=")[2]


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    """A simulated account of each vendor."""
    with Accounts.open() as opened:
        yield opened
