"""What must not be seen: secrets in messages, logs and reprs."""

from __future__ import annotations

import traceback
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


def defect(error: BaseException) -> str:
    """An unexpected error by its type and place; its text may hold a field value (guarantee G7)."""
    place = "".join(traceback.format_tb(error.__traceback__))
    return (
        f"Unexpected {type(error).__name__}; its text is withheld, since it may hold a value. Please report:\n{place}"
    )
