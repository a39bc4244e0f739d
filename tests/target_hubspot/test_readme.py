"""What the READMEs of the target and of its core say is what they do."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reverse_etl_core import errors, operations
from reverse_etl_core.config import LOAD_METHODS, CommonConfig
from reverse_etl_core.ledger import tables
from target_hubspot.config import HubSpotConfig
from target_hubspot.target import TargetHubSpot

if TYPE_CHECKING:
    from conformance.stage import Stage

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "target-hubspot" / "README.md").read_text(encoding="utf-8")
CORE = (REPOSITORY / "reverse-etl-core" / "README.md").read_text(encoding="utf-8")
SETTINGS: dict[str, Any] = TargetHubSpot.config_jsonschema["properties"]
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `(\w+)` \| (.*?) ?\| (.*) \|$", TEXT, re.MULTILINE)}


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_documented(setting: str) -> None:
    """A setting without a place in the README fails the build."""
    assert f"`{setting}`" in TEXT


@pytest.mark.parametrize("setting", [name for name, one in SETTINGS.items() if "default" in one])
def test_defaults_are_the_real_ones(setting: str) -> None:
    """The default in the table is the one of the schema."""
    assert ROWS[setting][0].strip("` ") == str(SETTINGS[setting]["default"])


@pytest.mark.parametrize("setting", [name for name, one in SETTINGS.items() if one.get("secret")])
def test_secrets_are_marked(setting: str) -> None:
    """What must not be in a file is called secret."""
    assert "Secret." in ROWS[setting][1]


def test_examples_are_understood() -> None:
    """The settings in the examples are accepted, those of `streams` included."""
    (start,) = (json.loads(one) for one in re.findall(r"<<'END'\n(.*?)END\n", TEXT, re.DOTALL))
    HubSpotConfig.from_mapping({**start, "access_token": "pat-na1-1"})  # the ellipsis is no token
    meltano, streams = (yaml.safe_load(one) for one in blocks(TEXT, "yaml"))
    (loader,) = meltano["plugins"]["loaders"]
    for config in (start, loader["config"], streams):
        assert CommonConfig.from_mapping(config, target="target-hubspot").streams
    assert {one["name"] for one in loader["settings"]} <= set(SETTINGS)


def test_load_methods_exit_codes_and_rejects_are_the_real_ones() -> None:
    """Every load method and exit code has its row, and every code of a rejection that is named exists."""
    assert all(method in ROWS for method in LOAD_METHODS)
    for code in (errors.EXIT_BRAKE, errors.EXIT_TRY_LATER, errors.EXIT_CONFIG):
        assert f"| {code} |" in TEXT
    (rejects,) = re.findall(r"## Rejects\n(.*?)\n##", TEXT, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", rejects)) <= {one.value for one in operations.RejectCode}


def test_the_core_knows_its_tables_and_errors() -> None:
    """Every table of the ledger, every outcome and every error that the core's README names exists."""
    assert all(f"| `{name}` |" in CORE for name in tables.metadata.tables)
    named = set(re.findall(r"`([A-Z]\w+Error)`", CORE))
    assert {name for name in named if not hasattr(errors, name)} == set()
    outcomes = (operations.Written, operations.Rejected, operations.Missing, operations.Unanswered)
    assert all(f"`{kind.__name__}`" in CORE for kind in outcomes)


def test_the_cores_example_delivers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The target in the core's README delivers records, rejects a long name, and releases STATE."""
    names: dict[str, Any] = {}
    for block in blocks(CORE, "python"):
        exec(block, names)  # noqa: S102 - our own documentation
    config = {"ledger_url": f"sqlite:///{tmp_path}/ledger.db", "report_dir": str(tmp_path)}
    target = names["TargetAddressBook"](config=config)
    schema = {"properties": {"number": {}, "name": {}}}
    messages = [
        {"type": "SCHEMA", "stream": "people", "schema": schema, "key_properties": ["number"]},
        {"type": "RECORD", "stream": "people", "record": {"number": 1, "name": "Ada"}},
        {"type": "RECORD", "stream": "people", "record": {"number": 2, "name": "x" * 30}},
        {"type": "STATE", "value": {"at": 2}},
    ]
    target.listen(io.StringIO("".join(json.dumps(one) + "\n" for one in messages)))
    assert json.loads(capsys.readouterr().out) == {"at": 2}
    (report,) = tmp_path.glob("*/report.json")
    totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    assert (totals["created"], totals["rejected"]) == (1, 1)


def test_the_smallest_configuration_delivers(stage: Stage) -> None:
    """The example under Start delivers a stream called `customers` to contacts, by their addresses."""
    (start,) = (json.loads(one) for one in re.findall(r"<<'END'\n(.*?)END\n", TEXT, re.DOTALL))
    stage.stream = "customers"
    rows = [{"email": "Ada@Example.com", "firstname": "Ada"}]
    messages = stage.messages(rows, key_properties=["email"])
    messages[0]["schema"] = {"properties": {"email": {}, "firstname": {}}}
    result = stage.run(messages, stream=start["streams"]["customers"])
    assert (result.exit_code, result.totals["created"]) == (0, 1)
