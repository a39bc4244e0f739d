"""Fixtures and options for the whole suite."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from leaks import LeakWatch, in_sections

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _own_project_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a project root of its own, so that no ledger or report of one is met by another."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))


@pytest.fixture(autouse=True)
def _nothing_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """G7: no log record of any level, and no captured output, shows a marker that a test planted.

    What a test captures by itself (`capsys`, processes) is looked at by it, or by the stage that runs the target.
    """
    watch = LeakWatch()
    root = logging.getLogger()
    root.addHandler(watch)
    yield
    root.removeHandler(watch)
    found = watch.found + in_sections((title, text) for _, title, text in request.node._report_sections)
    assert not found, f"planted values were shown: {found}"
