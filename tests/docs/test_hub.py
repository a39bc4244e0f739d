"""docs/hub: the definitions are fresh, keep the Hub's rules, and say of each setting what the code says."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET  # the files are our own

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from demo.project import REPOSITORY
from members import TARGETS

from reverse_etl_core.config import CommonConfig
from reverse_etl_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

HUB = REPOSITORY / "docs/hub"
DEFINITIONS = sorted(HUB.glob("_data/meltano/*/*/*.yml"))

# source: github.com/meltano/hub, schemas/ and .yamllint.yaml, state of 2 August 2026
REQUIRED = {"name", "namespace", "variant", "label", "quality"}
KEYS = REQUIRED | {
    "capabilities", "commands", "definition", "description", "docs", "domain_url", "executable", "ext_repo", "hidden",
    "keywords", "log_parser", "logo_url", "maintenance_status", "next_steps", "pip_url", "prereq", "python", "repo",
    "requires", "settings", "settings_group_validation", "settings_preamble", "supported_python_versions", "usage",
}  # fmt: skip
SETTING_KEYS = {
    "aliases", "description", "docs", "documentation", "env", "kind", "label", "name", "oauth", "options",
    "placeholder", "sensitive", "tooltip", "value", "value_post_processor", "value_processor",
}  # fmt: skip
KINDS = {
    "array", "boolean", "date_iso8601", "decimal", "email", "file", "hidden", "integer", "oauth", "object", "options",
    "password", "string",
}  # fmt: skip
CAPABILITIES = {
    "extractors": {
        "about", "activate-version", "batch", "catalog", "discover", "log-based", "properties", "schema-flattening",
        "state", "stream-maps", "structured-logging", "test",
    },
    "loaders": {
        "about", "activate-version", "batch", "datatype-failsafe", "hard-delete", "schema-flattening", "soft-delete",
        "stream-maps", "structured-logging", "target-schema", "validate-records",
    },
    "utilities": set(),
}  # fmt: skip
QUALITIES = {"gold", "silver", "bronze", "unknown"}
STATUSES = {"active", "beta", "development", "inactive", "unknown"}
IN_THE_HUB = {"target-hubspot", "target-salesforce"}

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = RSA.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
VALUES = {
    "api_key": "0123456789abcdef0123456789abcdef-us6",
    "instance_url": "https://acme.my.salesforce.com",
    "login_url": "https://acme.my.salesforce.com",
    "private_key": PEM,
    "username": "sync@acme.example",
}
"""What stands for a setting of a group; a word for any other."""


def own_config(target: str) -> Any:
    """The class that parses a target's own settings."""
    module = importlib.import_module(f"{target.replace('-', '_')}.config")
    classes = [one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__]
    (found,) = (one for one in classes if hasattr(one, "from_mapping"))
    return found


VENDORS = {target: own_config(target) for target in TARGETS}


def name(path: Path) -> str:
    """The plugin's name, for test ids."""
    return path.parent.name


def generator() -> ModuleType:
    """The script that writes the definitions."""
    spec = importlib.util.spec_from_file_location("generate_hub", REPOSITORY / "docs/generate_hub.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def written() -> ModuleType:
    """The script, loaded once."""
    return generator()


def read(path: Path) -> dict[str, Any]:
    """A definition."""
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def mappings(value: object) -> Iterator[dict[str, Any]]:
    """Every mapping in a value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(inner)


def test_the_definitions_are_fresh(written: ModuleType) -> None:
    """`make docs` would change nothing, and nothing else lies there."""
    there = {path.relative_to(HUB): path.read_text(encoding="utf-8") for path in HUB.glob("_data/**/*.yml")}
    assert there == written.pages()


def test_every_plugin_is_described() -> None:
    """Each tap and target of the example project, and the command."""
    plugins = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    own = {one["name"] for kind in plugins.values() for one in kind if "inherit_from" not in one}
    assert {name(path) for path in DEFINITIONS} == own - {"saas-simulators"}


@pytest.mark.parametrize("path", sorted(HUB.glob("_data/**/*.yml")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_file_is_formatted_as_the_hubs_linter_wants(path: Path) -> None:
    """Keys in order, lists not indented, no mapping in braces, no document start, no blank at a line's end."""
    text = path.read_text(encoding="utf-8")
    for mapping in mappings(yaml.safe_load(text)):
        assert list(mapping) == sorted(mapping)
    assert not text.startswith("---")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    lines = text.splitlines()
    assert [line for line in lines if re.search(r"[ \t]$", line) or re.search(r"(^|: |- )\{.+\}$", line)] == []
    for before, line in itertools.pairwise(lines):
        if re.match(r" *- ", line) and re.match(r" *[\w-]+:$", before):
            assert len(line) - len(line.lstrip()) == len(before) - len(before.lstrip()), line


@pytest.mark.parametrize("path", DEFINITIONS, ids=name)
def test_a_definition_keeps_the_hubs_schema(path: Path) -> None:
    """No key that the Hub refuses, all that it asks for, and only the words that it knows."""
    one, kind = read(path), path.parents[1].name
    assert one.keys() >= REQUIRED
    assert one.keys() <= KEYS
    assert (one["name"], one["variant"]) == (path.parent.name, path.stem)
    assert one["variant"] == one["variant"].lower()
    assert one["quality"] in QUALITIES
    assert one["maintenance_status"] in STATUSES
    assert set(one.get("capabilities", ())) <= CAPABILITIES[kind]
    assert all(re.fullmatch(r"3\.\d+", version) for version in one["supported_python_versions"])
    for setting in one["settings"]:
        assert setting.keys() <= SETTING_KEYS
        assert setting["kind"] in KINDS
        assert len(setting["description"]) > 10
        assert ("options" in setting) == (setting["kind"] == "options")
        assert all(isinstance(option["value"], str) and option["label"] for option in setting.get("options", ()))
    assert max(Counter(setting["name"] for setting in one["settings"]).values()) == 1


@pytest.mark.parametrize("path", DEFINITIONS, ids=name)
def test_the_settings_are_those_of_the_code(path: Path, written: ModuleType) -> None:
    """Each setting, in order; what is secret there is sensitive here and nothing else is; a default is the code's."""
    plugins = {listing.name: plugin for listing, plugin in written.SINGER}
    declared = read(path)["settings"]
    if path.parent.name not in plugins:
        assert [(one["name"], one["sensitive"], one["env"]) for one in declared] == [
            ("ledger_url", True, "REVERSE_ETL_LEDGER_URL")
        ]
        return
    code = written.generate_settings.settings(plugins[path.parent.name])
    assert [one["name"] for one in declared] == list(code)
    for one in declared:
        definition = code[one["name"]]
        assert one.get("sensitive", False) == bool(definition.get("secret")), one["name"]
        assert (one["kind"] == "password") == bool(definition.get("secret")), one["name"]
        assert one.get("value") == (None if definition.get("default") == {} else definition.get("default")), one["name"]
        assert [option["value"] for option in one.get("options", ())] == [
            value for value in definition.get("enum", ()) if value is not None
        ]


@pytest.mark.parametrize("target", VENDORS)
def test_the_defaults_change_nothing(target: str) -> None:
    """Meltano passes a definition's defaults on as if the user had set them; they mean what their absence means."""
    (path,) = (one for one in DEFINITIONS if one.parent.name == target)
    one = read(path)
    group = {setting: VALUES.get(setting, "word") for setting in one["settings_group_validation"][0]}
    defaults = {setting["name"]: setting["value"] for setting in one["settings"] if "value" in setting}
    assert len(defaults) > 10
    assert VENDORS[target].from_mapping(defaults | group) == VENDORS[target].from_mapping(group)
    concurrency = {
        "concurrency": defaults["concurrency"]
    }  # these differ from target to target, and the target adds them
    checkpoints = {name: value for name, value in defaults.items() if name.startswith("checkpoint_")}
    given = CommonConfig.from_mapping(defaults, target=target)
    assert given == CommonConfig.from_mapping(concurrency | checkpoints, target=target)


@pytest.mark.parametrize("target", VENDORS)
def test_each_group_of_settings_is_enough_and_needed(target: str) -> None:
    """The target starts with each group that the Hub asks for, and not with one setting less."""
    (path,) = (one for one in DEFINITIONS if one.parent.name == target)
    for names in read(path)["settings_group_validation"]:
        group = {name: VALUES.get(name, "word") for name in names}
        further = {"login_url": VALUES["login_url"]} if "login_url" not in names else {}
        assert VENDORS[target].from_mapping(group | further)
        for name in names:
            with pytest.raises(ConfigError):
                VENDORS[target].from_mapping({key: value for key, value in group.items() if key != name})


def test_the_maintainer_and_the_default_variants_have_entries() -> None:
    """Every variant has its maintainer and no other is listed; the defaults are those that the Hub does not have."""
    variants = {read(path)["variant"] for path in DEFINITIONS}
    maintainers = read(HUB / "_data/maintainers.yml")
    assert set(maintainers) == variants
    assert all(one.keys() == {"label", "name", "url"} for one in maintainers.values())
    defaults = read(HUB / "_data/default_variants.yml")
    listed = {(kind, plugin): variant for kind, plugins in defaults.items() for plugin, variant in plugins.items()}
    expected = {(path.parents[1].name, name(path)): path.stem for path in DEFINITIONS if name(path) not in IN_THE_HUB}
    assert listed == expected


@pytest.mark.parametrize("path", DEFINITIONS, ids=name)
def test_the_logo_is_a_small_drawing_of_its_own(path: Path) -> None:
    """An SVG with a title for those who do not see it, without text, scripts, images or a background."""
    logo = HUB / "static" / read(path)["logo_url"].removeprefix("/")
    assert logo.stat().st_size < 4_000
    root = ET.fromstring(logo.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    assert root.tag.endswith("}svg")
    assert len(root.attrib["aria-label"]) > 10
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "path", "circle", "ellipse", "rect"}
    drawn = [one.read_bytes() for one in HUB.glob("static/**/*.svg")]
    assert len(drawn) == len(set(drawn)) == len(DEFINITIONS)


def test_the_address_is_the_packages_own() -> None:
    """Definitions name the repository that the packages name, and its owner as their maintainer."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    (address,) = re.findall(r'^Repository = "(.+)"$', text, re.MULTILINE)
    assert {read(path)["repo"] for path in DEFINITIONS} == {address}
    assert {path.stem for path in DEFINITIONS} == {address.split("/")[-2].lower()}
