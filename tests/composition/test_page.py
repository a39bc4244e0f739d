"""docs/composition.md names the versions that were tried."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from demo.project import REPOSITORY

from .plugins import REQUIREMENTS, pinned

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (REPOSITORY / "docs/composition.md").read_text(encoding="utf-8")
PINS = sorted(REQUIREMENTS.glob("*.txt"))


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.stem)
def test_the_page_names_the_version_that_is_tried(path: Path) -> None:
    """Each plugin's version stands beside its name, and is the one that its requirements pin."""
    assert re.findall(rf"`{path.stem}` (?:\| )?([\d.]+) \|", PAGE) == [pinned(path)]


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.stem)
def test_what_is_asked_for_is_what_is_pinned(path: Path) -> None:
    """`make lock` makes the `.txt` of the `.in`."""
    assert pinned(path.with_suffix(".in")) == pinned(path)


def test_the_page_names_no_other_version() -> None:
    """A row of a plugin that nobody tries any more is gone, and so is a note on Meltano's version."""
    named = set(re.findall(r"^\| `([\w-]+)` \| \d", PAGE, re.MULTILINE))
    assert named == {path.stem for path in PINS} - {"meltano-map-transform"}
    (meltano,) = re.findall(r"^meltano==(\S+)$", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE)
    assert re.findall(r"Meltano (\d+\.\d+\.\d+)", PAGE) == [meltano]
