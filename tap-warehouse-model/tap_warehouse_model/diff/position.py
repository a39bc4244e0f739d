"""What STATE says about a LOG_BASED stream: how far which plan has come.

Every field stands in every message: Meltano merges a partial state into the completed one, so that
a field that is left out would keep its old value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_warehouse_model.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Position:
    """A prefix of a plan.

    Attributes:
        sync: Name of the sync, for messages.
        slice: Which slice of the keys, such as `0/1`.
        token: Who owns the baseline; another sync has another one.
        plan: The plan.
        seq: Changes `1..seq` were emitted; once this comes back in STATE they are confirmed.
        of: Changes in the plan.
    """

    sync: str
    slice: str
    token: str
    plan: str
    seq: int
    of: int

    def bookmark(self) -> dict[str, Any]:
        """Return the stream's part of STATE.

        >>> Position("crm", "0/1", "t", "p", 2, 2).bookmark()["done"]
        True
        """
        return {
            "sync": self.sync,
            "slice": self.slice,
            "token": self.token,
            "plan": self.plan,
            "seq": self.seq,
            "of": self.of,
            "done": self.seq == self.of,
        }


def parse(stream: str, state: Mapping[str, Any]) -> Position | None:
    """Return what STATE says, or None when it says nothing about a diff.

    Raises:
        StateError: It says something that this tap cannot have written.
    """
    if not {"sync", "token", "plan"} & state.keys():
        return None
    texts = [state.get(name) for name in ("sync", "slice", "token", "plan")]
    numbers = [state.get(name) for name in ("seq", "of")]
    if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in numbers):
        raise StateError(_damaged(stream))
    position = Position(*texts, *numbers)  # type: ignore[arg-type]
    if not 0 <= position.seq <= position.of:
        raise StateError(_damaged(stream))
    return position


def _damaged(stream: str) -> str:
    return (
        f"Stream '{stream}': STATE is damaged: its position in the plan is incomplete. Restore it, or run once with "
        "'meltano run --full-refresh': all rows are sent again, and no removal is forgotten."
    )
