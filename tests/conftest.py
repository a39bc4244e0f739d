"""Fixtures and options for the whole suite."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _own_project_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a project root of its own, so that no ledger or report of one is met by another."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
