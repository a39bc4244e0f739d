"""The example project: what `meltano.yml` declares is what the plugins have, and Meltano's own commands work."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from demo.project import REPOSITORY, Project

from reverse_etl_core.ledger import Ledger, Scope, Settlement, Status
from reverse_etl_core.redaction import Secret

FILE: dict[str, Any] = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))
DECLARED = [one for kind in ("extractors", "loaders") for one in FILE["plugins"][kind]]
PLUGINS = {one["name"]: one for one in DECLARED if "inherit_from" not in one}
ORIGINS = {one["name"]: one["inherit_from"] for one in DECLARED if "inherit_from" in one}
VENDORS = [one["name"].removeprefix("target-") for one in FILE["plugins"]["loaders"]]
ALL = [one for kind in FILE["plugins"].values() for one in kind if "inherit_from" not in one]
WITHOUT_OPTIONS = {"api_version"}
"""Settings with fixed values whose list changes too often to be declared."""
TAPS = {"mailchimp": "tap-customers"}
KINDS = {"object": "object", "array": "array", "boolean": "boolean", "integer": "integer", "number": "integer"}


def about(plugin: str) -> dict[str, Any]:
    """What a plugin says of itself."""
    command = [str(Path(sys.executable).with_name(plugin)), "--about", "--format=json"]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return told


def expected(setting: str, definition: dict[str, Any]) -> dict[str, Any]:
    """A setting as Meltano should know it."""
    types = definition["type"]
    (kind,) = {types} if isinstance(types, str) else {one for one in types if one != "null"}
    declared: dict[str, Any] = {"name": setting}
    if definition.get("secret"):
        declared["sensitive"] = True
    if kind in KINDS:
        declared["kind"] = KINDS[kind]
    if definition.get("enum") and setting not in WITHOUT_OPTIONS:
        declared |= {"kind": "options", "options": [value for value in definition["enum"] if value is not None]}
    return declared


def demo_variable(target: str, value: str) -> str:
    """The variable of the first setting that begins so in the demo."""
    loaders = FILE["environments"][0]["config"]["plugins"]["loaders"]
    (config,) = (one["config"] for one in loaders if one["name"] == target)
    setting = next(name for name, given in config.items() if str(given).startswith(value))
    return f"{target}_{setting}".replace("-", "_").upper()


@pytest.mark.parametrize("plugin", PLUGINS)
def test_settings_are_those_of_the_plugin(plugin: str) -> None:
    """Name, order, kind, secrecy and options of each setting agree with `--about`."""
    declared = []
    for setting in PLUGINS[plugin]["settings"]:
        options = {"options": [one["value"] for one in setting["options"]]} if "options" in setting else {}
        declared.append(setting | options)
    assert declared == [expected(*item) for item in about(plugin)["settings"]["properties"].items()]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_capabilities_are_those_of_the_plugin(plugin: str) -> None:
    """Meltano uses what the plugin can do, and nothing else."""
    assert sorted(PLUGINS[plugin]["capabilities"]) == sorted(about(plugin)["capabilities"])


@pytest.mark.parametrize("plugin", ALL, ids=lambda one: one["name"])
def test_packages_are_where_meltano_looks(plugin: dict[str, Any]) -> None:
    """Each folder in `pip_url` is a package, and its dependencies have the tested versions."""
    words = shlex.split(plugin["pip_url"])
    assert words[:2] == ["--constraint", "constraints.txt"]
    folders = [after.split("[")[0] for word, after in itertools.pairwise(words) if word == "-e"]
    assert folders
    assert all((REPOSITORY / folder / "pyproject.toml").is_file() for folder in folders)


def test_environments_set_only_what_is_declared() -> None:
    """A misspelt setting in an environment would be ignored silently."""
    declared = {plugin["name"]: {one["name"] for one in plugin.get("settings", ())} for plugin in ALL}
    for environment in FILE["environments"]:
        for plugins in environment["config"]["plugins"].values():
            for plugin in plugins:
                assert set(plugin["config"]) <= declared[ORIGINS.get(plugin["name"], plugin["name"])]


def test_the_plan_is_of_the_demos_syncs() -> None:
    """The same settings, a dry run of each loader, and the name that each sync has in the demo."""
    demo, plan, *_ = FILE["environments"]
    assert plan["config"] == demo["config"]
    expected_variables = {}
    for vendor in VENDORS:
        name = f"{TAPS.get(vendor, 'tap-warehouse-model')}-to-target-{vendor}"
        expected_variables[f"TARGET_{vendor.upper()}_DRY_RUN"] = "true"
        expected_variables[f"TARGET_{vendor.upper()}_SYNC_ID"] = f"demo:{name}"
    assert plan["env"] == expected_variables


def test_no_secret_is_in_the_file() -> None:
    """Sensitive settings have no value in `meltano.yml`, but in the demo and its plan, whose credential is none."""
    secret = {setting["name"] for plugin in ALL for setting in plugin.get("settings", ()) if "sensitive" in setting}
    for environment in FILE["environments"]:
        values = {key for kind in environment["config"]["plugins"].values() for one in kind for key in one["config"]}
        assert environment["name"] in ("demo", "plan") or not values & secret
    assert not any(set(plugin.get("config", {})) & secret for plugin in ALL)


def test_the_file_is_current() -> None:
    """No deprecated `version`, tested Meltano releases, no statistics sent, and no way into production by default."""
    assert "version" not in FILE
    assert FILE["requires_meltano"] == ">=4.4,<5"
    assert FILE["send_anonymous_usage_stats"] is False
    assert FILE["default_environment"] == "demo"
    assert FILE["jobs"] == [
        {"name": f"sync-{vendor}", "tasks": [f"{TAPS.get(vendor, 'tap-warehouse-model')} target-{vendor}"]}
        for vendor in VENDORS
    ]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the workspace."""
    return Project.copy(tmp_path_factory.mktemp("meltano") / "project")


def test_config_print_hides_secrets(project: Project) -> None:
    """`meltano config print` shows the settings of an environment, secrets as stars."""
    code, output = project.run("meltano", "--environment=demo", "config", "print", "target-hubspot")
    assert code == 0, output
    shown = json.loads(output[output.index("\n{") :])
    assert shown["access_token"] == shown["ledger_url"] == "*****"
    assert shown["report_dir"] == str(project.root / "demo/.work/reports")


@pytest.mark.parametrize("plugin", PLUGINS)
def test_about_works_through_meltano(plugin: str, project: Project) -> None:
    """`meltano invoke ... --about` needs no setting and no server."""
    code, output = project.run("meltano", "invoke", plugin, "--about")
    assert code == 0, output
    assert f"Name: {plugin}" in output


@pytest.mark.parametrize("target", [f"target-{vendor}" for vendor in VENDORS])
def test_config_test_succeeds_before_meltanos_own_error(target: str, project: Project) -> None:
    """`meltano config test` reaches the account; Meltano 4.4.1 then trips over the process that has ended."""
    address = demo_variable(target, "http://127.0.0.1:")
    credential = demo_variable(target, "any-text")
    simulators = project.start("saas-simulators", "serve", "--port", "0")
    assert simulators.stdout is not None
    port = int(simulators.stdout.readline())
    try:
        url = f"http://127.0.0.1:{port}"
        command = ("meltano", "--environment=demo", "config", "test", target)
        _, good = project.run(*command, **{address: url})
        _, bad = project.run(*command, **{address: url, credential: "invalid-token-us1"})
    finally:
        simulators.terminate()
        simulators.communicate(timeout=10)
    assert "Test data was written" in good
    assert "Test data was written" not in bad


def test_wrong_settings_end_the_run_with_a_message(project: Project) -> None:
    """Without a token the loader says what is missing, in one line of Meltano's log, and the run fails."""
    variables = {"MELTANO_ENVIRONMENT": "prod", "TAP_WAREHOUSE_MODEL_MODELS_PATH": "demo/models"}
    schema = '{"type": "SCHEMA", "stream": "meltano_test_stream", "schema": {"properties": {}}, "key_properties": []}'
    code, output = project.run("bash", "-c", f"echo '{schema}' | meltano invoke target-hubspot", **variables)
    assert code == 78
    assert re.search(r"error .*'access_token' is missing", output)


def ledger_of_the_demo(project: Project) -> None:
    """A ledger with a rejected record, where the demo keeps it."""
    path = project.root / "demo/.work/ledger.db"
    ledger = Ledger(Secret(f"sqlite:///{path}"))
    stream = ledger.open_stream(Scope("demo", "account-1", "contacts", "contacts"), keeps_deliveries=True)
    reason = {"error_code": "too_long", "error": "Field 'name' has 30 characters, but takes 20.", "due_at": 0}
    stream.settle([Settlement('["C-1"]', Status.REJECTED, "rejected", record='{"name":"a value"}', **reason)])
    stream.close()
    ledger.close()


def test_the_ledgers_command_works_through_meltano(project: Project) -> None:
    """`meltano invoke reverse-etl ...` reads the environment's ledger, or the one in the project's folder."""
    ledger_of_the_demo(project)
    code, output = project.run(
        "meltano", "--environment=demo", "invoke", "reverse-etl", "rejects", "--code", "too_long"
    )
    assert code == 0, output
    assert re.search(r'contacts +contacts +\["C-1"\] +too_long', output)
    assert "a value" not in output
    code, output = project.run("meltano", "--environment=demo", "invoke", "reverse-etl:streams")
    assert code == 0, output
    assert re.search(r"^demo +account-1", output, re.MULTILINE)
    code, output = project.run("meltano", "--environment=prod", "invoke", "reverse-etl", "runs")
    assert code == 78
    assert "There is no ledger in" in output
    assert str(project.root / ".reverse-etl") in output
