"""The part of SOQL that checks of an org need: one object, conditions, order, limit, parents one level up."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATORS = ("!=", "<>", "<=", ">=", "=", "<", ">", "LIKE", "IN", "NOT IN")
# source: SOQL reference, "Quoted string escape sequences"
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<date>\d{4}-\d{2}-\d{2}(?:T[0-9:.]+(?:Z|[+-]\d{2}:?\d{2}))?)"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_][\w.]*(?:__[cr])?)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),]))",
    re.DOTALL,
)


class SoqlError(Exception):
    """A statement cannot be read; the message is the vendor's."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison; `value` is a list for IN."""

    name: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions of which all, one or (with NOT) none must hold."""

    word: str
    parts: tuple[Condition | Junction, ...]


@dataclass(slots=True)
class Statement:
    """A parsed SELECT."""

    fields: list[str]
    object_name: str = ""
    where: Condition | Junction | None = None
    order: list[tuple[str, bool]] = field(default_factory=list)  # name, is descending
    limit: int | None = None
    offset: int = 0
    is_count: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "name" else self.text


def parse(statement: str) -> Statement:
    """Return the parts of a statement.

    Raises:
        SoqlError: It is not SOQL, or uses a part of it that is not simulated.
    """
    return _Parser(statement).statement()


def unescaped(text: str) -> str:
    r"""Return the value of a quoted string.

    >>> unescaped(r"'O\'Neill'")
    "O'Neill"
    """

    def replaced(match: re.Match[str]) -> str:
        if match[1] in ESCAPES:
            return ESCAPES[match[1]]
        if match[1] in "_%":  # of LIKE: stays for the pattern
            return match[0]
        msg = f"Invalid string literal '{text[1:-1]}'. Illegal character sequence '{match[0]}' in string literal."
        raise SoqlError(msg)

    return re.sub(r"\\(.)", replaced, text[1:-1], flags=re.DOTALL)


class _Parser:
    def __init__(self, statement: str) -> None:
        self._statement = statement
        self._tokens = list(self._split())
        self._at = 0

    def _split(self) -> Iterator[_Token]:
        position = 0
        text = self._statement.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                rest = text[position:].lstrip()
                msg = f"unexpected token: '{rest[:1]}'"
                raise SoqlError(msg)
            yield _Token(match.lastgroup or "", match[match.lastgroup or 0], match.start(match.lastgroup or 0))
            position = match.end()
        yield _Token("end", "<EOF>", len(text))

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *words: str) -> bool:
        """Take these words if they come next."""
        coming = [token.word for token in self._tokens[self._at : self._at + len(words)]]
        if coming != list(words):
            return False
        self._at += len(words)
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise self._unexpected()

    def _unexpected(self) -> SoqlError:
        return SoqlError(f"unexpected token: '{self._next.text}'")  # source: recordings, wording

    def _name(self) -> str:
        token = self._next
        if token.kind != "name":
            raise self._unexpected()
        self._at += 1
        return token.text

    def _whole(self) -> int:
        token = self._next
        if token.kind != "number" or not token.text.isdigit():
            raise self._unexpected()
        self._at += 1
        return int(token.text)

    def statement(self) -> Statement:
        self._expect("SELECT")
        found = Statement([])
        if self._take("COUNT", "(", ")"):
            found.is_count = True
        else:
            found.fields = self._list(self._field)
        self._expect("FROM")
        found.object_name = self._name()
        if self._take("WHERE"):
            found.where = self._disjunction()
        if self._take("ORDER", "BY"):
            found.order = self._list(self._order)
        if self._take("LIMIT"):
            found.limit = self._whole()
        if self._take("OFFSET"):
            found.offset = self._whole()
        if self._next.kind != "end":
            raise self._unexpected()
        return found

    def _list(self, item: Any) -> list[Any]:  # noqa: ANN401 - a method
        found = [item()]
        while self._take(","):
            found.append(item())
        return found

    def _field(self) -> str:
        if self._take("FIELDS", "("):
            scope = self._name()
            self._expect(")")
            return f"FIELDS({scope.upper()})"
        return self._name()

    def _order(self) -> tuple[str, bool]:
        name = self._name()
        is_descending = self._take("DESC")
        if not is_descending:
            self._take("ASC")
        if self._take("NULLS"):
            self._name()
        return name, is_descending

    def _disjunction(self) -> Condition | Junction:
        parts = [self._conjunction()]
        while self._take("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Junction("OR", tuple(parts))

    def _conjunction(self) -> Condition | Junction:
        parts = [self._condition()]
        while self._take("AND"):
            parts.append(self._condition())
        return parts[0] if len(parts) == 1 else Junction("AND", tuple(parts))

    def _condition(self) -> Condition | Junction:
        if self._take("NOT"):
            return Junction("NOT", (self._condition(),))
        if self._take("("):
            inner = self._disjunction()
            self._expect(")")
            return inner
        name = self._name()
        operator = "NOT IN" if self._take("NOT", "IN") else self._next.word
        if operator not in OPERATORS:
            raise self._unexpected()
        if operator != "NOT IN":
            self._at += 1
        if operator.endswith("IN"):
            self._expect("(")
            values = self._list(self._value)
            self._expect(")")
            return Condition(name, operator, values)
        return Condition(name, "!=" if operator == "<>" else operator, self._value())

    def _value(self) -> Any:  # noqa: ANN401 - of the literal's type
        token = self._next
        self._at += 1
        if token.kind == "text":
            return unescaped(token.text)
        if token.kind == "number":
            return float(token.text)
        if token.kind == "date":
            return Moment(token.text)
        words = {"TRUE": True, "FALSE": False, "NULL": None}
        if token.kind == "name" and token.word in words:
            return words[token.word]
        self._at -= 1
        raise self._unexpected()


class Moment(str):
    """A date or time, which SOQL writes without quotes."""

    __slots__ = ()
