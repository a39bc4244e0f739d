"""Ledgers of earlier releases become ledgers of this one, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from core.old_ledgers import ROWS, make_version_1, present, rows_of, shape

from reverse_etl_core.errors import ConfigError, LedgerError
from reverse_etl_core.ledger import Job, Ledger, Scope, Status
from reverse_etl_core.ledger.tables import SCHEMA_VERSION, metadata
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

SCOPE = Scope("sync", "account-1", "people", "people")


@pytest.fixture
def old(url: str) -> str:
    """A ledger of the first release."""
    make_version_1(url)
    return url


def statement(url: str, text: str) -> None:
    """Run SQL beside the ledger."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(text)
    engine.dispose()


def version(url: str) -> dict[str, str]:
    """What the ledger says of itself."""
    return {row["name"]: row["value"] for row in rows_of(url, "ledger_info")}


def test_an_old_ledger_keeps_its_rows(old: str) -> None:
    """Nothing that the first release wrote is changed, and the version is noted."""
    Ledger(Secret(old), now=lambda: ROWS["outcomes"][0]["at"] / 1000).close()
    for table, rows in ROWS.items():
        if table != "ledger_info":
            assert rows_of(old, table) == [present(row) for row in rows], table
    assert version(old)["schema_version"] == str(SCHEMA_VERSION)
    assert version(old)[f"version_{SCHEMA_VERSION}_since"].isdigit()


def test_an_upgraded_ledger_is_like_a_new_one(old: str, opened: Callable[[], Ledger], tmp_path: Path) -> None:
    """The same tables, columns, indexes and keys."""
    opened().close()
    upgraded = shape(old)
    engine = sa.create_engine(old)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        fresh = old
    else:
        fresh = f"sqlite:///{tmp_path}/fresh.db"
    engine.dispose()
    Ledger(Secret(fresh)).close()
    assert shape(fresh) == upgraded
    assert set(upgraded) == set(metadata.tables)


def test_an_upgraded_ledger_goes_on(old: str, opened: Callable[[], Ledger]) -> None:
    """Deliveries, what is under way, rejects and jobs are found by the next run."""
    assert old
    stream = opened().open_stream(SCOPE, keeps_deliveries=True)
    known = stream.lookup([f'["K{n}"]' for n in range(1, 7)])
    assert [one.status for _, one in sorted(known.items())] == [
        *[Status.DELIVERED] * 3,
        Status.REJECTED,
        *[Status.PENDING] * 2,
    ]
    assert stream.owners(["k1", "k4"]) == {"k1": '["K1"]'}
    assert stream.unfinished_jobs() == [Job("job-1", "create", "key")]
    assert stream.count_leaving() == 0
    stream.spool(['["K1"]'], 1)
    assert [one.source_key for page in stream.leaving() for one in page] == ['["K1"]']


def test_a_second_opening_changes_nothing(old: str, opened: Callable[[], Ledger]) -> None:
    """The upgrade is done once."""
    opened().close()
    before = (version(old), shape(old))
    opened().close()
    assert (version(old), shape(old)) == before


def test_workers_may_upgrade_at_once(old: str, opened: Callable[[], Ledger]) -> None:
    """All of them wait for the one that does it."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        try:
            opened()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert version(old)["schema_version"] == str(SCHEMA_VERSION)
    assert len(version(old)) == 2


def test_an_upgrade_that_fails_leaves_the_old_ledger(old: str, opened: Callable[[], Ledger]) -> None:
    """All or nothing: the older release can still use it."""
    statement(old, "CREATE INDEX deliveries_at ON runs (target)")
    before = shape(old)
    with pytest.raises(LedgerError):
        opened()
    assert shape(old) == before
    assert version(old) == {"schema_version": "1"}
    statement(old, "DROP INDEX deliveries_at")
    opened().close()
    assert version(old)["schema_version"] == str(SCHEMA_VERSION)


@pytest.mark.parametrize("value", ["0", "-1", "two", ""])
def test_a_damaged_version_is_told(url: str, opened: Callable[[], Ledger], value: str) -> None:
    """Nobody guesses what it is."""
    opened().close()
    statement(url, f"UPDATE ledger_info SET value = '{value}' WHERE name = 'schema_version'")  # noqa: S608
    with pytest.raises(LedgerError, match="is no version"):
        opened()


def test_a_ledger_whose_making_was_killed_is_completed(url: str, opened: Callable[[], Ledger]) -> None:
    """The first release noted its version after it had made the tables."""
    make_version_1(url)
    statement(url, "DELETE FROM ledger_info")
    opened().close()
    assert version(url)["schema_version"] == str(SCHEMA_VERSION)
    assert len(rows_of(url, "deliveries")) == 6


def test_the_table_of_another_program_is_left_alone(url: str, opened: Callable[[], Ledger]) -> None:
    """Meltano's database has a table `runs`, too: the message says so, and nothing is changed."""
    statement(url, "CREATE TABLE runs (id INTEGER PRIMARY KEY, job_name TEXT, run_id TEXT, started_at TIMESTAMP)")
    before = shape(url)
    with pytest.raises(ConfigError, match=r"table 'runs' that is not the ledger's.*of its own"):
        opened()
    assert shape(url) == before


def test_what_the_first_release_had_is_still_there(tmp_path: Path) -> None:
    """The promise: a release only adds, and what it adds to a table may be null, so that readers and writers go on."""
    first = f"sqlite:///{tmp_path}/first.db"
    make_version_1(first)
    old_shape = shape(first)
    for table, (columns, _, key) in old_shape.items():
        names = {name for name, _, _ in columns}
        present_columns = metadata.tables[table].columns
        assert names <= set(present_columns.keys())
        assert key == tuple(metadata.tables[table].primary_key.columns.keys())
        assert all(one.nullable for one in present_columns if one.name not in names)


def test_a_target_upgrades_the_ledger_that_it_finds(tmp_path: Path) -> None:
    """Through the front door: what was under way is settled, what was delivered is recognised by its id."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    make_version_1(url)
    config = {
        "ledger_url": url,
        "sync_id": "sync",
        "report_dir": str(tmp_path / "reports"),
        "journal": str(tmp_path / "journal"),
        "reconcile_grace_seconds": 0,
        "streams": {"people": {"match_on": "key", "fields": {"key": "key", "name": "name"}}},
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    properties: dict[str, Any] = {"key": {}, "name": {}}
    schema = {"type": "SCHEMA", "stream": "people", "schema": {"properties": properties}, "key_properties": ["key"]}
    done = subprocess.run(
        [sys.executable, "-m", "core.fake_target", "--config", str(tmp_path / "config.json")],
        input=json.dumps(schema) + "\n",
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert version(url)["schema_version"] == str(SCHEMA_VERSION)
    statuses = {row["source_key"]: row["status"] for row in rows_of(url, "deliveries")}
    assert statuses == {f'["K{n}"]': "delivered" for n in (1, 2, 3, 4, 5, 6)}


def test_a_ledger_may_live_in_a_schema_of_its_own(postgres: str) -> None:
    """`search_path` in the URL says in which: beside the warehouse's own tables, and upgraded there."""
    engine = sa.create_engine(postgres)
    with engine.begin() as connection:
        for schema in ("ledger_of_crm", "ledger_of_mail"):
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    make_version_1(f"{postgres}&options=-csearch_path%3Dledger_of_crm")
    for schema, rows in (("ledger_of_crm", 6), ("ledger_of_mail", 0)):
        Ledger(Secret(f"{postgres}&options=-csearch_path%3D{schema}")).close()
        with engine.begin() as connection:
            found = connection.exec_driver_sql(f"SELECT count(*) FROM {schema}.deliveries").scalar()  # noqa: S608
            assert found == rows
            assert not sa.inspect(connection).has_table("deliveries", schema="public")
    engine.dispose()
