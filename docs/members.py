"""What the workspace has, found in its folders: a package that is added is in no list."""

from __future__ import annotations

import importlib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from singer_sdk import Tap, Target

REPOSITORY = Path(__file__).parents[1]
PACKAGES = tuple(sorted(path.parent.name for path in REPOSITORY.glob("*/pyproject.toml")))
TARGETS = tuple(name for name in PACKAGES if name.startswith("target-"))
TAPS = tuple(name for name in PACKAGES if name.startswith("tap-"))


def plugin(name: str) -> type[Tap | Target]:
    """The class of a tap or target, which its command names."""
    (command,) = metadata.entry_points(group="console_scripts", name=name)
    found: type[Tap | Target] = getattr(importlib.import_module(command.module), command.attr.partition(".")[0])
    return found
