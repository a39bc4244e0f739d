"""What became of each record of a job, kept small: a job may have a million."""

from __future__ import annotations

from array import array
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from saas_simulators.salesforce.results import RowError, RowResult

UNPROCESSED, CREATED, CHANGED, FAILED = range(4)


class Outcomes:
    """One outcome per record, by the record's number in the upload."""

    def __init__(self, count: int, rng: Random) -> None:
        self._states = bytearray(count)
        self._ids: list[str | None] = [None] * count
        self._errors: dict[int, str] = {}
        self._order = array("Q")
        self._rng = rng
        self.failed = 0

    @property
    def processed(self) -> int:
        """Records attempted, refused ones included."""
        # source: recording amp-labs bulk_info_partial-failure.json: 8 processed, 1 of them failed
        return len(self._order)

    def add(self, numbers: Sequence[int], results: Sequence[RowResult]) -> None:
        """Remember the results of one chunk; result files show them in another order than they were sent."""
        for number, result in zip(numbers, results, strict=True):
            self._ids[number] = result.id
            if result.success:
                self._states[number] = CREATED if result.created else CHANGED
            else:
                self._states[number] = FAILED
                self._errors[number] = sf_error(result.errors)
                self.failed += 1
        shuffled = list(numbers)
        self._rng.shuffle(shuffled)
        self._order.extend(shuffled)

    def successful(self) -> Iterator[tuple[int, str, bool]]:
        """Yield number, record id and whether it was created, of every record that was written."""
        for number in self._order:
            state = self._states[number]
            if state != FAILED:
                yield number, self._ids[number] or "", state == CREATED

    def failures(self) -> Iterator[tuple[int, str, str]]:
        """Yield number, record id (empty when there is none) and `sf__Error` of every record that was refused."""
        for number in self._order:
            if self._states[number] == FAILED:
                yield number, self._ids[number] or "", self._errors[number]

    def unprocessed(self) -> list[int]:
        """Return the numbers of the records that were never attempted, not in their order."""
        numbers = [number for number, state in enumerate(self._states) if state == UNPROCESSED]
        Random(len(numbers)).shuffle(numbers)  # noqa: S311 - not for secrets
        return numbers


def sf_error(errors: Sequence[RowError]) -> str:
    """Return the text of `sf__Error`; several errors follow each other (inferred).

    >>> from saas_simulators.salesforce.results import RowError
    >>> sf_error([RowError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",))])
    'REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --'
    """
    # source: recording amp-labs bulk_info_partial-failure.csv; jsforce bulk2 test data of a real org
    return "".join(f"{error.status_code}:{error.message}:{','.join(error.fields)} --" for error in errors).replace(
        ": --", ":--"
    )
