"""What the README says is what the tap does."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import tap_warehouse_model
from tap_warehouse_model.settings import MODEL_PROPERTIES, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

README = Path(__file__).parents[2] / "tap-warehouse-model" / "README.md"
TEXT = README.read_text(encoding="utf-8")
MODULES = [module.name for module in pkgutil.walk_packages(tap_warehouse_model.__path__, "tap_warehouse_model.")]


@pytest.mark.parametrize("setting", SETTINGS["properties"])
def test_every_setting_is_in_the_table_and_described(setting: str) -> None:
    """A setting without documentation fails the build."""
    assert f"| `{setting}` |" in TEXT
    assert len(SETTINGS["properties"][setting]["description"]) > 20


@pytest.mark.parametrize("key", MODEL_PROPERTIES)
def test_every_key_of_a_model_is_documented(key: str) -> None:
    """So does a key of a model."""
    assert re.search(rf"^\|.*`{key}`.*\|", TEXT, re.MULTILINE)


def test_the_example_models_run(
    duck: Any, run_tap: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model file in the README is read as it stands."""
    (example,) = re.findall(r"```yaml\n(# models/customers.yml\n.*?)```", TEXT, re.DOTALL)
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models/customers.yml").write_text(example, encoding="utf-8")
    (tmp_path / "models/orders.sql").write_text("SELECT * FROM marts.orders", encoding="utf-8")
    duck.execute(
        "CREATE SCHEMA marts",
        "CREATE TABLE marts.customers AS SELECT 1 AS customer_id",
        "CREATE TABLE marts.churn AS SELECT 1 AS customer_id, 0.75 AS score, now() AS scored_at, 'EMEA' AS region",
        "CREATE TABLE marts.orders AS SELECT 1 AS order_id, TIMESTAMP '2024-05-01 10:00:00' AS updated_at",
    )
    run = run_tap({"sqlalchemy_url": duck.url, "models_path": "models"})
    assert run.exit_code == 0, run.stderr
    assert {message["stream"] for message in run.of_type("RECORD")} == {"customers", "churn_scores", "orders"}
    bookmark = json.dumps({"bookmarks": {"orders": run.state["bookmarks"]["orders"]}})
    assert bookmark in TEXT


def test_the_meltano_snippet_names_every_setting_and_capability() -> None:
    """The plugin definition fits the tap."""
    (snippet,) = re.findall(r"```yaml\n(plugins:\n.*?)```", TEXT, re.DOTALL)
    (plugin,) = yaml.safe_load(snippet)["plugins"]["extractors"]
    assert [setting["name"] for setting in plugin["settings"]] == list(SETTINGS["properties"])
    from tap_warehouse_model.tap import TapWarehouseModel  # noqa: PLC0415

    assert set(plugin["capabilities"]) == {capability.value for capability in TapWarehouseModel.capabilities}


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_are_true(module: str) -> None:
    """Each doctest of the package passes."""
    if not module.endswith("__main__"):
        assert doctest.testmod(importlib.import_module(module)).failed == 0
