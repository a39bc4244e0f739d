"""The three result files of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.salesforce.bulk.upload import DELIMITERS, LINE_ENDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from saas_simulators.salesforce.bulk.jobs import Job

# source: recording amp-labs bulk_info_partial-failure.csv: the two own names are quoted, the uploaded header is not
# touched, every value is quoted. That the job's delimiter and line ending hold here too is inferred.


def successful(job: Job) -> bytes:
    """Return the records that were written; deleted ones are not `created` either."""
    rows = job.outcomes.successful() if job.outcomes else ()
    return _file(job, ("sf__Id", "sf__Created"), ((n, (id_, "true" if new else "false")) for n, id_, new in rows))


def failures(job: Job) -> bytes:
    """Return the records that were refused, and why."""
    # source: Bulk API 2.0 guide: sf__Id is filled from v53 on
    has_ids = float(job.order.api_version) >= 53  # noqa: PLR2004
    rows = job.outcomes.failures() if job.outcomes else ()
    return _file(job, ("sf__Id", "sf__Error"), ((n, (id_ if has_ids else "", error)) for n, id_, error in rows))


def unprocessed(job: Job) -> bytes:
    """Return the records that were never attempted. Of a file that could not be cut, there are none (inferred)."""
    if job.outcomes is not None:
        numbers: Iterable[int] = job.outcomes.unprocessed()
    else:
        numbers = range(len(job.upload)) if job.upload else ()
    return _file(job, (), ((number, ()) for number in numbers))


def _file(job: Job, own: tuple[str, ...], rows: Iterable[tuple[int, tuple[str, ...]]]) -> bytes:
    delimiter = DELIMITERS[job.order.column_delimiter]
    header = [f'"{name}"' for name in own]
    if job.upload is not None and job.upload.header_line:
        header.append(job.upload.header_line)
    lines = _lines(job, delimiter, rows)
    ending = LINE_ENDINGS[job.order.line_ending]
    return b"".join(line + ending for line in (delimiter.join(header).encode(), *lines))


def _lines(job: Job, delimiter: str, rows: Iterable[tuple[int, tuple[str, ...]]]) -> Iterator[bytes]:
    upload = job.upload
    if upload is None:
        return
    hidden = job.columns.hidden if job.columns else frozenset()
    for number, values in rows:
        cells = list(upload.lenient_cells(number))
        for place in hidden:
            # source: known issue a028c00000gAyI4AAK, quoted in OpenFn/adaptors#886: a field name in another case is
            # written, but results have no value for it
            cells[place : place + 1] = [""] if place < len(cells) else []
        yield delimiter.join(_quoted(cell) for cell in (*values, *cells)).encode()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if '"' in cell else f'"{cell}"'
