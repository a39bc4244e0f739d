"""The files of a plan: `plan.jsonl` with every line, `plan.html` for people, `plan.md` for a pull request.

The first two hold field values. All are for the owner alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from reverse_etl_core import pages
from reverse_etl_core.errors import FatalError
from reverse_etl_core.plan_markdown import plan_markdown
from reverse_etl_core.plan_page import ShownLines, plan_html
from reverse_etl_core.planlines import Action, ObjectPlan, PlanCounts, PlanLine, PlanSummary, masked

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path
    from types import TracebackType

LINES_NAME, PAGE_NAME, MARKDOWN_NAME = "plan.jsonl", "plan.html", "plan.md"
_INTERNAL = ("match_field", "key_fields")

__all__ = ["Action", "ObjectPlan", "PlanCounts", "PlanLine", "PlanSummary", "PlanWriter"]


class PlanWriter:
    """Writes a plan line by line, in memory that does not grow with it.

    Until `finish`, the lines are in a file of another name: a plan that broke off is not taken for a whole one.

    Args:
        folder: Where the files go; created with mode 0700 where it is missing.
        redact: Destination fields whose values must not be written, here nor anywhere; may grow until their lines come.

    Raises:
        FatalError: The folder or file cannot be written; `add` and `finish` raise it too.
    """

    def __init__(self, folder: Path, redact: AbstractSet[str] = frozenset()) -> None:
        self.lines_path = folder / LINES_NAME
        self.page_path = folder / PAGE_NAME
        self.markdown_path = folder / MARKDOWN_NAME
        self._redact = redact
        self._part = self.lines_path.with_suffix(".jsonl.part")
        self._counts: dict[tuple[str, str], ObjectPlan] = {}
        self._shown = ShownLines()
        self._written = 0
        self._file: BinaryIO | None = None

    def __enter__(self) -> PlanWriter:  # noqa: PYI034 - `Self` is not in Python 3.10
        try:
            self.lines_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = pages.open_private(self._part)
        except OSError as error:
            raise self._refusal(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, line: PlanLine) -> None:
        """Write and count a record."""
        one = self._object(line.stream, line.object)
        one.add(line.action, code=line.code)
        one.fields.update(line.fields.keys() if line.action in {Action.UPDATE, Action.CLEAR} else ())
        one.replays += line.is_replay
        seen = masked(line, self._redact)
        text = _encoded(seen)
        if text is None:
            seen = _without_surrogates(seen)
            text = _encoded(seen) or b"{}"
        self._written += 1
        try:
            self._open_file().write(text + b"\n")
        except OSError as error:
            raise self._refusal(error) from None
        self._shown.offer(self._written, seen)

    def count(self, stream: str, object_name: str, action: Action, number: int, *, code: str = "") -> None:
        """Count records without a line each: unchanged ones may be millions."""
        self._object(stream, object_name).add(action, code=code, count=number)

    def counted(self, *actions: Action) -> int:
        """How many records any of these would happen to."""
        return sum(one.actions[action] for one in self._counts.values() for action in actions)

    def finish(self, summary: PlanSummary) -> PlanCounts:
        """Write the pages, and give the lines their name; what was counted."""
        page = plan_html(self._counts, summary, self._shown.lines(), self._written)
        try:
            file = self._open_file()
            file.flush()
            os.fsync(file.fileno())
            pages.write_private(self.page_path, page)
            pages.write_private(self.markdown_path, plan_markdown(self._counts, summary))
            self._part.replace(self.lines_path)
        except OSError as error:
            raise self._refusal(error) from None
        return self._counts

    def _object(self, stream: str, object_name: str) -> ObjectPlan:
        return self._counts.setdefault((stream, object_name), ObjectPlan())

    def _open_file(self) -> BinaryIO:
        if self._file is None:
            msg = "A plan is written within `with PlanWriter(…)`."
            raise RuntimeError(msg)
        return self._file

    def _refusal(self, error: OSError) -> FatalError:
        folder = self.lines_path.parent
        return FatalError(f"The plan cannot be written to '{folder}' ({error.strerror}). Check 'report_dir'.")


_encoder = msgspec.json.Encoder(decimal_format="number")


def _encoded(line: PlanLine) -> bytes | None:
    """The line as JSON; `None` where a text is none (half of a surrogate pair)."""
    shown = {name: getattr(line, name) for name in line.__struct_fields__ if name not in _INTERNAL}
    try:
        return _encoder.encode(shown)
    except UnicodeEncodeError:
        return None


def _without_surrogates(line: PlanLine) -> PlanLine:
    changes = {name: _clean(getattr(line, name)) for name in line.__struct_fields__ if name not in _INTERNAL}
    return msgspec.structs.replace(line, **changes | {"action": line.action})


def _clean(value: Any) -> Any:  # noqa: ANN401 - whatever a line holds
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, (list, tuple)):
        return type(value)(_clean(one) for one in value)
    if isinstance(value, dict):
        return {_clean(name): _clean(one) for name, one in value.items()}
    return value
