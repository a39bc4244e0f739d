"""The template of a target: what it makes compiles, is in order, names itself everywhere, and is made once."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from members import REPOSITORY

from reverse_etl_core.settings import common_settings

if TYPE_CHECKING:
    from types import ModuleType

BIN = Path(sys.executable).parent
LONGEST = ("abcdefgh12345678", "Abcdefgh IJKL Mnopqr")
SHORT = ("zz", "Z")


def loaded() -> ModuleType:
    """The command's module."""
    spec = importlib.util.spec_from_file_location("new_target", REPOSITORY / "templates/new_target.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def command() -> ModuleType:
    """The command, loaded once."""
    return loaded()


@pytest.fixture(scope="module", params=[LONGEST, SHORT], ids=["longest", "shortest"])
def rendered(request: pytest.FixtureRequest, command: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a target, in a workspace that holds nothing else but the settings of its tools."""
    name, title = request.param
    root = tmp_path_factory.mktemp("rendered")
    shutil.copyfile(REPOSITORY / "pyproject.toml", root / "pyproject.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(root))  # cookiecutter keeps a copy of what it was told there
        found = command.render(command.variables(REPOSITORY, name, title), root / "made")
    made = command.put(found, root)
    shutil.rmtree(root / "made")
    shutil.rmtree(root / ".cookiecutter_replay", ignore_errors=True)
    command.tidy(root, made)
    return root


def test_what_is_made_is_in_order(rendered: Path) -> None:
    """It compiles, and ruff has nothing to say, whatever the length of the names."""
    for tool in (("ruff", "check", "."), ("ruff", "format", "--check", ".")):
        done = subprocess.run([BIN / tool[0], *tool[1:]], cwd=rendered, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
    for path in rendered.rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), str(path), "exec")
    assert len(list(rendered.rglob("*.py"))) > 20


def test_nothing_is_left_unrendered(rendered: Path) -> None:
    """Neither in a text nor in a path."""
    folders = ("docs", "saas-simulators", "tests", "target-*")
    paths = [path for folder in folders for top in rendered.glob(folder) for path in top.rglob("*")]
    assert len(paths) > 30
    for path in paths:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert not re.search(r"cookiecutter|\{\{|\{%", f"{path.relative_to(rendered)} {text}"), path


def test_the_readme_has_a_row_for_each_setting_of_all_targets(rendered: Path) -> None:
    """A setting that is added to core is added to the template's README too."""
    (readme,) = rendered.glob("target-*/README.md")
    text = readme.read_text(encoding="utf-8")
    # Not from `config_jsonschema`: the SDK adds its own settings to it once any test has started the target.
    common = {one.name for one in common_settings(concurrency=1, checkpoint_records=1, checkpoint_seconds=1)}
    assert len(common) > 25
    assert {name for name in common if f"| `{name}` |" not in text} == set()


def test_the_places_outside_its_folders_are_written_once(command: ModuleType) -> None:
    """A second time changes nothing; every list that names the targets names it, and its contracts are there."""
    before = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    once = command.with_contracts(before, "acme", "Acme")
    assert command.with_contracts(once, "acme", "Acme") == once
    lines = [line for line in once.splitlines() if '"target_hubspot' in line and "[" in line]
    own = ('containers = ["target_hubspot"]',)
    assert [line for line in lines if "target_acme" not in line and line not in own] == []
    contracts = re.findall(r'^name = "(.+)"$', once, re.MULTILINE)
    assert contracts[-2:] == ["Target layers: Acme", "Wire formats do no I/O: Acme"]
    project = (REPOSITORY / "meltano.yml").read_text(encoding="utf-8")
    about = json.loads(
        subprocess.run([BIN / "target-hubspot", "--about", "--format=json"], check=True, capture_output=True).stdout
    )
    once = command.with_plugin(project, "acme", "Acme", about)
    assert command.with_plugin(once, "acme", "Acme", about) == once
    read: dict[str, Any] = yaml.safe_load(once)
    own_settings, hubspot = (
        {one["name"]: one for one in read["plugins"]["loaders"]}[f"target-{name}"] for name in ("acme", "hubspot")
    )
    assert [one["name"] for one in own_settings["settings"]] == [one["name"] for one in hubspot["settings"]]
    assert [len(one["config"]["plugins"]["loaders"]) for one in read["environments"]] == [4, 4, 4]
    assert read["jobs"][-1]["name"] == "sync-acme"


@pytest.mark.parametrize(
    ("name", "title", "word"),
    [
        ("hubspot", "HubSpot", "exists already"),
        ("Acme", "Acme", "NAME"),
        ("my-target", "Mine", "NAME"),
        ("", "None", "NAME"),
        ("acme", '1st "quoted"', "TITLE"),
    ],
)
def test_what_cannot_be_made_is_refused(
    name: str,
    title: str,
    word: str,
    command: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With exit code 78 and the remedy, and without a file."""
    monkeypatch.setattr(sys, "argv", ["new_target.py", "--name", name, "--title", title])
    code = command.main()
    told = capsys.readouterr().err
    assert (code, word in told) == (78, True), told
    assert not (REPOSITORY / "target-acme").exists()
