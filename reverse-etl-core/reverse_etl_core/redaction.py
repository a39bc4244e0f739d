"""What must not be seen: secrets in messages, logs and reprs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A token or password that does not show itself.

    >>> Secret("pat-na1-0000")
    Secret(****)
    >>> f"{Secret('pat-na1-0000')}"
    'Secret(****)'
    """

    _text: str

    def __repr__(self) -> str:
        return "Secret(****)"

    __str__ = __repr__

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text
