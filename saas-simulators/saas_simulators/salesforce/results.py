"""What becomes of a row that is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DuplicateMatch:
    """Which rows a duplicate rule found; shown where a single row is written."""

    rule: str
    object_name: str
    ids: tuple[str, ...]
    is_block: bool


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was refused: the vendor's code, its message (with labels) and the API names of the fields."""

    status_code: str
    message: str
    fields: tuple[str, ...] = ()
    match: DuplicateMatch | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the error as one row of a collection shows it."""
        # source: recordings grouparoo, amp-labs: `statusCode`, where a request's error has `errorCode`
        return {"statusCode": self.status_code, "message": self.message, "fields": list(self.fields)}


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row; `id` is known for refused updates too."""

    success: bool
    id: str | None
    created: bool
    errors: tuple[RowError, ...] = ()


class RowRefusedError(Exception):
    """A row is refused; carries the errors."""

    def __init__(self, *errors: RowError) -> None:
        super().__init__(errors[0].message)
        self.errors = errors
