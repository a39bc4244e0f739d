"""The hash of a row does not depend on settings of the session, the role, the database or the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

INSTALLED = Path(sys.executable).with_name("tap-warehouse-model")

DUCKDB_TYPES = (
    "CREATE TYPE mood AS ENUM ('a', 'b')",
    """CREATE TABLE m AS SELECT 1 AS id, CAST(12 AS TINYINT) AS tiny, CAST(34 AS SMALLINT) AS small, 56 AS int,
    CAST(78 AS BIGINT) AS big, CAST(9 AS HUGEINT) AS huge, CAST(10 AS UBIGINT) AS ubig,
    CAST(1.1 AS DECIMAL(9,0)) AS whole,
    CAST(1.10 AS DECIMAL(9,2)) AS dec, CAST(0.1 AS FLOAT) AS flt, CAST(1 AS DOUBLE) / 3 AS dbl, true AS flag,
    'ä|~' AS txt, CAST('b' AS mood) AS mood, DATE '2024-02-29' AS day, TIMESTAMP '2024-01-02 03:04:05.678' AS ts,
    CAST('2024-01-02 03:04:05' AS TIMESTAMP_S) AS ts_s, CAST('2024-01-02 03:04:05.123456789' AS TIMESTAMP_NS) AS ts_ns,
    TIMESTAMPTZ '2024-01-02 03:04:05+02' AS tz, TIME '12:34:56' AS tm, CAST('12:00:00+02' AS TIMETZ) AS tmtz,
    INTERVAL 1 MONTH AS iv, CAST('b7c1d4e0-0000-4000-8000-00000000000a' AS UUID) AS uid,
    CAST('{"b": 1.50}' AS JSON) AS js, [TIMESTAMPTZ '2024-01-02 03:04:05+02'] AS tzs,
    {'at': TIMESTAMPTZ '2024-07-02 03:04:05+02', 'f': CAST(0.1 AS FLOAT)} AS rec, MAP {'a': DATE '2024-01-02'} AS mp,
    CAST('\\x00\\xFF' AS BLOB) AS raw, union_value(num := 2) AS un, CAST('101' AS BIT) AS bits""",
)
POSTGRESQL_TYPES = (
    "CREATE TYPE mood AS ENUM ('a', 'b')",
    "CREATE DOMAIN price AS numeric(12,2)",
    "CREATE TYPE pair AS (at timestamptz, raw bytea, f real)",
    """CREATE TABLE m AS SELECT 1 AS id, CAST(34 AS smallint) AS small, CAST(78 AS bigint) AS big,
    CAST(26 AS oid) AS oid,
    CAST(1.1 AS numeric(9,0)) AS whole, 1.1000 AS dec, CAST(7.25 AS price) AS price, CAST(0.1 AS real) AS flt,
    CAST(1 AS double precision) / 3 AS dbl, true AS flag, CAST('ä|~' AS text) AS txt, CAST('x' AS varchar(9)) AS vc,
    CAST('ab' AS char(5)) AS ch, CAST('b' AS mood) AS mood, DATE '2024-02-03' AS day,
    TIMESTAMP '2024-02-03 03:04:05.678' AS ts, TIMESTAMPTZ '2024-02-03 03:04:05+02' AS tz, TIME '12:34:56' AS tm,
    CAST('12:00:00+02' AS timetz) AS tmtz, INTERVAL '1 month 2 days 03:04' AS iv,
    CAST('b7c1d4e0-0000-4000-8000-00000000000a' AS uuid) AS uid, CAST('{"b": 1.50}' AS json) AS js,
    CAST('{"z": 1, "a": 1.50}' AS jsonb) AS jb, ARRAY[TIMESTAMPTZ '2024-02-03 03:04:05+02'] AS tzs,
    ARRAY[DATE '2024-02-03'] AS days, ARRAY[CAST(1 AS double precision) / 3] AS dbls,
    ARRAY[decode('00ff5c', 'hex')] AS raws,
    ARRAY[INTERVAL '1 month 2 days'] AS ivs,
    CAST(ROW('2024-02-03 03:04:05+02', decode('00ff5c', 'hex'), 0.1) AS pair) AS rec,
    decode('00ff5c', 'hex') AS raw, tstzrange('2024-02-03 03:04:05+02', NULL) AS rng,
    CAST('10.0.0.1/8' AS inet) AS inet,
    CAST(1.50 AS money) AS mon, B'101' AS bits""",
)
SETTINGS = {
    "timezone": ("'Asia/Tokyo'", "'America/St_Johns'"),
    "datestyle": ("'SQL, DMY'", "'German, MDY'"),
    "intervalstyle": ("'iso_8601'", "'sql_standard'"),
    "extra_float_digits": ("0", "3"),
    "bytea_output": ("'escape'", "'hex'"),
    "lc_numeric": ("'C.utf8'", "'C'"),
    "lc_monetary": ("'C.utf8'", "'C'"),
    "lc_time": ("'C.utf8'", "'C'"),
    "standard_conforming_strings": ("off", "on"),
    "default_transaction_isolation": ("'serializable'", "'repeatable read'"),
}
ENVIRONMENTS = (
    {"TZ": "Asia/Tokyo", "LANG": "C", "LC_ALL": "C"},
    {"TZ": "America/St_Johns", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PGTZ": "Asia/Kolkata", "PGDATESTYLE": "SQL"},
)


def run(folder: Path, config: dict[str, Any], environment: dict[str, str]) -> list[dict[str, Any]]:
    """Run the installed command with the STATE of the last run; return its records."""
    model = {"name": "m", "table": "m", "key_properties": ["id"], "replication_method": "LOG_BASED"}
    (folder / "config.json").write_text(json.dumps({**config, "sync_id": "crm", "models": [model]}), encoding="utf-8")
    command = [INSTALLED, "--config", folder / "config.json"]
    state = folder / "state.json"
    if state.exists():
        command += ["--state", state]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **environment}, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    state.write_text(json.dumps([m["value"] for m in messages if m["type"] == "STATE"][-1]), encoding="utf-8")
    return [message["record"] for message in messages if message["type"] == "RECORD"]


def test_on_duckdb_nothing_is_sent_again(duck: Database, tmp_path: Path) -> None:
    """Whatever the time zone and the locale of the process, a row of every type has the same hash."""
    duck.execute(*DUCKDB_TYPES)
    sent = [run(tmp_path, {"sqlalchemy_url": duck.url}, environment) for environment in ENVIRONMENTS]
    assert [len(records) for records in sent] == [1, 0]


@pytest.fixture
def role(postgres: Database, request: pytest.FixtureRequest) -> Iterator[str]:
    """A role that may create its tables; return its URL."""
    name = f"role_{abs(hash(request.node.nodeid)):x}"
    postgres.execute(f"CREATE ROLE {name} LOGIN", f"GRANT CREATE ON DATABASE {database_of(postgres)} TO {name}")
    yield postgres.url.replace("//postgres:", f"//{name}:")
    postgres.execute(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def database_of(postgres: Database) -> str:
    """Return the name of a database."""
    with psycopg.connect(postgres.url) as connection:
        return connection.info.dbname


@pytest.mark.parametrize("is_copied", [False, True], ids=["postgres", "copied"])
def test_on_postgresql_nothing_is_sent_again(postgres: Database, role: str, tmp_path: Path, *, is_copied: bool) -> None:
    """Whatever role, database and process set, a row of every type has the same hash."""
    name = role.partition("//")[2].partition(":")[0]
    postgres.execute(*POSTGRESQL_TYPES, f"GRANT SELECT ON m TO {name}")
    config = {"sqlalchemy_url": role}
    if is_copied:
        config["state_url"] = f"duckdb:///{tmp_path}/state.duckdb"
    sent = []
    for place, at, environment in zip(
        (f"DATABASE {database_of(postgres)}", f"ROLE {name}"), (0, 1), ENVIRONMENTS, strict=True
    ):
        postgres.execute(*(f"ALTER {place} SET {setting} = {values[at]}" for setting, values in SETTINGS.items()))
        sent.append(run(tmp_path, config, environment))
    assert [len(records) for records in sent] == [1, 0]
