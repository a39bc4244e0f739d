"""Reading SQL just well enough to find its bind parameters and its end. No database, no network.

The scanner knows strings, quoted identifiers, comments and dollar quotes, so that a colon or a
semicolon inside them is left alone. A colon starts a parameter only where a declared name follows:
`::int` and `a[1:2]` stay as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

# source: PostgreSQL 16, chapter 4.1 "Lexical Structure": nested comments, dollar quotes, E'' escapes.
# DuckDB reads the same forms, but does not nest comments; a nested one is a syntax error there anyway.
_TOKENS = re.compile(
    r"""
      (?P<escaped>(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<string>'(?:[^']|'')*')
    | (?P<identifier>"(?:[^"]|"")*")
    | (?P<dollar>(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
    | (?P<line>--[^\n]*)
    | (?P<block>/\*)
    | (?P<cast>::|:=)
    | (?P<colon>(?<![\w:]):(?P<name>[^\W\d]\w*))
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


class UnreadableSqlError(ValueError):
    """The text is not one statement; the message says why."""


def single_statement(sql: str) -> str:
    """Return the statement without a trailing semicolon and what follows it.

    Raises:
        UnreadableSqlError: The text is empty or holds a second statement.

    >>> single_statement("SELECT ';' AS a; -- done")
    "SELECT ';' AS a"
    """
    body: list[str] = []
    has_code = ended = False
    for kind, text in _pieces(sql):
        is_code = kind not in {"line", "block", "end"} and bool(text.strip())
        if ended and is_code:
            msg = "holds more than one statement"
            raise UnreadableSqlError(msg)
        ended = ended or kind == "end"
        has_code = has_code or is_code
        if not ended:
            body.append(text)
    if not has_code:
        msg = "is empty"
        raise UnreadableSqlError(msg)
    return "".join(body)


def used_names(sql: str, names: Collection[str]) -> set[str]:
    """Return those of `names` that the SQL uses as a parameter.

    >>> sorted(used_names("SELECT :a::int, ':b', c[1:d]", ["a", "b", "d"]))
    ['a']
    """
    return {text[1:] for kind, text in _pieces(sql) if kind == "colon" and text[1:] in names}


def with_placeholders(
    sql: str,
    names: Collection[str],
    *,
    placeholder: Callable[[str], str],
    escape: Callable[[str], str],
) -> str:
    """Return the SQL in a driver's parameter style.

    Args:
        sql: One statement.
        names: The declared parameters; another `:word` is left as it is.
        placeholder: A name as the driver writes it.
        escape: Text outside placeholders as the driver needs it (`%` doubled, say).

    >>> with_placeholders("SELECT :a::int", ["a"], placeholder="%({})s".format, escape=str)
    'SELECT %(a)s::int'
    """
    return "".join(
        placeholder(text[1:]) if kind == "colon" and text[1:] in names else escape(text) for kind, text in _pieces(sql)
    )


def _pieces(sql: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, text); joined, the texts are the input."""
    position = 0
    while match := _TOKENS.search(sql, position):
        if match.start() > position:
            yield "code", sql[position : match.start()]
        kind = str(match.lastgroup if match.lastgroup not in {"tag", "name"} else "colon")
        kind = "dollar" if match["dollar"] else kind
        end = _comment_end(sql, match.end()) if kind == "block" else match.end()
        yield kind, sql[match.start() : end]
        position = end
    if position < len(sql):
        yield "code", sql[position:]


def _comment_end(sql: str, position: int) -> int:
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(sql, position)):
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return len(sql) if depth else position
