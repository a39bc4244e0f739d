"""Modules of `benchmarks` and the page's generator, which are scripts and no package."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from demo.project import REPOSITORY

if TYPE_CHECKING:
    from types import ModuleType

for folder in ("benchmarks", "docs"):
    if str(REPOSITORY / folder) not in sys.path:
        sys.path.append(str(REPOSITORY / folder))


def module(name: str) -> ModuleType:
    """A script as a module."""
    return importlib.import_module(name)
