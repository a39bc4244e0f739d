"""Core names no vendor: whatever it says holds for every target. Only the source of a fact may, in a comment."""

from __future__ import annotations

import re
import tokenize
from pathlib import Path

import pytest

import reverse_etl_core

ROOT = Path(reverse_etl_core.__file__).parent
VENDOR = re.compile(r"hubspot|salesforce|mailchimp", re.IGNORECASE)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_vendor_is_named(path: Path) -> None:
    """Neither in code nor in a message nor in a docstring."""
    with path.open("rb") as file:
        words = [one for one in tokenize.tokenize(file.readline) if one.type != tokenize.COMMENT]
    assert [one.string for one in words if VENDOR.search(one.string)] == []
