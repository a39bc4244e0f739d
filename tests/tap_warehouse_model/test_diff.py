"""LOG_BASED through the front door: what is emitted after which change, wherever the tables are kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tap_sync import Sync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(params=["duckdb", "postgres", "copied"])
def sync(request: pytest.FixtureRequest, run_tap: Callable[..., Any], tmp_path: Path) -> Sync:
    """A model of five rows, its tables beside DuckDB, in PostgreSQL, and copied out of PostgreSQL."""
    database = request.getfixturevalue("duck" if request.param == "duckdb" else "postgres")
    settings: dict[str, Any] = {"sync_id": "crm"}
    if request.param != "postgres":
        settings["state_url"] = f"duckdb:///{tmp_path}/state.duckdb"
    database.execute(
        "CREATE TABLE m (id integer, name text, plan text)",
        "INSERT INTO m SELECT i, 'name ' || i, 'free' FROM generate_series(1, 5) AS t(i)",
    )
    return Sync(database, run_tap, settings)


def test_only_what_changed_is_sent(sync: Sync) -> None:
    """A first run sends all rows, the next one the differences, one without any nothing."""
    assert sync.changes() == ([1, 2, 3, 4, 5], [])
    assert sync.changes() == ([], [])
    sync.database.execute(
        "UPDATE m SET plan = 'pro' WHERE id = 2",
        "DELETE FROM m WHERE id IN (3, 4)",
        "INSERT INTO m VALUES (6, 'x', 'y')",
    )
    assert sync.changes() == ([2, 6], [3, 4])
    assert sync.changes() == ([], [])
    assert sorted(sync.rows) == [(1,), (2,), (5,), (6,)]
    assert sync.rows[2,] == {"id": 2, "name": "name 2", "plan": "pro"}


def test_removals_come_last(sync: Sync) -> None:
    """A row that got another key must not be removed before it is there again."""
    sync.run()
    sync.database.execute("UPDATE m SET id = id + 10 WHERE id < 4")
    records = sync.run().records()
    assert ["_sdc_deleted_at" in record for record in records] == [False, False, False, True, True, True]


def test_the_schema_announces_removals(sync: Sync) -> None:
    """`_sdc_deleted_at` is a date-time that may be null, so that any target can validate the records."""
    schema = sync.run().schema
    assert schema["properties"]["_sdc_deleted_at"] == {"type": ["string", "null"], "format": "date-time"}


def test_what_was_not_confirmed_is_sent_again(sync: Sync) -> None:
    """The whole plan when no STATE came back, what follows its number when one did."""
    sync.run()
    sync.database.execute("UPDATE m SET plan = 'pro'")
    before = sync.state
    sync.run(confirm=False)
    assert sync.changes() == ([1, 2, 3, 4, 5], [])
    sync.database.execute("UPDATE m SET plan = 'free'")
    sync.run()
    sent, removed = sync.changes(state=sync.at(2))
    assert (len(sent), removed) == (3, [])
    assert before is not None


def test_a_value_that_went_back_is_sent_again(sync: Sync) -> None:
    """A -> B -> A: B may have been delivered, so A must be (without tainting this is lost)."""
    sync.run()
    sync.database.execute("UPDATE m SET plan = 'pro' WHERE id = 1")
    sync.run(confirm=False)
    assert sync.rows[1,]["plan"] == "pro"
    sync.database.execute("UPDATE m SET plan = 'free' WHERE id = 1")
    assert sync.changes() == ([1], [])


def test_a_row_that_came_and_went_is_removed(sync: Sync) -> None:
    """Added and emitted, not confirmed, gone in the next run: it may be at the destination."""
    sync.run()
    sync.database.execute("INSERT INTO m VALUES (6, 'x', 'y')")
    sync.run(confirm=False)
    sync.database.execute("DELETE FROM m WHERE id = 6")
    assert sync.changes() == ([], [6])


def test_a_removed_row_that_came_back_is_sent(sync: Sync) -> None:
    """Removed and emitted, not confirmed, back with the same values: it may be gone at the destination."""
    sync.run()
    sync.database.execute("DELETE FROM m WHERE id = 5")
    sync.run(confirm=False)
    sync.database.execute("INSERT INTO m VALUES (5, 'name 5', 'free')")
    assert sync.changes() == ([5], [])


def test_a_full_refresh_sends_all_and_forgets_no_removal(sync: Sync) -> None:
    """Without STATE everything is sent again, and what vanished since is removed."""
    sync.run()
    sync.database.execute("DELETE FROM m WHERE id = 5")
    assert sync.changes(state={}) == ([1, 2, 3, 4], [5])
    assert sync.changes() == ([], [])


def test_a_full_refresh_that_was_not_confirmed_leaves_the_old_state_valid(sync: Sync) -> None:
    """`meltano config test` starts a run without STATE and kills it: only what it emitted is sent again."""
    sync.run()
    sync.run(state={}, confirm=False)
    assert sync.changes() == ([1, 2, 3, 4, 5], [])
    assert sync.changes() == ([], [])


def test_a_full_refresh_goes_on_where_it_was_cut_off(sync: Sync) -> None:
    """Half confirmed, the other half still comes, once."""
    sync.run()
    sync.run(state={})
    sent, _ = sync.changes(state=sync.at(2))
    assert len(sent) == 3
    assert sync.changes() == ([], [])


@pytest.mark.parametrize("change", [{"mapping_version": 2}, {"table": None, "sql": "SELECT id, name FROM m"}])
def test_another_mapping_or_column_list_sends_all_again(sync: Sync, change: dict[str, Any]) -> None:
    """Raised `mapping_version` or other columns: all rows once, removals included."""
    sync.run()
    sync.database.execute("DELETE FROM m WHERE id = 1")
    sync.model = {key: value for key, value in {**sync.model, **change}.items() if value is not None}
    assert sync.changes() == ([2, 3, 4, 5], [1])
    assert sync.changes() == ([], [])


def test_two_destinations_have_two_baselines(sync: Sync) -> None:
    """Another `sync_id`, another snapshot: neither sees what the other one confirmed."""
    other = Sync(sync.database, sync.run_tap, {**sync.settings, "sync_id": "mail"})
    assert sync.changes() == ([1, 2, 3, 4, 5], [])
    assert other.changes() == ([1, 2, 3, 4, 5], [])
    sync.database.execute("UPDATE m SET plan = 'pro' WHERE id = 1")
    assert sync.changes() == ([1], [])
    assert other.changes() == ([1], [])


def test_the_state_of_another_sync_is_refused(sync: Sync) -> None:
    """Two targets that share STATE or a `sync_id` would each lose what the other one confirmed."""
    other = Sync(sync.database, sync.run_tap, {**sync.settings, "sync_id": "mail"})
    sync.run()
    other.run()
    run = sync.run(state=other.state)
    assert run.exit_code == 78
    assert "it belongs to the sync 'mail', but 'sync_id' is 'crm'" in run.stderr
    second = Sync(sync.database, sync.run_tap, sync.settings)  # the same sync_id, another STATE
    second.run()
    second.run()  # its token came back: the baseline is its own now
    run = sync.run()
    assert run.exit_code == 78
    assert "another run with the same 'sync_id' ('crm') has taken over the baseline" in run.stderr
    assert "--full-refresh" in run.stderr


def test_state_without_tables_is_refused(sync: Sync) -> None:
    """When the tables are lost or looked for elsewhere, removals since then cannot be known: a person must decide."""
    sync.run()
    run = sync.run(state_schema="elsewhere")
    assert run.exit_code == 78
    assert "'crm' is not known in" in run.stderr


@pytest.mark.parametrize("damage", [{"seq": "1"}, {"seq": 9}, {"plan": None}, {"token": 1}])
def test_damaged_state_is_refused(sync: Sync, damage: dict[str, Any]) -> None:
    """What this tap cannot have written is not guessed at."""
    sync.run()
    run = sync.run(state={"bookmarks": {"m": {**sync.bookmark, **damage}}})
    assert run.exit_code == 78
    assert "STATE is damaged" in run.stderr


def test_a_state_of_long_ago_loses_nothing(sync: Sync) -> None:
    """Restored from a backup: its plan is gone, and what was emitted since is sent again."""
    sync.run()
    old = sync.state
    sync.database.execute("UPDATE m SET plan = 'pro' WHERE id = 1")
    sync.run()
    sync.database.execute("UPDATE m SET plan = 'team' WHERE id = 2")
    sync.run()
    sent, removed = sync.changes(state=old)
    assert (sent, removed) == ([2], [])
    assert sync.changes() == ([], [])


def test_no_table_is_left_but_snapshot_and_last_plan(sync: Sync) -> None:
    """Old generations are dropped, also after a run that was refused."""
    sync.run()
    sync.database.execute("INSERT INTO m VALUES (5, 'twice', 'x')")
    assert sync.run().exit_code == 65
    sync.database.execute("DELETE FROM m WHERE name = 'twice'")
    for plan in ("a", "b", "c"):
        sync.database.execute(f"UPDATE m SET plan = '{plan}'")  # noqa: S608
        sync.run()
    assert sorted(name.partition("_")[0] for name in tables(sync)) == ["plan", "snapshot", "syncs"]


def tables(sync: Sync) -> list[str]:
    """Return the tables of the diff."""
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'reverse_etl'"
    if "state_url" in sync.settings:
        import duckdb  # noqa: PLC0415

        with duckdb.connect(sync.settings["state_url"].removeprefix("duckdb:///")) as connection:
            return [row[0] for row in connection.execute(query).fetchall()]
    import psycopg  # noqa: PLC0415

    with psycopg.connect(sync.database.url) as connection:
        return [row[0] for row in connection.execute(query).fetchall()]


@pytest.mark.parametrize(
    ("statement", "parts"),
    [
        ("INSERT INTO m VALUES (4, 'a', 'b'), (5, 'secret', 'b')", ["2 keys occur more than once, in 4 rows"]),
        ("INSERT INTO m VALUES (9, 'a', 'b'), (9, 'a', 'b')", ["1 keys occur more than once, in 2 rows"]),
        ("INSERT INTO m VALUES (NULL, 'secret', 'b')", ["1 rows have no value in 'id'"]),
    ],
)
def test_keys_that_do_not_identify_rows_are_refused(sync: Sync, statement: str, parts: list[str]) -> None:
    """In a first run and in later ones, whether the rows are new or not: counts and names, never values."""
    for is_first in (True, False):
        sync.database.execute("DELETE FROM m", "INSERT INTO m SELECT i, 'n', 'free' FROM generate_series(1, 5) AS t(i)")
        if not is_first:
            sync.run()
        sync.database.execute(statement)
        run = sync.run(max_removed_percent=100)
        assert run.exit_code == 65
        assert run.of_type("RECORD") == []
        assert "its key (id) does not identify rows" in run.stderr
        assert "on_duplicate_key: reject" in run.stderr
        assert "secret" not in run.stderr
        for part in parts:
            assert part in run.stderr


def test_one_row_of_each_key_is_kept_on_request(sync: Sync) -> None:
    """`on_duplicate_key: reject`: the same row in every run; the others are counted."""
    sync.database.execute("INSERT INTO m VALUES (1, 'other', 'x'), (1, 'third', 'x'), (NULL, 'a', 'b')")
    settings = {"on_duplicate_key": "reject"}
    assert sync.changes(**settings) == ([1, 2, 3, 4, 5], [])
    for _ in range(2):
        run = sync.run(**settings)
        assert run.records() == []
        assert "3 rows are left out" in run.stderr
    sync.model["on_duplicate_key"] = "reject"
    assert sync.changes() == ([], [])


def test_a_model_of_nothing_but_its_key(sync: Sync) -> None:
    """Additions and removals are all that can happen."""
    sync.model = {**sync.model, "sql": "SELECT id FROM m"}
    del sync.model["table"]
    assert sync.changes() == ([1, 2, 3, 4, 5], [])
    sync.database.execute("UPDATE m SET name = 'x'", "DELETE FROM m WHERE id = 1")
    assert sync.changes() == ([], [1])


def test_composite_keys(sync: Sync) -> None:
    """Each part counts, whatever its type."""
    sync.model = {**sync.model, "key_properties": ["plan", "id"]}
    assert len(sync.changes()[0]) == 5
    sync.database.execute("UPDATE m SET plan = 'pro' WHERE id = 1", "UPDATE m SET name = 'x' WHERE id = 2")
    assert sync.changes() == ([("free", 2), ("pro", 1)], [("free", 1)])
    assert sync.changes() == ([], [])


def test_odd_and_reserved_names(sync: Sync) -> None:
    """Quotes, percent signs, colons, reserved words, upper case: names are quoted everywhere."""
    odd = ["select", 'a"b', "per%cent", "co:lon", "Group", "späße ✓", "_diff"]
    columns = ", ".join("id AS " + quoted(name) for name in odd)
    sql = f"SELECT {columns}, '100%' AS note, ':x' AS y FROM m -- :x"  # noqa: S608
    sync.model = {**sync.model, "sql": sql, "key_properties": odd[:3]}
    del sync.model["table"]
    sync.settings["state_schema"] = 'Odd "schema" %'
    assert len(sync.changes()[0]) == 5
    assert sync.rows[1, 1, 1] == {**dict.fromkeys(odd, 1), "note": "100%", "y": ":x"}
    sync.database.execute("DELETE FROM m WHERE id = 1")
    assert sync.changes() == ([], [(1, 1, 1)])
    assert sync.changes() == ([], [])


def quoted(name: str) -> str:
    """Return an identifier."""
    return '"' + name.replace('"', '""') + '"'


def test_wide_rows(sync: Sync) -> None:
    """Three hundred columns: more than a function of PostgreSQL takes arguments."""
    columns = ", ".join(f"plan || {n} AS c{n}" for n in range(300))
    sync.model = {**sync.model, "sql": f"SELECT id, {columns} FROM m"}  # noqa: S608
    del sync.model["table"]
    assert len(sync.changes()[0]) == 5
    sync.database.execute("UPDATE m SET plan = 'pro' WHERE id = 1")
    assert sync.changes() == ([1], [])


def test_parameters_are_bound(sync: Sync) -> None:
    """`params` work as in the other methods, dates, lists and colons included."""
    sync.model = {
        **sync.model,
        "sql": (
            "SELECT id, name, CAST(:since AS date) AS since, '12:30'::text AS t FROM m"
            " WHERE id >= :low AND id = ANY(:ids)"
        ),
        "params": {"low": 2, "ids": [1, 2, 3], "since": "2024-01-02"},
    }
    del sync.model["table"]
    assert sync.changes() == ([2, 3], [])
    assert sync.rows[2,] == {"id": 2, "name": "name 2", "since": "2024-01-02", "t": "12:30"}
    assert sync.changes() == ([], [])


def test_a_schema_qualified_table(sync: Sync) -> None:
    """And one whose name is odd."""
    sync.database.execute('CREATE SCHEMA "Odd.schema"', 'CREATE TABLE "Odd.schema"."Ta%ble" AS SELECT * FROM m')
    sync.model = {**sync.model, "table": '"Odd.schema"."Ta%ble"'}
    assert sync.changes() == ([1, 2, 3, 4, 5], [])


def test_every_type_keeps_its_written_form(sync: Sync) -> None:
    """A record of the diff is that of a full run, and a second run finds nothing to send."""
    sync.model["sql"] = (
        "SELECT id, CAST(1.10 AS decimal(9,2)) AS d, CAST(0.1 AS real) AS f, CAST('NaN' AS double precision) AS n,"
        " DATE '2024-02-29' AS day, TIMESTAMP '2024-01-02 03:04:05.678' AS t,"
        " TIMESTAMPTZ '2024-01-02 03:04:05+02' AS z,"
        " true AS b, CAST('{\"a\": [1, null]}' AS json) AS j, CAST(NULL AS text) AS x, '' AS e,"
        " CAST('6f2c1c2e-0000-4000-8000-000000000001' AS uuid) AS u FROM m"
    )
    del sync.model["table"]
    full = {**sync.model, "replication_method": "FULL_TABLE"}
    expected = sync.run_tap(sync.database.config(full)).records()
    run = sync.run()
    assert sorted(run.records(), key=lambda r: r["id"]) == sorted(expected, key=lambda r: r["id"])
    assert "n (5)" in run.stderr
    assert sync.changes() == ([], [])


def test_stream_maps_see_changes(sync: Sync) -> None:
    """Records go through the SDK one by one then, removals too."""
    settings = {"stream_maps": {"m": {"name": "record['name'].upper()"}}}
    sync.run(**settings)
    assert sync.rows[1,]["name"] == "NAME 1"


def test_only_selected_columns_are_compared(sync: Sync) -> None:
    """What is not selected is not sent, so that its changes do not matter."""
    catalog = json.loads(sync.run_tap(sync.database.config(sync.model, **sync.settings), "--discover").stdout)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if entry["breadcrumb"] == ["properties", "plan"]:
                entry["metadata"]["selected"] = False
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = True
    config = sync.database.config(sync.model, **sync.settings)
    run = sync.run_tap(config, catalog=catalog)
    assert run.records()[0].keys() == {"id", "name"}
    sync.database.execute("UPDATE m SET plan = 'pro'")
    run = sync.run_tap(config, catalog=catalog, state=run.state)
    assert (run.exit_code, run.records()) == (0, [])


def test_a_duckdb_that_is_not_a_file_is_copied(run_tap: Callable[..., Any], tmp_path: Path) -> None:
    """Files that DuckDB reads are a model too; the tables need a place then."""
    (tmp_path / "people.csv").write_text("id,name\n1,Ada\n2,Grace\n", encoding="utf-8")
    model = {"name": "m", "sql": f"FROM '{tmp_path}/people.csv'", "key_properties": ["id"]}
    config = {"sqlalchemy_url": "duckdb:///:memory:", "sync_id": "crm", "models": [model]}
    model["replication_method"] = "LOG_BASED"
    assert "needs 'state_url'" in run_tap(config).errors
    config["state_url"] = f"duckdb:///{tmp_path}/state.duckdb"
    first = run_tap(config)
    assert first.records() == [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Grace"}]
    (tmp_path / "people.csv").write_text("id,name\n1,Ada\n2,Hopper\n", encoding="utf-8")
    assert run_tap(config, state=first.state).records() == [{"id": 2, "name": "Hopper"}]


def test_the_file_of_the_diff_is_beside_the_project(
    duck: Any, run_tap: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `state_url`: named after the sync, readable by its owner alone; the warehouse itself is only read."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    duck.execute("CREATE TABLE m AS SELECT 1 AS id")
    duck.path.chmod(0o444)
    run = Sync(duck, run_tap, {"sync_id": "prod/crm: 1"}).run()
    assert run.exit_code == 0, run.stderr
    (file,) = (tmp_path / ".reverse-etl").iterdir()
    assert file.name == "prod_crm_1.duckdb"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_that_changes_begins_anew(sync: Sync) -> None:
    """What was delivered under another key cannot be compared; the warning says what that means."""
    sync.run()
    sync.model["key_properties"] = ["name"]
    sync.rows.clear()
    run = sync.run()
    assert len(run.records()) == 5
    assert "is another one: now (name " in run.stderr
    assert sync.changes() == ([], [])
    assert len([name for name in tables(sync) if name.startswith("snapshot")]) == 1


@pytest.mark.parametrize("kind", ["decimal(9,2)", "double precision", "json"])
def test_a_key_whose_equal_values_look_different_is_refused(sync: Sync, kind: str) -> None:
    """The remedy is a cast."""
    value = "'1'" if kind == "json" else "1"
    sync.model = {**sync.model, "sql": f"SELECT CAST({value} AS {kind}) AS id FROM m"}  # noqa: S608
    del sync.model["table"]
    run = sync.run()
    assert run.exit_code == 78
    assert "cannot be a key of LOG_BASED" in run.errors
    assert "Cast it to an integer or a text" in run.errors


def test_a_role_without_rights_is_told_what_to_do(postgres: Any, run_tap: Callable[..., Any], tmp_path: Path) -> None:
    """A role that only reads cannot keep tables in the warehouse; with `state_url` it needs not."""
    postgres.execute(
        "CREATE TABLE m AS SELECT i AS id, 'n' || i AS name FROM generate_series(1, 3) AS t(i)",
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN",
        "GRANT SELECT ON m TO reader",
        "ALTER ROLE reader SET default_transaction_read_only = on",
    )
    postgres.url = postgres.url.replace("postgres:@", "reader:@")
    sync = Sync(postgres, run_tap, {"sync_id": "crm"})
    run = sync.run()
    assert run.exit_code == 78, run.stderr
    assert "set 'state_url'" in run.errors
    sync.settings["state_url"] = f"duckdb:///{tmp_path}/state.duckdb"
    assert sync.changes() == ([1, 2, 3], [])


@pytest.mark.parametrize("state", [5, {"bookmarks": []}, {"bookmarks": {"m": None}}, {"bookmarks": {"m": "x"}}])
def test_state_of_another_shape_is_refused(sync: Sync, state: Any) -> None:
    """With a message instead of a traceback of the SDK."""
    run = sync.run_tap(sync.database.config(sync.model, **sync.settings), state=state)
    assert run.exit_code == 78
    assert "STATE is damaged" in run.errors
    assert "Traceback" not in run.stderr


def test_removals_pass_stream_maps(sync: Sync) -> None:
    """Expressions and filters look for columns that a removal does not have; its alias holds."""
    maps = {"m": {"__alias__": "people", "__filter__": "plan == 'free'", "name": "name.upper()"}}
    sync.run(stream_maps=maps)
    sync.database.execute("DELETE FROM m WHERE id = 3")
    run = sync.run(stream_maps=maps)
    assert run.exit_code == 0, run.stderr
    (record,) = run.records("people")
    assert record.keys() == {"id", "_sdc_deleted_at"} or record == {"id": 3}
    refused = sync.run(stream_maps={"m": {"id": "id + 1"}})
    assert refused.exit_code == 78
    assert "'stream_maps' change the key column 'id'" in refused.errors


def test_a_column_that_says_removed_is_refused(sync: Sync) -> None:
    """Tables that a Singer target loaded have it: rows would look like removals."""
    sync.model = {**sync.model, "sql": "SELECT id, name AS _sdc_deleted_at FROM m"}
    del sync.model["table"]
    run = sync.run()
    assert run.exit_code == 78
    assert "the column '_sdc_deleted_at' cannot be used" in run.errors


def test_a_query_with_other_keys_each_time_is_refused(sync: Sync) -> None:
    """What is gone when it is read would never arrive."""
    sync.model = {**sync.model, "sql": "SELECT CAST(random() * 1000000000 AS bigint) AS id, name FROM m"}
    del sync.model["table"]
    run = sync.run()
    assert run.exit_code == 1
    assert "Make it repeatable" in run.errors


def test_a_schema_that_was_granted_is_used(postgres: Any, run_tap: Callable[..., Any]) -> None:
    """A role that may create tables in it need not be able to create schemas."""
    postgres.execute(
        "CREATE TABLE m AS SELECT i AS id FROM generate_series(1, 3) AS t(i)",
        "DROP ROLE IF EXISTS syncer",
        "CREATE ROLE syncer LOGIN",
        "GRANT SELECT ON m TO syncer",
        "CREATE SCHEMA kept",
        "GRANT USAGE, CREATE ON SCHEMA kept TO syncer",
    )
    postgres.url = postgres.url.replace("postgres:@", "syncer:@")
    sync = Sync(postgres, run_tap, {"sync_id": "crm", "state_schema": "kept"})
    assert sync.changes() == ([1, 2, 3], [])


def test_a_path_of_the_diff_that_cannot_be_is_named(duck: Any, run_tap: Callable[..., Any], tmp_path: Path) -> None:
    """A folder, say: the setting to correct is in the message."""
    duck.execute("CREATE TABLE m AS SELECT 1 AS id")
    run = Sync(duck, run_tap, {"sync_id": "crm", "state_url": f"duckdb:///{tmp_path}"}).run()
    assert run.exit_code == 78
    assert "Correct 'state_url'" in run.errors
