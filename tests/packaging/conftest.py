"""The distributions, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from distributions import uv
from members import PACKAGES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every package as a wheel that was built from its source package, without the workspace's sources."""
    folder = tmp_path_factory.mktemp("dist")
    done = uv("build", "--all-packages", "--no-sources", "--out-dir", folder)
    assert done.returncode == 0, done.stderr[-3000:]
    built = {path.name.split("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}
    assert sorted(built) == sorted(PACKAGES)
    return built
