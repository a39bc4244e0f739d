"""Route tables: which function answers which method and path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Sequence

Action = TypeVar("Action")


@dataclass(frozen=True)
class Route(Generic[Action]):
    """One line of a route table; `template` writes parameters as `{name}` and becomes the route's name."""

    method: str
    template: str
    action: Action


@dataclass(frozen=True)
class Match(Generic[Action]):
    """A route that fits a request, with the path's parameters decoded."""

    route: Route[Action]
    parameters: dict[str, str]


class Router(Generic[Action]):
    """Finds the route of a request; earlier routes win, so fixed words go before parameters.

    >>> router = Router([Route("GET", "/things/{thing}", "show")])
    >>> router.match("GET", "/things/a%20b").parameters
    {'thing': 'a b'}
    >>> router.match("POST", "/things/1") is None, router.methods("/things/1")
    (True, ['GET'])
    """

    def __init__(self, routes: Sequence[Route[Action]]) -> None:
        self._routes = [(re.compile(_pattern(route.template)), route) for route in routes]

    def match(self, method: str, path: str) -> Match[Action] | None:
        """Return the first route that answers, or None."""
        for pattern, route in self._routes:
            if route.method == method and (found := pattern.fullmatch(path)):
                return Match(route, {name: unquote(value) for name, value in found.groupdict().items()})
        return None

    def methods(self, path: str) -> list[str]:
        """Return the methods that this path knows, for a 405."""
        return sorted({route.method for pattern, route in self._routes if pattern.fullmatch(path)})


def _pattern(template: str) -> str:
    """Turn `{name}` into a group that stops at a slash; a trailing slash in the request is tolerated."""
    parts = re.split(r"\{(\w+)\}", template)
    literal_and_groups = [
        re.escape(part) if index % 2 == 0 else f"(?P<{part}>[^/]+)" for index, part in enumerate(parts)
    ]
    return "".join(literal_and_groups) + "/?"
