"""Model files: YAML and SQL in a folder of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Meltano project with an empty folder `models`."""
    root = tmp_path / "project"
    (root / "models").mkdir(parents=True)
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(root))
    return root


def write(folder: Path, **files: str) -> None:
    """Write files; `__` in a name is a dot, `_in_` a subfolder."""
    for name, text in files.items():
        path = folder / name.replace("_in_", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def streams(run: Any) -> list[str]:
    """Return the names of the streams that were emitted."""
    assert run.exit_code == 0, run.stderr
    return [message["stream"] for message in run.of_type("SCHEMA")]


def test_one_model_a_list_or_a_mapping_per_file(project: Path, run_tap: Callable[..., Any]) -> None:
    """A file holds one model, a list, or a list under `models`; folders are searched to the bottom."""
    write(
        project / "models",
        one__yml="name: one\nsql: SELECT 1 AS id",
        two__yaml="- {name: two, sql: SELECT 2 AS id}\n- {name: three, sql: SELECT 3 AS id}",
        crm_in_four__yml="models:\n- {name: four, sql: SELECT 4 AS id}",
        empty__yml="# nothing yet",
    )
    run = run_tap({"sqlalchemy_url": "duckdb://", "models_path": "models"})
    assert sorted(streams(run)) == ["four", "one", "three", "two"]


def test_sql_files_are_found_beside_the_model(project: Path, run_tap: Callable[..., Any]) -> None:
    """`sql_file` is looked for beside the model file, then in the folder, then in the project."""
    write(
        project,
        models_in_crm_in_beside__yml="{name: beside, sql_file: beside.sql}",
        models_in_crm_in_beside__sql="SELECT 1 AS id; -- the end",
        models_in_top__yml="{name: root, sql_file: sql/root.sql}",
        sql_in_root__sql="\ufeffSELECT 2 AS id",
        models_in_bare__sql="SELECT 3 AS id",
    )
    config = {
        "sqlalchemy_url": "duckdb://",
        "models_path": "models",
        "models": [{"name": "inline", "sql_file": "bare.sql"}],
    }
    assert sorted(streams(run_tap(config))) == ["beside", "inline", "root"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("name: [", "is not valid YAML near line 1"),
        ("name: x\nsql: SELECT 1\n---\nname: y", "is not valid YAML"),
        ("- just text", "model 1: must be a mapping"),
        ("{name: no, sql: SELECT 1}", "a model needs a 'name' (a text)"),
    ],
)
def test_a_bad_model_file_is_named(project: Path, run_tap: Callable[..., Any], text: str, part: str) -> None:
    """The error says which file, and where in it."""
    write(project / "models", bad__yml=text)
    run = run_tap({"sqlalchemy_url": "duckdb://", "models_path": "models"})
    assert run.exit_code == 78
    assert part in run.errors
    assert "bad.yml" in run.errors


def test_an_empty_folder_is_an_error(project: Path, run_tap: Callable[..., Any]) -> None:
    """A folder without model files is more likely a mistake than a wish."""
    run = run_tap({"sqlalchemy_url": "duckdb://", "models_path": "models"})
    assert run.exit_code == 78
    assert "holds no model file" in run.errors
    assert str(project) in run.errors


def test_a_name_in_two_files_is_an_error(project: Path, run_tap: Callable[..., Any]) -> None:
    """Streams are told apart by name, so two files cannot define the same one."""
    write(project / "models", a__yml="{name: x, sql: SELECT 1}", b__yml="{name: x, sql: SELECT 2}")
    assert "'x' is defined 2 times" in run_tap({"sqlalchemy_url": "duckdb://", "models_path": "models"}).errors
