"""A thousand models in one project."""

from __future__ import annotations

import cProfile
import json
import pstats
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

MODELS = 1000
SECONDS = 30
"""Generous: it takes 3 s; with a connection per model it took minutes."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with a table per model, and the models in each form."""
    root = tmp_path_factory.mktemp("scale")
    (root / "models").mkdir()
    nodes: dict[str, Any] = {}
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        connection.execute("BEGIN")
        for number in range(MODELS):
            name = f"t{number}"
            connection.execute(f"CREATE TABLE {name} AS SELECT {number} AS id, 'x' AS note")
            (root / f"models/{name}.yml").write_text(json.dumps(model(name)), encoding="utf-8")
            nodes |= described(name)
        connection.execute("COMMIT")
    metadata = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "adapter_type": "duckdb"}
    (root / "manifest.json").write_text(json.dumps({"metadata": metadata, "nodes": nodes}), encoding="utf-8")
    return root


def model(name: str) -> dict[str, Any]:
    """Return a model over a table."""
    return {"name": name, "table": name, "key_properties": ["id"]}


def described(name: str) -> dict[str, Any]:
    """Return a node of dbt's and its tests."""
    node_id = f"model.shop.{name}"
    test = {"resource_type": "test", "attached_node": node_id, "column_name": "id", "config": {}}
    return {
        node_id: {
            "unique_id": node_id,
            "resource_type": "model",
            "name": name,
            "package_name": "shop",
            "relation_name": name,
            "columns": {"id": {"description": "The key."}},
            "config": {"materialized": "table", "meta": {"reverse_etl": True}},
        },
        **{
            f"test.shop.{kind}_{name}": {
                **test,
                "unique_id": f"test.shop.{kind}_{name}",
                "name": f"{kind}_{name}",
                "test_metadata": {"name": kind},
            }
            for kind in ("unique", "not_null")
        },
    }


FORMS = {
    "inline": {"models": [model(f"t{number}") for number in range(MODELS)]},
    "files": {"models_path": "models"},
    "dbt": {"dbt_manifest": "manifest.json"},
}


class Counted:
    """A run, how often it described and connected, and how long it took."""

    def __init__(self, run_tap: Callable[..., Any], *arguments: Any, **documents: Any) -> None:
        profile, start = cProfile.Profile(), time.monotonic()
        self.run = profile.runcall(run_tap, *arguments, **documents)
        self.seconds = time.monotonic() - start
        self._calls: dict[tuple[str, str], int] = {}
        for (file, _, function), (_, calls, *_) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
            self._calls[Path(file).name, function] = calls

    @property
    def descriptions(self) -> int:
        """Queries that were described."""
        return self._calls.get(("warehouse.py", "describe"), 0)

    @property
    def connections(self) -> int:
        """Connections that were opened."""
        return self._calls.get(("warehouse.py", "pin"), 0)


@pytest.fixture
def config(project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings without models."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(project))
    return {"sqlalchemy_url": f"duckdb:///{project}/warehouse.duckdb"}


@pytest.mark.parametrize("form", FORMS)
def test_a_thousand_models_are_described_once_each(
    config: dict[str, Any], run_tap: Callable[..., Any], form: str
) -> None:
    """Over one connection, wherever the models are written, in seconds."""
    counted = Counted(run_tap, {**config, **FORMS[form]}, "--discover")
    assert counted.run.exit_code == 0, counted.run.errors
    streams = json.loads(counted.run.stdout)["streams"]
    assert {one["stream"] for one in streams} == {f"t{number}" for number in range(MODELS)}
    assert all(one["key_properties"] == ["id"] for one in streams)
    assert (counted.descriptions, counted.connections) == (MODELS, 1)
    assert counted.seconds < SECONDS


def test_a_sync_of_a_thousand_streams_opens_the_warehouse_twice(
    config: dict[str, Any], run_tap: Callable[..., Any]
) -> None:
    """To describe, and to read; one STATE follows each stream."""
    counted = Counted(run_tap, {**config, **FORMS["inline"]})
    assert counted.run.exit_code == 0, counted.run.errors
    assert (counted.descriptions, counted.connections) == (MODELS, 2)
    assert len(counted.run.records()) == MODELS
    assert len(counted.run.of_type("STATE")) == MODELS
    assert len(counted.run.state["bookmarks"]) == MODELS
    assert counted.seconds < SECONDS


def test_what_a_catalog_deselects_is_not_described(config: dict[str, Any], run_tap: Callable[..., Any]) -> None:
    """Two of a thousand are read: the others cost nothing and cannot fail; one that the catalog lacks is named."""
    models = [*FORMS["inline"]["models"], {"name": "broken", "sql": "SELECT * FROM nowhere"}]
    catalog = json.loads(run_tap({**config, **FORMS["inline"]}, "--discover").stdout)
    catalog["streams"].append({**catalog["streams"][0], "stream": "broken", "tap_stream_id": "broken"})
    catalog["streams"] = [one for one in catalog["streams"] if one["stream"] != "t8"]
    for stream in catalog["streams"]:
        (root,) = (one["metadata"] for one in stream["metadata"] if not one["breadcrumb"])
        root["selected"] = stream["stream"] in {"t7", "t9"}
    counted = Counted(run_tap, {**config, "models": models}, catalog=catalog)
    assert counted.run.records() == [{"id": 7, "note": "x"}, {"id": 9, "note": "x"}]
    assert counted.descriptions == 2
    assert "The catalog selects 2 of 1001 models." in counted.run.stderr
    assert "The catalog does not know the models t8." in counted.run.stderr
