"""Discovery, selection, catalog overrides, stream maps, flattening: what the SDK promises for every tap."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SQL = "SELECT 1 AS id, 'x' AS name, 7 AS version"
MODEL = {"name": "m", "sql": SQL, "key_properties": ["id"]}


def discover(run_tap: Callable[..., Any], config: dict[str, Any]) -> dict[str, Any]:
    """Return the discovered catalog."""
    run = run_tap(config, "--discover")
    assert run.exit_code == 0, run.stderr
    catalog: dict[str, Any] = json.loads(run.stdout)
    return catalog


def set_metadata(catalog: dict[str, Any], *breadcrumb: str, **changes: Any) -> dict[str, Any]:
    """Change metadata of the only stream, as Meltano's `select` and `metadata` do."""
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"] == list(breadcrumb):
            entry["metadata"].update({key.replace("_", "-"): value for key, value in changes.items()})
    return catalog


def test_discovery_describes_without_reading(database: Any, run_tap: Callable[..., Any]) -> None:
    """The catalog lists every model with types, keys and method; a query that would fail on its rows is fine."""
    database.execute("CREATE TABLE t (v text)", "INSERT INTO t VALUES ('not a number')")
    sql = "SELECT CAST(v AS integer) AS n, CAST(1.5 AS decimal(9,2)) AS price FROM t"
    model = {"name": "m", "sql": sql, "replication_method": "INCREMENTAL", "replication_key": "n"}
    (stream,) = discover(run_tap, database.config(model))["streams"]
    assert stream["schema"]["properties"] == {
        "n": {"type": ["integer", "null"]},
        "price": {"type": ["number", "null"]},
    }
    assert (stream["tap_stream_id"], stream["replication_method"], stream["replication_key"]) == (
        "m",
        "INCREMENTAL",
        "n",
    )


def test_deselected_columns_are_neither_announced_nor_emitted(database: Any, run_tap: Callable[..., Any]) -> None:
    """Selection is honoured; key columns cannot be deselected."""
    config = database.config(MODEL)
    catalog = set_metadata(discover(run_tap, config), "properties", "name", selected=False)
    set_metadata(catalog, "properties", "id", selected=False)
    run = run_tap(config, catalog=catalog)
    assert list(run.schema["properties"]) == ["id", "version"]
    assert run.records() == [{"id": 1, "version": 7}]


def test_deselected_streams_are_not_read(database: Any, run_tap: Callable[..., Any]) -> None:
    """A deselected stream emits nothing at all."""
    config = database.config(MODEL, {**MODEL, "name": "other"})
    catalog = discover(run_tap, config)
    set_metadata(catalog, selected=False)
    run = run_tap(config, catalog=catalog)
    assert {message["stream"] for message in run.of_type("SCHEMA")} == {"other"}
    assert len(run.records()) == 1


@pytest.mark.parametrize("name", ["replication_method", "forced_replication_method"])
def test_catalog_metadata_overrides_the_method(duck: Any, run_tap: Callable[..., Any], name: str) -> None:
    """`replication-method` and `replication-key` in the catalog win over the model."""
    config = duck.config(MODEL)
    catalog = set_metadata(discover(run_tap, config), **{name: "INCREMENTAL"}, replication_key="version")
    if name == "forced_replication_method":
        del catalog["streams"][0]["replication_method"]
    state = run_tap(config, catalog=catalog).state
    assert state == {"bookmarks": {"m": {"replication_key": "version", "replication_key_value": 7}}}


def test_catalog_metadata_turns_incremental_off(duck: Any, run_tap: Callable[..., Any]) -> None:
    """A model with bookmarks can be loaded in full by catalog."""
    config = duck.config({**MODEL, "replication_method": "INCREMENTAL", "replication_key": "version"})
    catalog = set_metadata(discover(run_tap, config), replication_method="FULL_TABLE")
    state = {"bookmarks": {"m": {"replication_key": "version", "replication_key_value": 99}}}
    assert len(run_tap(config, catalog=catalog, state=state).records()) == 1


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"replication_method": "LOG_BASED"}, "needs 'sync_id'"),
        ({"replication_method": "INCREMENTAL"}, "INCREMENTAL needs 'replication_key'"),
        ({"replication_method": "INCREMENTAL", "replication_key": "nope"}, "'nope' is not among the query's columns"),
    ],
)
def test_a_catalog_that_asks_for_too_much_is_refused(
    duck: Any, run_tap: Callable[..., Any], changes: dict[str, str], part: str
) -> None:
    """An override is checked like the model itself."""
    config = duck.config(MODEL)
    run = run_tap(config, catalog=set_metadata(discover(run_tap, config), **changes))
    assert run.exit_code == 78
    assert part in run.errors


def test_a_stale_catalog_keeps_its_columns_but_not_its_types(duck: Any, run_tap: Callable[..., Any]) -> None:
    """Meltano caches catalogs: types come from the query of today, and a new column is named in a warning."""
    catalog = discover(run_tap, duck.config(MODEL))
    changed = {**MODEL, "sql": "SELECT 1 AS id, 2 AS name, 'new' AS added"}
    run = run_tap(duck.config(changed), catalog=catalog)
    assert run.schema["properties"] == {"id": {"type": ["integer", "null"]}, "name": {"type": ["integer", "null"]}}
    assert run.records() == [{"id": 1, "name": 2}]
    assert "columns that the catalog does not know: added" in run.stderr
    assert "--refresh-catalog" in run.stderr
    assert "no longer returns: version" in run.stderr


def test_a_selected_stream_without_columns_is_refused(duck: Any, run_tap: Callable[..., Any]) -> None:
    """Deselecting every column is more likely a mistake than a wish."""
    config = duck.config({"name": "m", "sql": "SELECT 1 AS a"})
    catalog = set_metadata(discover(run_tap, config), "properties", "a", selected=False)
    run = run_tap(config, catalog=catalog)
    assert run.exit_code == 78
    assert "none of its columns" in run.errors


def test_stream_maps_rename_filter_and_hash(database: Any, run_tap: Callable[..., Any]) -> None:
    """The SDK's stream maps work, bookmarks included."""
    sql = "SELECT id, 'a@b.c' AS email, CAST(1.50 AS decimal(9,2)) AS amount FROM (VALUES (1), (2)) AS v(id)"
    model = {"name": "m", "sql": sql, "replication_method": "INCREMENTAL", "replication_key": "id"}
    maps = {"m": {"__alias__": "people", "__filter__": "id > 1", "email": "md5(email)", "twice": "id * 2"}}
    run = run_tap(database.config(model, stream_maps=maps))
    assert run.exit_code == 0, run.stderr
    (record,) = run.records("people")
    assert (record["id"], record["twice"], record["email"]) == (2, 4, "5d60d4e28066df254d5452f92c910092")
    assert run.state["bookmarks"]["m"]["replication_key_value"] == 2


def test_a_wrong_stream_map_is_a_configuration_error(duck: Any, run_tap: Callable[..., Any]) -> None:
    """The SDK's refusal keeps its text and gets our exit code."""
    run = run_tap(duck.config(MODEL, stream_maps={"m": {"x": "("}}))
    assert run.exit_code == 78, run.stderr
    assert "Traceback" not in run.stderr


def test_flattening_works_on_what_has_a_structure(duck: Any, run_tap: Callable[..., Any]) -> None:
    """Flattening switches to the SDK's own way and leaves flat records as they are."""
    run = run_tap(duck.config(MODEL, flattening_enabled=True, flattening_max_depth=2))
    assert run.records() == [{"id": 1, "name": "x", "version": 7}]


def test_test_mode_emits_one_record_per_stream(database: Any, run_tap: Callable[..., Any]) -> None:
    """`--test` reads one record of each stream, which is what `meltano config test` waits for."""
    sql = "SELECT id FROM (VALUES (1), (2), (3)) AS v(id)"
    run = run_tap(database.config({"name": "m", "sql": sql}, {"name": "n", "sql": sql}), "--test")
    assert run.exit_code == 0
    assert (len(run.records("m")), len(run.records("n"))) == (1, 1)


@pytest.mark.parametrize("arguments", [["--about"], ["--about", "--format=json"], ["--about", "--format=markdown"]])
def test_about_names_every_setting(run_tap: Callable[..., Any], arguments: list[str]) -> None:
    """`--about` describes the settings in every format, and needs no warehouse."""
    run = run_tap({}, *arguments)
    assert run.exit_code == 0
    for setting in ("sqlalchemy_url", "engine_options", "models", "models_path"):
        assert setting in run.stdout
