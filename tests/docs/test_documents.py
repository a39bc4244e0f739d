"""What the documents say exists, and what exists is in the documents."""

from __future__ import annotations

import importlib.util
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from demo.project import REPOSITORY

from reverse_etl_core import errors
from reverse_etl_core.config import CommonConfig
from reverse_etl_core.ledger import Ledger
from reverse_etl_core.ledger.tables import metadata
from reverse_etl_core.operations import DeferCode, RejectCode
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

DOCS = REPOSITORY / "docs"
PAGES = sorted(
    [*REPOSITORY.glob("*.md"), *DOCS.glob("*.md"), *DOCS.glob("targets/*.md"), *REPOSITORY.glob("*/README.md")]
)
TARGETS = ("HubSpot", "Mailchimp", "Salesforce")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
MARKED = re.compile(r"<!-- test: [^>]+ -->\n *```bash\n")


def name(path: Path) -> str:
    """A page's path, for test ids."""
    return str(path.relative_to(REPOSITORY))


def read(page: Path) -> str:
    """A page's text."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    found = FENCE.findall(read(page))
    return [re.sub(f"^{indent}", "", code, flags=re.MULTILINE) for indent, kind, code in found if kind == language]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    titles = re.findall(r"^#+ +(.+)$", FENCE.sub("", read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def generator(name: str = "generate_settings") -> ModuleType:
    """The script that writes a page."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for the names of annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def targets() -> dict[str, Any]:
    """The generated page of each target, by its vendor."""
    return {page.vendor: page for page in generator("generate_targets").PAGES}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link to a file or heading of this repository resolves."""
    text = FENCE.sub("", read(page))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_settings_page_is_fresh() -> None:
    """`make docs` would change nothing."""
    module = generator()
    assert read(module.PAGE) == module.page()


def test_every_setting_is_documented() -> None:
    """Each setting of each plugin has a row that says something, and its variable; secrets are marked."""
    module = generator()
    text = read(module.PAGE)
    for plugin in module.PLUGINS:
        for setting, definition in module.settings(plugin).items():
            (row,) = (line for line in text.splitlines() if f"`{module.variable(plugin.name, setting)}`" in line)
            cells = row.split(" | ")
            assert cells[0] == f"| `{setting}`"
            assert len(cells[3]) > 10
            assert ("**Secret.**" in row) == bool(definition.get("secret"))


@pytest.mark.parametrize("code", [*RejectCode, *DeferCode])
def test_every_code_has_its_cure(code: RejectCode | DeferCode) -> None:
    """Each code of a rejection or deferral has its row, with a cure for rejections."""
    (row,) = re.findall(rf"^\| `{code.value}` \|(.+)\|$", read(DOCS / "rejects.md"), re.MULTILINE)
    cells = [cell.strip() for cell in row.split("|")]
    assert len(cells) == (2 if isinstance(code, RejectCode) else 1)
    assert all(len(cell) > 10 for cell in cells)


def test_no_code_is_invented() -> None:
    """The page names no other codes."""
    listed = re.findall(r"^\| `(\w+)` \|", read(DOCS / "rejects.md"), re.MULTILINE)
    assert sorted(listed) == sorted(code.value for code in [*RejectCode, *DeferCode])


@pytest.mark.parametrize("vendor", TARGETS)
def test_the_page_of_a_target_is_fresh(vendor: str, targets: dict[str, Any]) -> None:
    """`make docs` would change nothing."""
    assert targets.keys() == set(TARGETS)
    assert read(targets[vendor].path) == targets[vendor].text()


@pytest.mark.parametrize("vendor", TARGETS)
def test_the_page_of_a_target_has_every_code_that_it_gives(vendor: str, targets: dict[str, Any]) -> None:
    """The codes of its table of answers, those that its README names, and some that no vendor is asked for."""
    page = targets[vendor]
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", page.text(), re.MULTILINE))
    answered = {row.reject.value for row in page.table.values() if row.recovery.name == "REJECT"}
    (rejects,) = re.findall(r"## Rejects\n(.*?)\n##", read(REPOSITORY / page.readme), re.DOTALL)
    assert listed >= answered | set(re.findall(r"`([a-z_]+)`", rejects)) | {"missing_key", "invalid_email", "not_found"}


def test_every_code_is_one_of_some_target(targets: dict[str, Any]) -> None:
    """What no target gives would be a code without a use; and not every target gives every code."""
    given = {vendor: set(page.codes()) for vendor, page in targets.items()}
    assert set().union(*given.values()) == set(RejectCode)
    assert RejectCode.DUPLICATE_RULE not in given["HubSpot"] | given["Mailchimp"]


@pytest.mark.parametrize("code", [value for key, value in vars(errors).items() if key.startswith("EXIT_")])
def test_every_exit_code_is_explained(code: int) -> None:
    """Each exit code has its row."""
    assert re.search(rf"^\| {code} \|", read(DOCS / "operations.md"), re.MULTILINE)


@pytest.mark.parametrize("number", range(1, 11))
def test_every_guarantee_names_its_tests(number: int) -> None:
    """Each guarantee says what it depends on and what it leaves open, and names files of tests that are there."""
    sections = re.split(r"^## ", read(DOCS / "guarantees.md"), flags=re.MULTILINE)
    (section,) = (one for one in sections if one.startswith(f"G{number} "))
    heads = re.findall(r"^\*\*(\w[\w ]+)\.?\*\*", section, re.MULTILINE)
    assert heads == ["Says", "Depends on", "Tested", "Not covered"]
    paragraph = section[section.index("**Tested**") : section.index("**Not covered.**")]
    files = [(DOCS / link).resolve() for link in re.findall(r"\]\(([^)#]+\.py)\)", paragraph)]
    assert files
    assert all(path.is_file() and path.is_relative_to(REPOSITORY / "tests") for path in files)
    text = "".join(read(path) for path in files)
    for name in re.findall(r"`(Base\w+)`", paragraph):
        assert f"class {name}:" in text, name


@pytest.mark.parametrize("table", metadata.tables)
def test_every_table_of_the_ledger_is_described(table: str) -> None:
    """Each table has a section with a row for each of its columns, and for no other."""
    sections = re.split(r"^### ", read(DOCS / "ledger.md"), flags=re.MULTILINE)
    (section,) = (one for one in sections if one.startswith(f"{table}\n"))
    section = section.split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(rows) == sorted(column.name for column in metadata.tables[table].columns)


@pytest.mark.parametrize(
    ("page", "query"),
    [(page, query) for page in ("ledger.md", "rejects.md", "operations.md") for query in blocks(DOCS / page, "sql")],
)
def test_the_queries_run(page: str, query: str, tmp_path: Path) -> None:
    """Each query in the documents runs on a ledger of this release."""
    assert page
    path = tmp_path / "ledger.db"
    Ledger(Secret(f"sqlite:///{path}")).close()
    with closing(sqlite3.connect(path)) as ledger:
        ledger.executescript(query)


def test_the_example_of_streams_is_accepted() -> None:
    """The targets understand the `streams` of the quickstart and of the README."""
    (example,) = (yaml.safe_load(one) for one in blocks(DOCS / "quickstart.md", "yaml") if "loaders:\n" in one)
    (brief,) = (yaml.safe_load(one) for one in blocks(REPOSITORY / "README.md", "yaml"))
    for config in (example[0]["config"]["plugins"]["loaders"][0]["config"], brief):
        assert CommonConfig.from_mapping(config, target="target-hubspot").streams["contacts"].match_on == "email"


def test_every_shell_block_is_marked() -> None:
    """Each shell block of README and documents says whether it is run by the tests, or why not."""
    for page in [REPOSITORY / "README.md", *DOCS.glob("*.md")]:
        assert len(MARKED.findall(read(page))) == len(blocks(page, "bash")), name(page)


def test_every_verb_is_in_the_contributors_guide() -> None:
    """CONTRIBUTING.md names the verbs of the Makefile, and no others."""
    # Under `make test` this make would say that it is an inner one.
    command = ["make", "--no-print-directory", "help"]
    printed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    verbs = {line.split()[0] for line in printed.splitlines()} - {"help"}
    named = set(re.findall(r"`make ([\w-]+)`", read(REPOSITORY / "CONTRIBUTING.md")))
    assert named == verbs


def test_yaml_and_json_are_well_formed() -> None:
    """Each YAML block parses."""
    for page in [REPOSITORY / "README.md", *DOCS.glob("*.md")]:
        for block in blocks(page, "yaml"):
            parsed: Any = yaml.safe_load(block)
            assert parsed
