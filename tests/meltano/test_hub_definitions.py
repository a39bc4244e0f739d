"""docs/hub: Meltano takes each definition into a fresh project without asking anybody."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from demo.project import REPOSITORY, Project

if TYPE_CHECKING:
    from pathlib import Path

DEFINITIONS = sorted((REPOSITORY / "docs/hub/_data/meltano").glob("*/*/*.yml"))
SINGULAR = {"extractors": "extractor", "loaders": "loader", "utilities": "utility"}
NOWHERE = "http://127.0.0.1:9"
OFFLINE = {"MELTANO_HUB_URL": NOWHERE, "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "ALL_PROXY": NOWHERE}
FRESH = "project_id: fresh\nsend_anonymous_usage_stats: false\nenvironments:\n- name: dev\n"


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.parent.name)
def test_a_definition_is_added_offline(path: Path, tmp_path: Path) -> None:
    """`meltano add --from-ref` declares every setting, and what is secret is shown as stars."""
    root = tmp_path / "fresh"
    root.mkdir()
    (root / "meltano.yml").write_text(FRESH, encoding="utf-8")
    (root / ".venv").symlink_to(sys.prefix)
    project = Project(root)
    kind, plugin = path.parents[1].name, path.parent.name
    add = ("meltano", "add", "--no-install", "--plugin-type", SINGULAR[kind], "--from-ref", str(path), plugin)
    code, output = project.run(*add, **OFFLINE)
    assert code == 0, output
    assert "eprecat" not in output
    definition: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    ((added,),) = yaml.safe_load((root / "meltano.yml").read_text(encoding="utf-8"))["plugins"].values()
    assert (added["pip_url"], added["variant"]) == (definition["pip_url"], path.stem)
    assert [one["name"] for one in added["settings"]] == [one["name"] for one in definition["settings"]]
    secrets = [one["name"] for one in definition["settings"] if one.get("sensitive")]
    variables = {f"{plugin}_{name}".replace("-", "_").upper(): "sqlite:///hidden" for name in secrets}
    command = ("meltano", "--environment=dev", "config", "print", plugin)
    code, output = project.run(*command, **OFFLINE, **variables)
    assert code == 0, output
    shown = json.loads(output[output.index("\n{") :])
    assert {name for name, value in shown.items() if value == "*****"} == set(secrets)
    assert "hidden" not in output
