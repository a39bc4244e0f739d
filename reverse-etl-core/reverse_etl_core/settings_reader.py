"""Settings as Singer and Meltano pass them, read one by one; all problems are told together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from reverse_etl_core import addresses
from reverse_etl_core.errors import ConfigError


@dataclass(slots=True)
class SettingsReader:
    """Reads settings of one mapping and collects what is wrong, so that the user sees all of it at once.

    Attributes:
        config: The mapping.
        prefix: Where it sits, for messages: `streams.contacts.` say.
        problems: One sentence each, with the remedy; shared with nested readers.
    """

    config: Mapping[str, Any]
    prefix: str = ""
    problems: list[str] = field(default_factory=list)

    def bad(self, name: str, problem: str) -> None:
        """Note that a setting is wrong."""
        self.problems.append(f"'{self.prefix}{name}' {problem}")

    def text(self, name: str) -> str | None:
        """A non-empty string, or `None` where the setting is absent."""
        value = self.config.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.bad(name, "must be a string.")
            return None
        return value

    def credential(self, name: str) -> str:
        """A token or key without the line break that copying left at its end; empty where it is absent."""
        text = (self.text(name) or "").strip()
        if text.lower().startswith("bearer "):
            self.bad(name, "begins with the word 'Bearer'. Give the token alone.")
        elif any(not "!" <= character <= "~" for character in text):
            self.bad(name, "holds blanks or other characters that no credential has. Copy it again.")
        return text

    def address(self, name: str, default: str) -> str:
        """The address of an API, without a slash at its end; `http` is taken for this machine only."""
        if self.config.get(name) == "":
            self.bad(name, "is empty, and could be meant for a simulator. Remove it, or set it.")
        text = self.text(name)
        if text is None:
            return default
        problem = addresses.problem(text.strip(), like=default)
        if problem:
            self.bad(name, problem)
        return text.strip().rstrip("/")

    def flag(self, name: str, *, default: bool) -> bool:
        """Yes or no; also as text, as environment variables have it."""
        value = self.config.get(name)
        if value is None:
            return default
        word = str(value).strip().lower() if isinstance(value, (bool, str)) else ""
        if word not in {"true", "false"}:
            self.bad(name, "must be true or false.")
            return default
        return word == "true"

    def choice(self, name: str, allowed: tuple[str, ...], *, default: str) -> str:
        """One of the allowed words; an empty one is as none, since that is what Meltano makes of an unset variable."""
        value = self.config.get(name)
        if value is None or value == "":
            return default
        if value not in allowed:
            self.bad(name, f"must be one of {', '.join(allowed)}.")
            return default
        return str(value)

    def number(self, name: str, default: float, *, low: float, high: float | None = None) -> float:
        """A number within bounds; also as text, as environment variables have it."""
        value = self.config.get(name)
        if value is None:
            return default
        number = _number(value)
        if number is None or number < low or (high is not None and number > high):
            self.bad(name, f"must be a number {_bounds(low, high)}.")
            return default
        return number

    def count(self, name: str, default: int, *, low: int, high: int | None = None) -> int:
        """A whole number within bounds: a fraction would be a limit that nobody set."""
        value = self.config.get(name)
        if value is None:
            return default
        number = _number(value)
        if number is None or number < low or (high is not None and number > high) or number != int(number):
            self.bad(name, f"must be a whole number {_bounds(low, high)}.")
            return default
        return int(number)

    def optional_count(self, name: str) -> int | None:
        """A whole number from 0 on, or `None` where the setting is absent."""
        if self.config.get(name) is None:
            return None
        return self.count(name, 0, low=0)

    def optional_percent(self, name: str) -> float | None:
        """A share from 0 to 100, or `None` where the setting is absent."""
        if self.config.get(name) is None:
            return None
        return self.number(name, 0, low=0, high=100)

    def names(self, name: str) -> tuple[str, ...]:
        """A name, or a list of them; empty where the setting is absent."""
        value = self.config.get(name)
        if value is None or value == "":
            return ()
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)) or not all(isinstance(one, str) and one for one in names):
            self.bad(name, "must be a name or a list of names.")
            return ()
        if len(set(names)) != len(names):
            self.bad(name, "names the same thing twice.")
        return tuple(names)

    def some_names(self, name: str, what: str) -> tuple[str, ...]:
        """As `names`, but a list that is there has to name something: `what`."""
        if self.config.get(name) in ([], ()):
            self.bad(name, f"is an empty list. Name {what}, or remove it.")
        return self.names(name)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object; empty where the setting is absent."""
        value = self.config.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.bad(name, "must be an object (in the environment: JSON).")
            return {}
        return value

    def inside(self, name: str) -> SettingsReader:
        """A reader of a nested object, with the same list of problems."""
        return SettingsReader(self.mapping(name), f"{self.prefix}{name}.", self.problems)

    def says_nothing(self, remedy: str) -> None:
        """Note that the mapping itself, and not a setting in it, is empty."""
        self.problems.append(f"'{self.prefix.removesuffix('.')}' says nothing: {remedy}")

    def unknown(self, known: tuple[str, ...]) -> None:
        """Note every setting that nobody knows: a misspelt one would be ignored silently."""
        for name in self.config:
            if name not in known:
                self.bad(name, f"is not a setting; there are: {', '.join(known)}.")

    def raise_if_bad(self) -> None:
        """Raise one error with all problems."""
        if self.problems:
            raise ConfigError(*self.problems)


def _bounds(low: float, high: float | None) -> str:
    return f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):  # the SDK reads files as Decimal
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
