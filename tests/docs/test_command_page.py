"""docs/command.md: what it shows is what the command writes, and nothing is left out."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

import click
import pytest
from demo.project import REPOSITORY

from reverse_etl_core.command.program import main

if TYPE_CHECKING:
    from types import ModuleType

PAGE = (REPOSITORY / "docs/command.md").read_text(encoding="utf-8")


def generator() -> ModuleType:
    """The script that writes the outputs."""
    spec = importlib.util.spec_from_file_location("generate_command", REPOSITORY / "docs/generate_command.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_outputs_are_fresh() -> None:
    """`make docs` would change nothing, and no example fails unless the text says so."""
    module = generator()
    assert module.page() == PAGE
    assert len(module.EXAMPLE.findall(PAGE)) >= len(main.commands) - 1
    assert PAGE.count("\nError: ") == 1


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_subcommand_is_documented(name: str) -> None:
    """Each subcommand and each of its options is named on the page."""
    assert re.search(rf"`{name}`|^\$ reverse-etl {name}\b", PAGE, re.MULTILINE)
    for option in main.commands[name].params:
        if isinstance(option, click.Option):
            assert any(re.search(rf"{one}\b", PAGE) for one in option.opts), option.opts
