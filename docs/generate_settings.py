"""Write `docs/settings.md` from the code: what `--about` of each plugin says, and the variables that Meltano reads."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
import members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk import Tap, Target

PAGE = Path(__file__).with_name("settings.md")
PLUGINS = tuple(members.plugin(name) for name in (*members.TARGETS, *members.TAPS))

INTRODUCTION = """\
<!-- Written by docs/generate_settings.py: change the descriptions in the code, then run `make docs`. -->
# Settings

Each setting can be given in three ways; the first one found counts.

1. An environment variable, named in the tables. Lists and objects are JSON there, and numbers are whole: Meltano has
   no other numbers that it can pass on.
2. `.env` in the project's folder, with the same names. `meltano config set` writes settings marked **secret** there.
   It holds for all environments.
3. `meltano.yml`: `config` of an environment, then `config` of the plugin.

`meltano --environment=demo config list target-hubspot` shows what is set, and where (`meltano config` ignores the
default environment, so name one). Without Meltano the plugins take
`--config FILE` with a JSON object, or `--config=ENV`, which reads the same variables.

Secrets belong into the first two. Meltano hands all settings to a plugin in a file that other users of the machine
could read while the run lasts: put `umask 077` before `meltano run`.

Settings are checked before the first request. One message names everything that is wrong, and the exit code is 78.
"""

NESTED = {
    ("target-hubspot", "streams"): (
        "### One stream in `streams`",
        "The keys of `streams` are the names of the tap's streams; all targets have these settings for each of them.",
    ),
    ("tap-warehouse-model", "models"): (
        "### One model in `models`",
        "Model files have the same keys; the tap's [README](../tap-warehouse-model/README.md#models) has examples.",
    ),
}

SDK_SETTINGS = {
    "stream_maps": "The SDK's stream maps: expressions that rename, filter or compute before anything else happens.",
    "stream_map_config": "Values for the expressions of stream maps.",
    "faker_config": "For the `fake` variable in the expressions of stream maps.",
    "flattening_enabled": "Turn the keys of nested objects into columns.",
    "flattening_max_depth": "How many levels are flattened.",
    "flattening_max_key_length": "Longest name of a flattened column.",
    "flattening_separator": "What joins the names of a flattened column.",
}
"""The settings that the SDK adds, in our words."""


def settings(plugin: type[Tap | Target]) -> dict[str, Any]:
    """The plugin's settings as JSON Schema, the SDK's own included."""
    schema = copy.deepcopy(plugin.config_jsonschema)
    plugin.append_builtin_config(schema)
    properties: dict[str, Any] = schema["properties"]
    return properties


def variable(plugin: str, setting: str) -> str:
    """The environment variable of a setting."""
    return f"{plugin}_{setting}".replace("-", "_").upper()


def kind(definition: Mapping[str, Any]) -> str:
    """What a setting takes, in words."""
    if definition.get("enum"):
        return " or ".join(f"`{value}`" for value in definition["enum"] if value is not None)
    types = definition.get("type", "any")
    names = [name for name in ([types] if isinstance(types, str) else types) if name != "null"]
    return " or ".join(names)


def default(definition: Mapping[str, Any]) -> str:
    """The default as code; empty where there is none."""
    value = definition.get("default")
    if value is None or value == {}:
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def nested(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys of the objects that a list or an object of free names holds."""
    inner = definition.get("items") or definition.get("additionalProperties") or {}
    properties: Mapping[str, Any] = inner.get("properties", {})
    return properties


def cell(text: str) -> str:
    """Text for a table."""
    return " ".join(text.split()).replace("|", r"\|")


def plugin_page(plugin: type[Tap | Target]) -> Iterator[str]:
    """The lines of one plugin."""
    properties = settings(plugin)
    yield f"## {plugin.name}\n"
    yield "| Setting | Takes | Default | Meaning | Variable |"
    yield "|---|---|---|---|---|"
    for name, definition in properties.items():
        meaning = cell(SDK_SETTINGS.get(name) or definition.get("description", ""))
        if definition.get("secret"):
            meaning = f"**Secret.** {meaning}"
        row = (f"`{name}`", kind(definition), default(definition), meaning, f"`{variable(plugin.name, name)}`")
        yield f"| {' | '.join(row)} |"
    yield ""
    for name, definition in properties.items():
        if (plugin.name, name) in NESTED:
            title, text = NESTED[plugin.name, name]
            yield f"{title}\n\n{text}\n"
            yield "| Key | Takes | Meaning |"
            yield "|---|---|---|"
            for key, inner in nested(definition).items():
                yield f"| `{key}` | {kind(inner)} | {cell(inner.get('description', ''))} |"
            yield ""


def page() -> str:
    """The whole page."""
    lines = [INTRODUCTION]
    for plugin in PLUGINS:
        lines.extend(plugin_page(plugin))
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Written: {PAGE}")
