"""`report.html`: self-contained, escaped, and with what the report says."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from core.test_figures import report, tally

from reverse_etl_core import charts
from reverse_etl_core.errors import EXIT_BRAKE, EXIT_CONFIG, EXIT_FAILURE, EXIT_OK, EXIT_TRY_LATER
from reverse_etl_core.ledger.history import PastRun
from reverse_etl_core.report_page import RUNS_SHOWN, ending, report_html
from reverse_etl_core.tally import Fate, Tally

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e'\"&"


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.loose: list[str] = []
        self.path: list[str] = []
        self.feed(text)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        self.path.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note where it ends, and all within it that have no end tag."""
        while self.path and self.path.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Note text, and whether it is kept from turning around what stands beside it."""
        self.words.append(data)
        if not {"bdi", "title", "script"} & set(self.path):
            self.loose.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def assert_self_contained(text: str) -> None:
    """Nothing is loaded from anywhere, nothing runs but what the policy names by its hash."""
    page = Page(text)
    assert not {name for name, _ in page.elements} & {"img", "link", "iframe", "object", "embed", "base", "form"}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "href", "style"}]
    (policy,) = (str(one["content"]) for one in page.named("meta") if one.get("http-equiv") is not None)
    assert policy.startswith("default-src 'none'")
    for tag in ("style", "script"):
        for content in re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r"url\(|@import|https?://", text.replace("'", ""))


def past(exit_code: int | None = 0, rejected: int = 0, **counts: Any) -> PastRun:
    """An earlier run."""
    fates = {"records_read": 0} | {fate.value: 0 for fate in Fate} | {"rejected": rejected} | counts
    return PastRun(1_800_000_000_000, exit_code, fates, 3, 1.5)


def test_the_page_is_one_file_that_asks_for_nothing() -> None:
    """No resource, no script, no handler, and a policy that would forbid them."""
    assert_self_contained(report_html(report(), [past()]))


@pytest.mark.parametrize("name", ["sync_id", "account", "message", "stream", "object"])
def test_names_are_text_and_never_markup(name: str) -> None:
    """Names that users choose are escaped, and turn nothing around that stands beside them."""
    changes: dict[str, Any] = {name: HOSTILE}
    if name == "stream":
        changes = {"tallies": {HOSTILE: tally(10, 1)}, "objects": {}}
    elif name == "object":
        changes = {"objects": {"people": HOSTILE}}
    text = report_html(report(**changes), [])
    assert_self_contained(text)
    assert "<img src=x onerror=alert(1)>" in Page(text).text
    assert "\u202e" not in "".join(Page(text).loose)


def test_counts_codes_cures_and_requests_are_shown() -> None:
    """What is in report.json stands on the page, and what to do with each code."""
    page = Page(report_html(report(message="The quota is used up.", exit_code=EXIT_TRY_LATER), []))
    for words in (
        "9 created", "1 rejected", "too_long", "Cut it in the model.", "The quota is used up.", "60 of 100 used",
        "POST /people/batch", "try later",
    ):  # fmt: skip
        assert words in page.text, words


def test_a_run_without_streams_has_a_page() -> None:
    """An empty input is reported like any other."""
    assert "No stream arrived." in Page(report_html(report(tallies={}, objects={}), [])).text


def test_the_last_thirty_runs_are_shown_newest_first() -> None:
    """This run, and 29 before it; one that was killed says so."""
    history = [past(None), past(EXIT_BRAKE, 7), *(past(created=1000 + n) for n in range(40))]
    text = report_html(report(), history)
    rows = re.findall(r"<tr><td class=\"nowrap\">.*?</tr>", text)
    assert len(rows) == RUNS_SHOWN
    assert "killed" in rows[1]
    assert ">65<" in rows[2]


def test_every_chart_has_words_and_a_table() -> None:
    """Who cannot see the charts finds their numbers in tables."""
    page = Page(report_html(report(), []))
    assert all(one.get("aria-label") or one.get("aria-hidden") for one in page.named("svg"))
    assert len(page.named("table")) >= 4


@pytest.mark.parametrize("code", [EXIT_OK, EXIT_FAILURE, EXIT_BRAKE, EXIT_TRY_LATER, EXIT_CONFIG, 130, 42])
def test_every_exit_code_has_words(code: int) -> None:
    """Only 0 is good."""
    kind, words = ending(code)
    assert (kind == "good") == (code == EXIT_OK)
    assert words


def test_a_bar_is_full_and_shows_what_is_rare() -> None:
    """One of a million is seen, and the pieces fill the bar."""
    parts = charts.stacked({"created": 1, "updated": 0, "unchanged": 999_999})
    assert [one.name for one in parts] == ["created", "unchanged"]
    assert parts[0].width > 0.5
    assert sum(one.width for one in parts) == pytest.approx(100, abs=0.01)
    assert charts.stacked({"created": 0}) == []


def test_columns_stay_within_their_chart() -> None:
    """Whatever the values, from none to many."""
    for values in ([], [0.0], [0.001, 5e9], [float(n % 7) for n in range(120)]):
        chart = charts.columns(values, [str(one) for one in values], places=15)
        for one in chart.columns:
            assert 0 <= one.x <= one.x + one.width <= 100.01
            assert 0 <= one.y <= 100
            assert one.y + one.height == pytest.approx(100, abs=0.01)


def test_retried_records_are_told() -> None:
    """What earlier runs left is no part of the bar, but said below it."""
    one = Tally(read=1)
    one.settle(Fate.UPDATED)
    one.settle(Fate.CREATED, 31, is_replay=True)
    assert "Of earlier runs, settled now: 31 created." in Page(report_html(report(tallies={"people": one}), [])).text
