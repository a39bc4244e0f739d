"""Write `docs/targets`: a page per target, with every reject code that it can give, and every answer that it knows.

Which codes a target can give is read from the source: those that its package or the core names. On the site the
package's README stands above the tables, see `site_pages.py`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

import reverse_etl_core
from reverse_etl_core.cures import cure
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.recovery import Recovery, Row

sys.path.insert(0, str(Path(__file__).parent))
import members
from generate_settings import cell

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

FOLDER = Path(__file__).with_name("targets")
UNINVOLVED = frozenset({"cures.py", "operations.py", "command"})
"""Modules and folders of the core that name codes, and reject nothing."""
REFUSES_IN_THE_END = frozenset({Recovery.REJECT, Recovery.SMALLER, Recovery.CONTENDED, Recovery.AGAIN})

HEAD = """\
<!-- Written by docs/generate_targets.py: change the tables in the code, then run `make docs`. -->
# {vendor}

<!-- site: {readme} -->
Permissions, streams, match keys, removals, settings and limits are in the
[README of {target}](../../{readme}). Here is every code with its cure.
<!-- site: end -->

## Every reject code

With these codes {target} can reject a record; [rejected records](../rejects.md) says what becomes of it.

| Code | What is wrong | Cure |
|---|---|---|
"""
ANSWERS = """
## Every answer that is known

What {vendor} says, and what follows. The codes are {vendor}'s, or names of ours where its answer has none. A code
that is not here rejects one record as `vendor_refused` if it is about that record, and stops the run otherwise.

| Code | What follows | What it means, and what to do |
|---|---|---|
"""


@dataclass(frozen=True)
class Page:
    """One target.

    Attributes:
        target: The plugin's name.
        vendor: As people call it.
        package: The target's Python package.
        table: From the vendor's codes to what follows.
    """

    target: str
    vendor: str
    package: ModuleType
    table: Mapping[str, Row]

    @property
    def path(self) -> Path:
        """Where the page is."""
        return FOLDER / f"{self.target.removeprefix('target-')}.md"

    @property
    def readme(self) -> str:
        """Where the package's README is in the repository."""
        return f"{self.target}/README.md"

    def text(self) -> str:
        """The page."""
        words = {"vendor": self.vendor, "target": self.target, "readme": self.readme}
        known = [self._reject_row(code) for code in self.codes()]
        answers = [_answer_row(code, row) for code, row in self.table.items()]
        return HEAD.format(**words) + "\n".join(known) + "\n" + ANSWERS.format(**words) + "\n".join(answers) + "\n"

    def codes(self) -> list[RejectCode]:
        """The codes that the target can give, in the order of their definition."""
        named = _codes_in(self.package) | _codes_in(reverse_etl_core)
        return [code for code in RejectCode if code.name in named]

    @staticmethod
    def _reject_row(code: RejectCode) -> str:
        known = cure(code.value)
        return f"| `{code.value}` | {cell(known.wrong)} | {cell(known.cure)} |"


@functools.lru_cache
def _codes_in(package: ModuleType) -> frozenset[str]:
    """Names of the reject codes that a package's modules name."""
    (folder,) = (Path(one) for one in package.__path__)
    modules = (path for path in folder.rglob("*.py") if UNINVOLVED.isdisjoint(path.relative_to(folder).parts))
    return frozenset(
        node.attr
        for path in modules
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == RejectCode.__name__
    )


def _answer_row(code: str, row: Row) -> str:
    follows = "" if row.recovery is Recovery.REJECT else f"{row.recovery.value}; in the end "
    rejected = f"rejected as `{row.reject.value}`" if row.recovery in REFUSES_IN_THE_END else ""
    return f"| `{code}` | {follows + rejected if rejected else row.recovery.value} | {cell(row.sentence)} |"


def page(name: str) -> Page:
    """The page of a target: its vendor is called as in `hub.yml`, its table stands in `codes` or else in `errors`."""
    package = importlib.import_module(name.replace("-", "_"))
    holds_table = "codes" if importlib.util.find_spec(f"{package.__name__}.codes") else "errors"
    table = importlib.import_module(f"{package.__name__}.{holds_table}").TABLE
    told = yaml.safe_load((members.REPOSITORY / name / "hub.yml").read_text(encoding="utf-8"))
    return Page(name, told["label"], package, table)


PAGES = tuple(page(name) for name in members.TARGETS)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for one in PAGES:
        one.path.write_text(one.text(), encoding="utf-8")
        print(f"Written: {one.path}")
