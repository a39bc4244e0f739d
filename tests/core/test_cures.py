"""The table of cures, and the document that users read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reverse_etl_core.cures import CURES, UNKNOWN, cure
from reverse_etl_core.operations import DeferCode, RejectCode

PAGE = Path(__file__).parents[2] / "docs" / "rejects.md"


def test_every_code_has_its_cure() -> None:
    """No code is missing, none is invented, and only what the next run does by itself has no cure."""
    assert CURES.keys() == {one.value for one in [*RejectCode, *DeferCode]}
    assert all(CURES[one.value].cure for one in RejectCode)


@pytest.mark.parametrize("code", [*RejectCode, *DeferCode])
def test_the_document_says_the_same(code: RejectCode | DeferCode) -> None:
    """The row of docs/rejects.md has the words of the table, links apart."""
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", PAGE.read_text(encoding="utf-8"))
    (row,) = re.findall(rf"^\| `{code.value}` \|(.+)\|$", text, re.MULTILINE)
    known = cure(code.value)
    assert [cell.strip() for cell in row.split("|")] == [one for one in (known.wrong, known.cure) if one]


def test_a_code_of_another_release_is_no_error() -> None:
    """What the ledger of a newer release holds is shown without words of its own."""
    assert cure("code_of_the_future") is UNKNOWN
