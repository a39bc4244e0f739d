"""What a wheel and its metadata say to whoever finds the package."""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from email import message_from_string
from typing import TYPE_CHECKING

import pytest
import readme_renderer.markdown
from bs4 import BeautifulSoup
from distributions import COMMANDS, PACKAGES, REPOSITORY, VERSIONS

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

TARGETS = [name for name in PACKAGES if name.startswith("target-")]
EXPECTED_CLASSIFIERS = {
    "Environment :: Console",
    "Operating System :: POSIX",
    "Typing :: Typed",
    *(f"Programming Language :: Python :: {version}" for version in VERSIONS),
}


def metadata(wheel: Path) -> Message:
    """The metadata of a wheel."""
    with zipfile.ZipFile(wheel) as opened:
        name = next(one for one in opened.namelist() if one.endswith(".dist-info/METADATA"))
        return message_from_string(opened.read(name).decode())


def requirements(wheel: Path) -> dict[str, str]:
    """What a wheel needs without extras, by name."""
    needed = [one for one in metadata(wheel).get_all("Requires-Dist", []) if "extra ==" not in one]
    return {re.split(r"[\[<>=;~! ]", one)[0]: one for one in needed}


def address() -> str:
    """Where the repository is, as the workspace says."""
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    (found,) = re.findall(r'^Repository = "(.+)"$', project, re.MULTILINE)
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_is_complete(package: str, wheels: dict[str, Path]) -> None:
    """Each wheel carries its licence, its README and the marker for types, and no path of this machine."""
    with zipfile.ZipFile(wheels[package]) as wheel:
        names = wheel.namelist()
    about = metadata(wheels[package])
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert f"{package.replace('-', '_')}/py.typed" in names
    assert f"# {package}" in str(about.get_payload()), "the README is the long description"
    assert "file://" not in about.as_string()
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_metadata_tells_what_a_stranger_asks(package: str, wheels: dict[str, Path]) -> None:
    """Licence, Python versions, what it runs on, and where source, documents, changes and issues are."""
    about = metadata(wheels[package])
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Requires-Python"] == ">=3.10"
    assert set(about.get_all("Classifier", [])) >= EXPECTED_CLASSIFIERS
    assert any(one.startswith("Topic :: ") for one in about.get_all("Classifier", []))
    urls = dict(one.split(", ", 1) for one in about.get_all("Project-URL", []))
    assert urls == {
        "Repository": address(),
        "Documentation": f"{address()}/tree/main/{package}",
        "Changelog": f"{address()}/blob/main/CHANGELOG.md",
        "Issues": f"{address()}/issues",
    }


def test_versions_move_together(wheels: dict[str, Path]) -> None:
    """All packages have one version, and each target takes the core of that version's series and no later one."""
    (version,) = {metadata(wheel)["Version"] for wheel in wheels.values()}
    major, minor, _ = version.split(".")
    for target in TARGETS:
        assert requirements(wheels[target])["reverse-etl-core"] in {
            f"reverse-etl-core<{major}.{int(minor) + 1},>={major}.{minor}",
            f"reverse-etl-core>={major}.{minor},<{major}.{int(minor) + 1}",
        }


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_needs_a_sibling_but_the_core(package: str, wheels: dict[str, Path]) -> None:
    """A target needs the core; the core, the tap and the simulators need none of ours."""
    own = requirements(wheels[package]).keys() & set(PACKAGES)
    assert own == ({"reverse-etl-core"} if package in TARGETS else set())


@pytest.mark.parametrize("package", PACKAGES)
def test_a_source_package_has_what_a_build_needs_and_no_more(package: str, wheels: dict[str, Path]) -> None:
    """Code, README, licence and project file; no tests, no documents of the workspace."""
    (archive,) = wheels[package].parent.glob(f"{package.replace('-', '_')}-*.tar.gz")
    with tarfile.open(archive) as opened:
        tops = {name.split("/")[1] for name in opened.getnames()}
    expected = {package.replace("-", "_"), "README.md", "LICENSE", "pyproject.toml", "PKG-INFO"}
    assert expected <= tops <= expected | {".gitignore"}


def test_the_core_carries_its_pages(wheels: dict[str, Path]) -> None:
    """Templates, style and scripts are in the wheel: a report needs them where there is no repository."""
    package = REPOSITORY / "reverse-etl-core" / "reverse_etl_core"
    with zipfile.ZipFile(wheels["reverse-etl-core"]) as wheel:
        names = set(wheel.namelist())
    pages = [path for path in (package / "pages").iterdir() if path.is_file()]
    assert {str(path.relative_to(package.parent)) for path in pages} - names == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_long_description_stands_alone(package: str, wheels: dict[str, Path]) -> None:
    """It renders as on a package index, and each link leads to a heading, a file of the repository, or elsewhere."""
    about = metadata(wheels[package])
    assert about["Description-Content-Type"] == "text/markdown"
    rendered = readme_renderer.markdown.render(str(about.get_payload()))
    assert rendered
    page = BeautifulSoup(rendered, "lxml")
    anchors = {f"#{one['id']}" for one in page.find_all(id=True)}
    links = [str(one["href"]) for one in page.find_all("a", href=True)]
    base = f"{address()}/blob/main/"
    for link in links:
        if link.startswith("#"):
            assert link in anchors, link
        elif link.startswith(base):
            assert (REPOSITORY / link.removeprefix(base).partition("#")[0]).is_file(), link
        else:
            assert link.startswith("https://"), link
    assert len([link for link in links if link.startswith(base)]) >= 1, "where to go on"
    assert [one["src"] for one in page.find_all("img") if not one["src"].startswith("https://")] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_long_description_begins_with_what_a_stranger_needs(package: str, wheels: dict[str, Path]) -> None:
    """What it is, how it is installed and a command to begin with stand on its first page."""
    text = str(metadata(wheels[package]).get_payload())
    lines = text.splitlines()
    title, _, first, *_ = lines
    assert title == f"# {package}"
    assert len(first) > 60
    head = "\n".join(lines[:60])
    assert f"pip install {package}" in head
    assert re.search(rf"^ *(?:.*\| )?{COMMANDS.get(package, package)} -?-?\w+", head, re.MULTILINE)
    if package.startswith(("tap-", "target-")):
        (config,) = re.findall(r"cat > config.json <<'\w+'\n(.*?)^\w+$", head, re.MULTILINE | re.DOTALL)
        assert json.loads(config)
