"""The site: it builds without a warning, every link in it leads somewhere, and everything is on it."""

from __future__ import annotations

import doctest
import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from demo.project import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

DOCS = REPOSITORY / "docs"
KNOWN_HOSTS = frozenset(
    {
        "airflow.apache.org",
        "apidocs.polytomic.com",
        "bruin-data.github.io",
        "cloud.google.com",
        "developer.salesforce.com",
        "developers.hubspot.com",
        "dlthub.com",
        "docs.airbyte.com",
        "docs.aws.amazon.com",
        "docs.dagster.io",
        "docs.databricks.com",
        "docs.github.com",
        "docs.meltano.com",
        "docs.polytomic.com",
        "docs.snowflake.com",
        "fivetran.com",
        "github.com",
        "hightouch.com",
        "hub.meltano.com",
        "keepachangelog.com",
        "mailchimp.com",
        "motherduck.com",
        "osv.dev",
        "raw.githubusercontent.com",
        "rudderstack.com",
        "sdk.meltano.com",
        "www.rudderstack.com",
    }
)
"""Whom the documents link to; nothing here can look whether they answer."""
LOOPBACK = frozenset({"127.0.0.1", "localhost"})
HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
INCLUDE = "<!-- site: {} -->\n<!-- site: end -->\n"
REFERENCES = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "srcset", "object": "data"}


def build(docs: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `make site` runs."""
    options = ["-b", "html", "-E", "-n", "-W", "--keep-going", "-q", "-d", folder / "read"]
    command = [sys.executable, "-m", "sphinx", *options, docs, folder / "html"]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Site:
    """What was built."""

    folder: Path
    parsed: dict[Path, BeautifulSoup] = field(default_factory=dict, repr=False)
    found: dict[Path, set[str]] = field(default_factory=dict, repr=False)

    @cached_property
    def pages(self) -> list[Path]:
        """All pages."""
        return sorted(self.folder.rglob("*.html"))

    def page(self, path: Path) -> BeautifulSoup:
        """One page."""
        if path not in self.parsed:
            self.parsed[path] = BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")
        return self.parsed[path]

    def anchors(self, path: Path) -> set[str]:
        """What a link can lead to in a page."""
        if path not in self.found:
            self.found[path] = {str(one["id"]) for one in self.page(path).find_all(id=True)}
        return self.found[path]

    def references(self) -> Iterator[tuple[Path, str]]:
        """Everything that a page refers to, with the page."""
        for path in self.pages:
            for found in self.page(path).find_all(list(REFERENCES)):
                if found.has_attr(REFERENCES[found.name]):
                    yield path, str(found[REFERENCES[found.name]])

    @cached_property
    def external(self) -> set[str]:
        """The addresses elsewhere."""
        return {to for _, to in self.references() if urlsplit(to).scheme or to.startswith("//")}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, built as `make site` does."""
    folder = tmp_path_factory.mktemp("site")
    done = build(DOCS, folder)
    assert (done.returncode, done.stderr) == (0, "")
    return Site(folder / "html")


@pytest.fixture(scope="module")
def site_pages() -> ModuleType:
    """The extension that makes pages of files."""
    spec = importlib.util.spec_from_file_location("site_pages", DOCS / "site_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["site_pages"] = module
    spec.loader.exec_module(module)
    return module


def test_every_link_within_leads_somewhere(site: Site) -> None:
    """Each page, picture, style and anchor that a page refers to is there."""
    dead, count = [], 0
    for page, to in site.references():
        parts = urlsplit(to)
        if parts.scheme or to.startswith("//"):
            continue
        count += 1
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not target.is_file() or (
            parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in site.anchors(target)
        ):
            dead.append((page.name, to))
    assert dead == []
    assert count > 1000


def test_addresses_elsewhere_are_well_formed(site: Site, site_pages: ModuleType) -> None:
    """Each is encrypted unless it is this machine's, its host is one, and files of the repository are there."""
    address = site_pages.repository_address()
    for to in sorted(site.external):
        parts = urlsplit(to)
        assert parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK), to
        assert parts.hostname in LOOPBACK or HOST.fullmatch(parts.hostname or ""), to
        assert not re.search(r"[\s<>\"{}|\\^`]", to), to
        in_repository = re.fullmatch(re.escape(address) + r"/(?:blob|tree)/main/([^#]*)(#.*)?", to)
        if to.startswith(f"{address}/"):
            assert in_repository, to
            assert (REPOSITORY / unquote(in_repository[1])).exists(), to


def test_hosts_elsewhere_are_known(site: Site, site_pages: ModuleType) -> None:
    """A new host is looked at by a person, who adds it here; one that is no longer used is taken out."""
    own = urlsplit(site_pages.repository_address()).hostname
    assert {urlsplit(to).hostname for to in site.external} - LOOPBACK - {own} == KNOWN_HOSTS


@pytest.mark.parametrize("picture", sorted((DOCS / "images").iterdir()), ids=lambda path: path.name)
def test_a_picture_is_small_shown_and_described(picture: Path, site: Site) -> None:
    """Each fits into a page that loads fast, is on some page, and has words for those who do not see it."""
    assert picture.stat().st_size < 150_000
    shown = [one for page in site.pages for one in site.page(page).find_all("img") if picture.name in str(one["src"])]
    assert shown
    assert [one for one in shown if len(str(one.get("alt", ""))) < 20] == []


def test_screenshots_need_a_browser(tmp_path: Path) -> None:
    """Without one nothing is started, and the message names what is looked for."""
    command = [sys.executable, str(DOCS / "screenshots.py")]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "chromium" in done.stderr
    assert done.stdout == ""


def test_the_examples_in_the_extension_hold(site_pages: ModuleType) -> None:
    """What its docstrings show is what it does."""
    result = doctest.testmod(site_pages)
    assert (result.failed, result.attempted > 1) == (0, True)


def test_every_document_is_on_the_site(site_pages: ModuleType) -> None:
    """All Markdown files that are for readers are pages, or in one."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md", ":!templates", ":!tests"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    missing = [name for name in listed if site_pages.place_of(REPOSITORY / name, "") is None]
    assert missing == []


def test_what_is_wrong_fails_the_build(tmp_path: Path) -> None:
    """A dead link, a dead anchor, a missing picture and a page outside the contents are all told of: the control."""
    docs = tmp_path / "docs"
    docs.mkdir()
    shutil.copytree(DOCS / "static", docs / "static")
    for name in ("conf.py", "site_pages.py"):
        shutil.copy(DOCS / name, docs)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    (tmp_path / "README.md").write_text("# Title\n\nWhat it is.\n\n## More\n\n[a file](pyproject.toml)\n")
    (docs / "orphan.md").write_text("# Nobody leads here\n")
    links = "[gone](gone.md) [no such place](index.md#nowhere) ![no picture](images/none.png)"
    (docs / "page.md").write_text(f"# Page\n\n{INCLUDE.format('README.md#more')}\n{links}\n")
    (docs / "index.md").write_text(f"# Home\n\n{INCLUDE.format('README.md#')}\n## Part\n\n- [Page](page.md)\n")
    done = build(docs, tmp_path / "out")
    assert done.returncode == 1
    for complaint in ("orphan.md: .*toctree", "'gone.md', which does not exist", "nowhere", "images/none.png"):
        assert re.search(complaint, done.stderr), (complaint, done.stderr)
    page = BeautifulSoup((tmp_path / "out/html/page.html").read_text(encoding="utf-8"), "lxml")
    assert page.find("a", string="a file")["href"].endswith("/blob/main/pyproject.toml")
    assert "What it is." in (tmp_path / "out/html/index.html").read_text(encoding="utf-8")
