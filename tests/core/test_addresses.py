from __future__ import annotations

import pytest

from reverse_etl_core import addresses
from reverse_etl_core.settings_reader import SettingsReader

LIKE = "https://api.example.com"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("api.example.com", "like https://api.example.com"),
        ("https://[::1", "like"),
        ("https://host:port", "like"),
        ("https://a host", "like"),
        ("https://user:SECRET@host", "without user"),
        ("https://host/?key=SECRET", "without user"),
        ("http://127.0.0.1.example.com", "https"),
        ("http://10.0.0.1", "https"),
    ],
)
def test_a_bad_address_is_named_without_being_shown(text: str, words: str) -> None:
    """What cannot be called, or over which a token would leak, is told from what is only missing (G7)."""
    problem = addresses.problem(text, like=LIKE) or ""
    assert words in problem
    assert "SECRET" not in problem


@pytest.mark.parametrize("text", [LIKE, "https://proxy.example.com/path", "http://localhost:80", "http://127.8.0.1"])
def test_a_good_address_has_no_problem(text: str) -> None:
    """Any host over https; over http only this machine."""
    assert addresses.problem(text, like=LIKE) is None


@pytest.mark.parametrize(("value", "flag"), [(True, True), (False, False), ("TRUE", True), ("false ", False)])
def test_a_flag_is_read_from_words_too(value: object, flag: bool) -> None:  # noqa: FBT001 - what is expected
    """The environment has no booleans."""
    reader = SettingsReader({"one": value})
    assert reader.flag("one", default=not flag) is flag
    assert reader.problems == []


@pytest.mark.parametrize("value", ["", "yes", 1, 0, []])
def test_what_is_no_flag_is_refused(value: object) -> None:
    """Nothing else is taken for yes or for no."""
    reader = SettingsReader({"one": value})
    reader.flag("one", default=False)
    assert reader.problems == ["'one' must be true or false."]
