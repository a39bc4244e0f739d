"""The rules of the workspace, held by its own tools."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PACKAGES = (
    "reverse-etl-core",
    "saas-simulators",
    "tap-warehouse-model",
    "target-hubspot",
    "target-mailchimp",
    "target-salesforce",
)
REGISTRY_HOSTS = re.compile("|".join(("py" + "pi.org", "pythonhosted" + ".org", "npm" + "js.org", "npmjs" + ".com")))


def run(*command: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """Run a tool of the environment."""
    return subprocess.run([str(BIN / command[0]), *command[1:]], cwd=cwd, capture_output=True, text=True, check=False)


def tracked_files() -> list[Path]:
    """Files of the repository, as git sees them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    return [REPOSITORY / name for name in listed.decode().split("\0") if name and (REPOSITORY / name).is_file()]


@pytest.mark.parametrize(
    "command",
    [
        ("lint-imports",),
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("codespell",),
    ],
    ids=lambda command: command[0],
)
def test_a_tool_finds_nothing(command: tuple[str, ...]) -> None:
    """Import contracts, style, types and spelling hold."""
    done = run(*command)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_no_file_names_a_package_registry() -> None:
    """A clone installs from whatever registry its owner uses: none is written down."""
    named = [path for path in tracked_files() if REGISTRY_HOSTS.search(path.read_text("utf-8", errors="ignore"))]
    assert named == []


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every package as a wheel, built without the workspace's sources."""
    folder = tmp_path_factory.mktemp("dist")
    done = run("uv", "build", "--all-packages", "--wheel", "--no-sources", "--out-dir", str(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    built = {path.name.split("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}
    assert sorted(built) == sorted(PACKAGES)
    return built


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_is_complete(package: str, wheels: dict[str, Path]) -> None:
    """Each wheel carries its licence, its README and the marker for types, and no path of this machine."""
    with zipfile.ZipFile(wheels[package]) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("/py.typed") for name in names)
    assert "License-Expression: Apache-2.0" in metadata
    assert f"# {package}" in metadata, "the README is the long description"
    assert "file://" not in metadata


def test_the_core_carries_its_pages(wheels: dict[str, Path]) -> None:
    """Templates, style and scripts are in the wheel: a report needs them where there is no repository."""
    package = REPOSITORY / "reverse-etl-core" / "reverse_etl_core"
    with zipfile.ZipFile(wheels["reverse-etl-core"]) as wheel:
        names = set(wheel.namelist())
    pages = [path for path in (package / "pages").iterdir() if path.is_file()]
    assert {str(path.relative_to(package.parent)) for path in pages} - names == set()


@pytest.mark.long
@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "reverse-etl-core"])
def test_a_wheel_installs_alone(package: str, wheels: dict[str, Path], tmp_path: Path) -> None:
    """In an empty environment a wheel brings what it needs, no sibling, and starts."""
    environment = tmp_path / "env"
    assert run("uv", "venv", "--quiet", "--python", sys.executable, str(environment)).returncode == 0
    links = str(wheels[package].parent)
    done = run(
        "uv", "pip", "install", "--quiet", "--python", str(environment), "--find-links", links, str(wheels[package])
    )
    assert done.returncode == 0, done.stderr[-3000:]
    version = subprocess.run(
        [str(environment / "bin" / package), "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "0.1.0" in version.stdout
    installed = run("uv", "pip", "list", "--python", str(environment)).stdout
    siblings = set(PACKAGES) - {package, "reverse-etl-core"}
    assert not [name for name in siblings if name in installed]
