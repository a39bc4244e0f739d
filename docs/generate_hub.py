"""Write `docs/hub`: each plugin's definition in the layout of Meltano's Hub, from the settings in the code.

Rules of the Hub, read in its repository (github.com/meltano/hub, state of 2 August 2026): keys in alphabetical order,
lists not indented, a file's path says type, name and variant, and a setting's `value` is its default. `tests/docs`
holds what is written against them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from reverse_etl_core.command.program import main as reverse_etl

sys.path.insert(0, str(Path(__file__).parent))
import generate_settings
import members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_sdk import Tap, Target

FOLDER = Path(__file__).with_name("hub")
PROJECT = Path(__file__).parents[1] / "meltano.yml"
KINDS = ("extractors", "loaders", "utilities")
MAINTENANCE_STATUS = "beta"
PLAIN_KINDS = {"object": "object", "array": "array", "boolean": "boolean", "integer": "integer"}
ACRONYMS = {"api": "API", "id": "ID", "url": "URL"}

CONNECTION_TEST = (
    "`meltano config test {name}` checks credentials and permissions, and that the objects, fields and match fields in "
    "`streams` exist. It writes nothing. Meltano 4.4.1 ends it with a `ProcessLookupError` of its own in any case; "
    '"Test data was written" before that means success.'
)
SECRETS = (
    "Meltano hands all settings to a plugin in a file that other users of the machine could read while the run lasts: "
    "put `umask 077` before `meltano run`."
)


@dataclass(frozen=True)
class Listing:
    """What the Hub shows of a plugin and the code does not know.

    Attributes:
        kind: `extractors`, `loaders` or `utilities`.
        name: Of the plugin, and of its package unless `package` is another one.
        label: What it reaches, as people call it.
        description: One sentence.
        domain_url: Where the other side is documented.
        groups: Each a set of settings with which the plugin can run.
        prereq: What to have at hand; Markdown.
        is_new: Whether the Hub has no plugin of this name, so that ours is its default variant.
    """

    kind: str
    name: str
    label: str
    description: str
    domain_url: str = ""
    package: str = ""
    groups: tuple[tuple[str, ...], ...] = ()
    prereq: str = ""
    is_new: bool = False


def listing(name: str) -> Listing:
    """What stands in the `hub.yml` beside the package of a tap or target."""
    told = yaml.safe_load((PROJECT.parent / name / "hub.yml").read_text(encoding="utf-8"))
    groups = tuple(tuple(one) for one in told.pop("groups"))
    return Listing(kind="loaders" if name in members.TARGETS else "extractors", name=name, groups=groups, **told)


COMMAND = Listing(
    kind="utilities",
    name="reverse-etl",
    label="Reverse ETL",
    description=f"Looks into the ledger of {', '.join(members.TARGETS[:-1])} and {members.TARGETS[-1]}: what was not "
    "delivered and why, what happened to a record, what a brake holds",
    package="reverse-etl-core",
    is_new=True,
)
SINGER = tuple((listing(name), members.plugin(name)) for name in (*members.TAPS, *members.TARGETS))
LISTINGS = (*(one for one, _ in SINGER), COMMAND)


def repository() -> str:
    """Where the packages say that their repository is."""
    urls = metadata.metadata("reverse-etl-core").get_all("Project-URL") or []
    (found,) = (one.removeprefix("Repository, ") for one in urls if one.startswith("Repository, "))
    return found


def variant() -> str:
    """The name under which the Hub knows the maintainer: the repository's owner."""
    return urlsplit(repository()).path.split("/")[1].lower()


def example_project() -> dict[str, Any]:
    """The plugins of `meltano.yml` by name; what the options and commands are called there is used here."""
    plugins = yaml.safe_load(PROJECT.read_text(encoding="utf-8"))["plugins"]
    return {one["name"]: one for kind in plugins.values() for one in kind}


def label(setting: str, definition: Mapping[str, Any]) -> str:
    """What people call a setting."""
    words = [ACRONYMS.get(word, word) for word in setting.split("_")]
    text = " ".join(words)
    return str(definition.get("title") or text[0].upper() + text[1:])


def kind(definition: Mapping[str, Any]) -> str:
    """The Hub's kind; numbers are whole, because Meltano cannot pass on its `decimal`."""
    types = definition["type"]
    (name,) = {one for one in ([types] if isinstance(types, str) else types) if one != "null"}
    if definition.get("secret"):
        return "password"
    if definition.get("enum"):
        return "options"
    return PLAIN_KINDS.get(name, "integer" if name == "number" else "string")


def setting(name: str, definition: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """One setting in the Hub's form.

    Args:
        name: Of the setting.
        definition: Its JSON Schema in the plugin.
        labels: What its options are called, by value; an option that is not among them by its value.
    """
    description = generate_settings.SDK_SETTINGS.get(name) or definition["description"]
    one: dict[str, Any] = {
        "name": name,
        "label": label(name, definition),
        "description": " ".join(description.split()),
        "kind": kind(definition),
    }
    if definition.get("secret"):
        one["sensitive"] = True
    if one["kind"] == "options":
        values = [value for value in definition["enum"] if value is not None]
        one["options"] = [{"label": labels.get(value, value), "value": value} for value in values]
    if definition.get("default") not in (None, {}):
        one["value"] = definition["default"]
    return one


def singer_definition(listing: Listing, plugin: type[Tap | Target]) -> dict[str, Any]:
    """A tap or target as the Hub describes it."""
    declared = {one["name"]: one for one in example_project()[listing.name]["settings"]}
    labels = {
        name: {option["value"]: option["label"] for option in one.get("options", ())} for name, one in declared.items()
    }
    settings = generate_settings.settings(plugin).items()
    usage = CONNECTION_TEST.format(name=listing.name) if listing.kind == "loaders" else ""
    return {
        **definition(listing),
        "capabilities": sorted(one.value for one in plugin.capabilities),
        "keywords": ["meltano_sdk", "reverse_etl"],
        "quality": "silver",
        "settings": [setting(name, one, labels[name]) for name, one in settings],
        "settings_group_validation": [sorted(group) for group in listing.groups],
        "settings_preamble": SECRETS,
        **({"usage": usage} if usage else {}),
    }


def command_definition() -> dict[str, Any]:
    """The command over the ledger; its setting is the common option that a variable can give."""
    (option,) = (one for one in reverse_etl.params if getattr(one, "envvar", None))
    declared = {"type": "string", "description": option.help, "secret": True}
    one = setting("ledger_url", declared, {}) | {"env": option.envvar}
    return {
        **definition(COMMAND),
        "commands": example_project()[COMMAND.name]["commands"],
        "keywords": ["reverse_etl"],
        "quality": "unknown",
        "settings": [one],
    }


def definition(listing: Listing) -> dict[str, Any]:
    """What the definitions of all plugins have."""
    package = listing.package or listing.name
    versions = [one.rpartition(" ")[2] for one in metadata.metadata(package).get_all("Classifier") or ()]
    one = {
        "name": listing.name,
        "namespace": listing.name.replace("-", "_"),
        "label": listing.label,
        "description": listing.description,
        "executable": listing.name,
        "logo_url": f"/assets/logos/{listing.kind}/{listing.name}.svg",
        "maintenance_status": MAINTENANCE_STATUS,
        "pip_url": package,
        "repo": repository(),
        "supported_python_versions": [version for version in versions if version.startswith("3.")],
        "variant": variant(),
    }
    optional = {"domain_url": listing.domain_url, "prereq": listing.prereq}
    return one | {name: text for name, text in optional.items() if text}


def default_variants(listings: Sequence[Listing] = LISTINGS) -> dict[str, dict[str, str]]:
    """What is to be added to the Hub's `_data/default_variants.yml`; names that the Hub has keep their default."""
    return {
        one: {listing.name: variant() for listing in listings if listing.kind == one and listing.is_new}
        for one in KINDS
    }


def maintainers() -> dict[str, dict[str, str]]:
    """What is to be added to the Hub's `_data/maintainers.yml`."""
    owner = repository().rpartition("/")[0]
    return {variant(): {"label": variant(), "name": variant(), "url": owner}}


def pages() -> dict[Path, str]:
    """Every file that is written, by its path in `docs/hub`."""
    definitions = {listing: singer_definition(listing, plugin) for listing, plugin in SINGER}
    definitions[COMMAND] = command_definition()
    files: dict[Path, Mapping[str, Any]] = {
        Path(f"_data/meltano/{one.kind}/{one.name}/{variant()}.yml"): found for one, found in definitions.items()
    }
    files[Path("_data/default_variants.yml")] = default_variants()
    files[Path("_data/maintainers.yml")] = maintainers()
    return {path: dump(content) for path, content in files.items()}


def dump(content: Mapping[str, Any]) -> str:
    """As the Hub's linter wants it."""
    text: str = yaml.safe_dump(content, sort_keys=True, allow_unicode=True, default_flow_style=False, width=120)
    return text


if __name__ == "__main__":
    for path, text in pages().items():
        place = FOLDER / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    print(f"Written: {FOLDER}")
