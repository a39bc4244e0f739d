"""How the Markdown of this repository becomes a site: a Sphinx extension.

The pages read well on a code host as they are; three things are done to them for the site.

- A comment `<!-- site: FILE -->` puts a file of the repository in the place of what stands between it and
  `<!-- site: end -->`: the whole file without its title, or with `FILE#anchor` one section of it, or with `FILE#` what
  stands before its first section. So READMEs are on the site, and in the repository once.
- Links to files of the repository lead to the page that has the file, or its section; links to other files lead to the
  repository's address.
- The lists of the home page are its contents: each heading with a list of pages becomes a part of the sidebar.
"""

from __future__ import annotations

import functools
import os
import posixpath
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from myst_parser.mdit_to_docutils.base import default_slugify
from sphinx.util import logging

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markdown_it.token import Token
    from sphinx.application import Sphinx

DOCS = Path(__file__).parent
REPOSITORY = DOCS.parent
BRANCH = "main"
HOME = "index"
INCLUDED = re.compile(r"^<!-- site: (?P<what>[^>]+?) -->\n.*?^<!-- site: end -->$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<to>[^)\s]+)\)")
OPAQUE = frozenset({"fence", "code_block", "html_block"})

log = logging.getLogger(__name__)
markdown = MarkdownIt("commonmark").enable("table")


def repository_address() -> str:
    """Where the repository is, as the workspace's `pyproject.toml` says."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        address: str = tomllib.load(file)["project"]["urls"]["Repository"]
    return address


def address_of(path: Path) -> str:
    """The address of a file or folder of the repository."""
    if path == REPOSITORY:
        return repository_address()
    kind = "tree" if path.is_dir() else "blob"
    return f"{repository_address()}/{kind}/{BRANCH}/{path.relative_to(REPOSITORY).as_posix()}"


@dataclass(frozen=True)
class Heading:
    """A heading of a Markdown file: its level, its anchor, and the number of its line."""

    level: int
    anchor: str
    line: int


def headings(text: str) -> list[Heading]:
    """The headings of a text, with the anchors that code hosts and the site give them.

    >>> headings("# The `why`")
    [Heading(level=1, anchor='the-why', line=0)]
    """
    tokens = markdown.parse(text)
    return [
        Heading(int(token.tag[1]), default_slugify(_plain(tokens[number + 1])), token.map[0])
        for number, token in enumerate(tokens)
        if token.type == "heading_open" and token.map
    ]


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def part_of(text: str, anchor: str | None) -> str:
    """A part of a file.

    Args:
        text: The file's text.
        anchor: Of a section; empty for what stands before the first one, `None` for all but the title.
    """
    lines, found = text.splitlines(keepends=True), headings(text)
    if not anchor:
        first = next((one.line for one in found if one.level > 1), len(lines)) if anchor == "" else len(lines)
        return "".join(lines[found[0].line + 1 : first]).strip("\n")
    start = next(one for one in found if one.anchor == anchor)
    after = (one.line for one in found if one.line > start.line and one.level <= start.level)
    return "".join(lines[start.line : next(after, len(lines))]).strip("\n")


@dataclass(frozen=True)
class Inclusion:
    """A part of a file that a page of the site shows.

    Attributes:
        page: The page's name, as Sphinx has it.
        path: The file.
        anchor: See `part_of`.
    """

    page: str
    path: Path
    anchor: str | None

    def text(self) -> str:
        """The part, with links that lead from the page."""
        return linked(part_of(self.path.read_text(encoding="utf-8"), self.anchor), self.path, self.page)

    @functools.cached_property
    def anchors(self) -> frozenset[str]:
        """The anchors that the page has by it."""
        return frozenset(one.anchor for one in headings(part_of(self.path.read_text(encoding="utf-8"), self.anchor)))


def inclusions(page: str, text: str) -> list[Inclusion]:
    """What a page includes."""
    return [_inclusion(page, one) for found in INCLUDED.finditer(text) for one in found["what"].split(", ")]


def _inclusion(page: str, what: str) -> Inclusion:
    path, hash_sign, anchor = what.partition("#")
    return Inclusion(page, REPOSITORY / path, anchor if hash_sign else None)


@functools.lru_cache
def pages() -> Mapping[str, Path]:
    """The pages by their names: the Markdown files of this folder that are not built or generated from."""
    paths = (path.relative_to(DOCS) for path in DOCS.rglob("*.md"))
    return {path.with_suffix("").as_posix(): DOCS / path for path in paths if not path.parts[0].startswith("_")}


@functools.lru_cache
def shown() -> Sequence[Inclusion]:
    """Everything that pages include."""
    return [one for name, path in pages().items() for one in inclusions(name, path.read_text(encoding="utf-8"))]


def place_of(path: Path, anchor: str) -> str | None:
    """The page that has a file's section, with the anchor; `None` where no page has the file."""
    if path.suffix == ".md" and path.is_relative_to(DOCS):
        name = path.relative_to(DOCS).with_suffix("").as_posix()
        return f"{name}#{anchor}" if anchor else name
    having = [one for one in shown() if one.path == path]
    if not anchor:
        whole = [one for one in having if not one.anchor]
        return whole[0].page if whole else None
    return next((f"{one.page}#{anchor}" for one in having if anchor in one.anchors), None)


def target_of(link: str, source: Path, page: str) -> str:
    """Where a link of a file leads to from a page of the site.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if "://" in link or (link.startswith("#") and source.is_relative_to(DOCS)):
        return link
    relative, _, anchor = link.partition("#")
    path = Path(os.path.normpath(source.parent / relative)) if relative else source
    if not path.exists():
        raise FileNotFoundError(path)
    place = place_of(path, anchor)
    if place is not None:
        name, _, anchor = place.partition("#")
        onward = posixpath.relpath(f"{name}.md", posixpath.dirname(page) or ".")
        return f"{onward}#{anchor}" if anchor else onward
    if path.is_relative_to(DOCS / "images"):
        return posixpath.relpath(path.relative_to(DOCS).as_posix(), posixpath.dirname(page) or ".")
    return address_of(path) + (f"#{anchor}" if anchor else "")


def linked(text: str, source: Path, page: str) -> str:
    """The text of a file with links that lead from a page of the site; code stays as it is."""
    code = {
        line
        for token in markdown.parse(text)
        if token.type in OPAQUE and token.map
        for line in range(token.map[0], token.map[1])
    }
    return "".join(
        line if number in code else LINK.sub(lambda found: f"]({_checked(found['to'], source, page)})", line)
        for number, line in enumerate(text.splitlines(keepends=True))
    )


def _checked(link: str, source: Path, page: str) -> str:
    try:
        return target_of(link, source, page)
    except FileNotFoundError:
        log.warning("'%s' links to '%s', which does not exist", source.relative_to(REPOSITORY), link, location=page)
        return link


def contents(text: str) -> str:
    """The contents that the lists of the home page amount to, as directives of Sphinx."""
    tokens, caption, parts = markdown.parse(text), "", dict[str, list[str]]()
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            caption = _plain(tokens[number + 1])
        if token.type == "list_item_open":
            parts.setdefault(caption, []).extend(_pages_in(tokens[number:]))
    return "\n".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```"
        for caption, names in parts.items()
    )


def _pages_in(tokens: Sequence[Token]) -> Iterator[str]:
    """The page or address that a list's entry begins with."""
    inline = next(token for token in tokens if token.type == "inline")
    first, *others = inline.children or []
    if first.type == "link_open":
        to = str(first.attrGet("href"))
        yield f"{others[0].content} <{to}>" if "://" in to else to.removesuffix(".md")


def page_source(page: str, text: str) -> str:
    """What Sphinx reads of a page."""
    own = linked(text, DOCS / f"{page}.md", page)
    whole = INCLUDED.sub(lambda found: "\n\n".join(one.text() for one in inclusions(page, found.group())), own)
    return whole + contents(own) if page == HOME else whole


def _read(app: Sphinx, page: str, content: list[str]) -> None:
    for one in inclusions(page, content[0]):
        app.env.note_dependency(str(one.path))
    content[0] = page_source(page, content[0])


def breakable(body: str) -> str:
    """A page's HTML in which long names may be broken after each underscore: tables of settings are narrow.

    >>> breakable('<span class="pre">hard_delete</span> is a_b')
    '<span class="pre">hard_<wbr>delete</span> is a_b'
    """
    return re.sub(r'(?<=<span class="pre">)[^<]+', lambda found: found.group().replace("_", "_<wbr>"), body)


def _render(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    if "body" in context:
        context["body"] = breakable(context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("source-read", _read)
    app.connect("html-page-context", _render)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
