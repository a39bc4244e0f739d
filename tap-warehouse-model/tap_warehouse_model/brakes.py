"""Brakes: a plan that would do harm is not carried out, and the message says how to go on (guarantee G6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FAIL, SKIP, APPLY = "fail", "skip", "apply"
ON_EMPTY = (FAIL, SKIP, APPLY)
NAMES = ("max_removed", "max_removed_percent", "max_changed_percent", "min_rows", "on_empty")

DEFAULT_REMOVED_PERCENT = 20.0
ROWS_FOR_DEFAULT = 10
"""The default share is not applied to smaller baselines, where one row is a tenth of all; a share that was set is."""


@dataclass(frozen=True)
class Brakes:
    """What one plan may do.

    Attributes:
        max_removed: Removals.
        max_removed_percent: Removals, as a share of the baseline; None for the default.
        max_changed_percent: Changed rows, as a share of the baseline. Rows that are sent again on purpose
            (`--full-refresh`, other columns, another `mapping_version`) do not count.
        min_rows: Fewest rows that the model must have.
        on_empty: What an empty model means when there is a baseline.
    """

    max_removed: int | None = None
    max_removed_percent: float | None = None
    max_changed_percent: float | None = None
    min_rows: int | None = None
    on_empty: str = FAIL


@dataclass(frozen=True)
class Counts:
    """What a plan holds, in rows.

    Attributes:
        rows: Of the model.
        baseline: That were confirmed earlier.
        removed_again: Removals among them that were emitted before and not confirmed: no brake holds them twice.
        is_resend: Rows are sent again on purpose, so that changes say nothing.
    """

    rows: int
    baseline: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    removed_again: int = 0
    is_resend: bool = False

    @property
    def total(self) -> int:
        """Rows of the plan."""
        return self.added + self.changed + self.removed


def violations(brakes: Brakes, counts: Counts) -> list[str]:
    """Return why a plan must not be carried out: limits with their values, empty when all is well.

    >>> violations(Brakes(max_removed=1), Counts(rows=8, baseline=10, removed=2))
    ["it removes 2 rows, and 'max_removed' is 1"]
    """
    found = []
    if counts.rows == 0 and counts.baseline and brakes.on_empty == FAIL:
        found.append(f"the model is empty, where {counts.baseline} rows were delivered, and 'on_empty' is 'fail'")
    if brakes.min_rows is not None and counts.rows < brakes.min_rows:
        found.append(f"the model has {counts.rows} rows, and 'min_rows' is {brakes.min_rows}")
    removed = counts.removed - counts.removed_again
    if brakes.max_removed is not None and removed > brakes.max_removed:
        found.append(f"it removes {removed} rows, and 'max_removed' is {brakes.max_removed}")
    limit = _removed_percent(brakes, counts)
    if limit is not None and removed * 100 > limit * counts.baseline:
        found.append(_share("removes", removed, counts.baseline, "max_removed_percent", limit))
    limit = None if counts.is_resend else brakes.max_changed_percent
    if limit is not None and counts.changed * 100 > limit * counts.baseline:
        found.append(_share("changes", counts.changed, counts.baseline, "max_changed_percent", limit))
    return found


def _removed_percent(brakes: Brakes, counts: Counts) -> float | None:
    if brakes.max_removed_percent is not None:
        return brakes.max_removed_percent
    return DEFAULT_REMOVED_PERCENT if counts.baseline >= ROWS_FOR_DEFAULT else None


def _share(verb: str, part: int, whole: int, setting: str, limit: float) -> str:
    return f"it {verb} {part} of {whole} rows ({part * 100 / whole:.3g} %), and '{setting}' is {limit:g}"


def settings_problems(config: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with brakes as the user wrote them.

    >>> settings_problems({"on_empty": "ignore"})
    ["'on_empty' must be one of 'fail', 'skip', 'apply'."]
    """
    problems = [
        f"'{name}' must be a whole number of rows, 0 or more."
        for name in ("max_removed", "min_rows")
        if not _is_number(config.get(name), whole=True)
    ]
    problems += [
        f"'{name}' must be a number, 0 or more: a share of the rows in percent."
        for name in ("max_removed_percent", "max_changed_percent")
        if not _is_number(config.get(name), whole=False)
    ]
    if config.get("on_empty") not in (None, *ON_EMPTY):
        problems.append("'on_empty' must be one of 'fail', 'skip', 'apply'.")
    return problems


def given(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the brakes that the user set."""
    return {name: config[name] for name in NAMES if config.get(name) is not None}


def _is_number(value: object, *, whole: bool) -> bool:
    if value is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return False
    return 0 <= value < float("inf")
