"""A sync of one stream, and what its next run would emit. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_warehouse_model.brakes import Brakes
    from tap_warehouse_model.diff.planning import Found
    from tap_warehouse_model.slices import Slice

_SALT_DIGITS = 8  # of the token, and as many of the fingerprint


@dataclass(frozen=True)
class Sync:
    """What a sync of one stream is.

    Attributes:
        id: Names the sync.
        stream: Names the stream.
        part: The slice of the keys.
        brakes: What a plan may do.
        fingerprint: Changes when all rows must be sent again.
    """

    id: str
    stream: str
    part: Slice
    brakes: Brakes
    fingerprint: str

    def salt(self, token: str) -> str:
        """Return what all hashes begin with: rows differ from what was delivered to another owner, or otherwise.

        >>> from tap_warehouse_model.brakes import Brakes
        >>> from tap_warehouse_model.slices import Slice
        >>> Sync("crm", "m", Slice(), Brakes(), "f" * 16).salt("0123456789abcdef")
        '01234567ffffffff'
        """
        return f"{token[:_SALT_DIGITS]}{self.fingerprint[:_SALT_DIGITS]}"


@dataclass(frozen=True)
class Preview:
    """What the next run of one stream would emit.

    Attributes:
        stopped_by: Brakes that would stop it.
        assumed: Changes that were emitted last and are taken as delivered, as there is no STATE to say so.
    """

    sync: Sync
    found: Found
    stopped_by: Sequence[str]
    assumed: int = 0

    def __str__(self) -> str:
        counts = self.found.counts
        columns = ", ".join(f"{name}: {count}" for name, count in self.found.changed_columns.items())
        lines = [
            f"{self.sync.stream} ({counts.rows} rows; the sync '{self.sync.id}' delivered {counts.baseline} before)",
            f"  added    {counts.added}",
            f"  changed  {counts.changed}{f'  ({columns})' if columns else ''}",
            f"  removed  {counts.removed}",
        ]
        if counts.is_resend and counts.baseline:
            lines.append("  All rows are sent again: a new owner, other columns, or another 'mapping_version'.")
        if self.found.left_out:
            lines.append(f"  {self.found.left_out} rows are left out: others have their key, or they have none.")
        if self.assumed:
            lines.append(
                f"  The {self.assumed} changes emitted last are taken as delivered; --state FILE tells for sure."
            )
        lines += [f"  A brake would stop this run: {reason}." for reason in self.stopped_by]
        return "\n".join(lines)
