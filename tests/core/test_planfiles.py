"""The files of a plan: complete, bounded, masked where it was asked for, and safe to open."""

from __future__ import annotations

import json
import re
import stat
import tracemalloc
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from core.test_report_page import HOSTILE, Page, assert_self_contained

from reverse_etl_core.errors import FatalError
from reverse_etl_core.plan_markdown import plan_markdown
from reverse_etl_core.plan_page import FIELDS_SHOWN, FLOOR, LINES_SHOWN, LONGEST_VALUE, ShownLines
from reverse_etl_core.plan_table import WIDTH, table
from reverse_etl_core.planfiles import Action, ObjectPlan, PlanLine, PlanSummary, PlanWriter
from reverse_etl_core.planlines import MASK, masked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SECRET = "s3cret-of-a-customer"


def line(action: Action = Action.UPDATE, **changes: Any) -> PlanLine:
    """A line; its keys belong to fields that are known."""
    given: dict[str, Any] = {
        "stream": "people", "object": "contacts", "source_key": '{"n":1}', "match_key": "a@example.com",
        "match_field": "email", "key_fields": ("n",), "action": action, "fields": {"name": ("Ada", "Grace")},
    }  # fmt: skip
    return PlanLine(**(given | changes))


def summary(**changes: Any) -> PlanSummary:
    """What a plan says beyond its lines."""
    given: dict[str, Any] = {
        "plan_id": "7f3a", "target": "target-x", "sync_id": "sync", "account": "1", "made_at": 0.0, "requests": 12,
        "seconds": 75.0, "daily_limit": 1000, "daily_remaining": 400, "brakes": ("Too many would be removed.",),
        "way_on": "Run again without 'dry_run'.",
    }  # fmt: skip
    return PlanSummary(**(given | changes))


def write(folder: Path, lines: Iterable[PlanLine], *, redact: Iterable[str] = (), **changes: Any) -> dict[str, Any]:
    """A whole plan: its lines as they are in the file, its page, and the lines that the page shows."""
    with PlanWriter(folder, redact=frozenset(redact)) as writer:
        for one in lines:
            writer.add(one)
        counts = writer.finish(summary(**changes))
    page = (folder / "plan.html").read_text(encoding="utf-8")
    text = (folder / "plan.jsonl").read_text(encoding="utf-8")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return {
        "counts": counts,
        "lines": [json.loads(one, parse_float=Decimal) for one in text.split("\n") if one],
        "text": text,
        "page": page,
        "shown": json.loads(data),
    }


def test_a_line_holds_what_would_change(tmp_path: Path) -> None:
    """Keys, action, code and fields with both values, exactly as they are; nothing of our own bookkeeping."""
    exact = Decimal("0.1000000000000000055")
    fields = {"price": (Decimal("1.10"), exact), "tags": (None, ["a", "b"]), "vip": (True, None)}
    (one,) = write(tmp_path, [line(fields=fields, destination_id="9", code="x", is_replay=True)])["lines"]
    assert one == {
        "stream": "people", "object": "contacts", "source_key": '{"n":1}', "match_key": "a@example.com",
        "action": "update", "destination_id": "9", "code": "x", "reason": "", "is_replay": True,
        "fields": {"price": [Decimal("1.10"), exact], "tags": [None, ["a", "b"]], "vip": [True, None]},
    }  # fmt: skip


def test_the_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    """Files 0600 and folder 0700, also where a file of an earlier plan was open to others."""
    folder = tmp_path / "plans"
    folder.mkdir(mode=0o700)
    (folder / "plan.html").touch(mode=0o666)
    write(folder, [line()])
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "plan.html": 0o600,
        "plan.jsonl": 0o600,
        "plan.md": 0o600,
    }
    write(tmp_path / "new", [line()])
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_plan_that_broke_off_is_none(tmp_path: Path) -> None:
    """Without `finish` there is no file under a plan's name, and an earlier one stays as it was."""
    write(tmp_path, [line(stream="first")])

    def break_off() -> None:
        with PlanWriter(tmp_path) as writer:
            writer.add(line(stream="second"))
            raise FatalError("The network is gone.")

    with pytest.raises(FatalError, match="network"):
        break_off()
    assert '"stream":"first"' in (tmp_path / "plan.jsonl").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A plan is all that a dry run is for: the message names the setting."""
    (tmp_path / "file").touch()
    with pytest.raises(FatalError, match="report_dir"), PlanWriter(tmp_path / "file" / "plan"):
        pass


def test_counts_are_of_all_records_and_lines_of_those_that_were_added(tmp_path: Path) -> None:
    """What is only counted is in the summary, by stream and object, with codes and changed fields."""
    with PlanWriter(tmp_path) as writer:
        writer.add(line(Action.REJECT, code="too_long", fields={}))
        writer.add(line(Action.CREATE, fields={"name": (None, "x")}))
        writer.add(line())
        writer.add(line(object="companies", is_replay=True))
        writer.count("people", "contacts", Action.UNCHANGED, 5000)
        writer.count("people", "contacts", Action.SKIP, 7, code="policy")
        counts = writer.finish(summary())
    contacts = counts["people", "contacts"]
    assert contacts.actions == Counter(reject=1, create=1, update=1, unchanged=5000, skip=7)
    assert contacts.codes == {(Action.REJECT, "too_long"): 1, (Action.SKIP, "policy"): 7}
    assert contacts.fields == {"name": 1}
    assert counts["people", "companies"].replays == 1
    assert len((tmp_path / "plan.jsonl").read_text(encoding="utf-8").splitlines()) == 4
    page = Page((tmp_path / "plan.html").read_text(encoding="utf-8"))
    for words in ("5 000 unchanged", "Cut it in the model.", "1.2 % of the daily quota", "Too many would"):
        assert words in page.text


# -- redaction


def test_redacted_values_are_nowhere(tmp_path: Path) -> None:
    """Neither value of the field is in any file; null stays null, other fields are shown."""
    fields = {"phone": (SECRET, SECRET * 2), "fax": (None, SECRET), "name": ("a", "b")}
    plan = write(tmp_path, [line(fields=fields)], redact={"phone", "fax"})
    assert SECRET not in plan["text"] + plan["page"]
    assert plan["lines"][0]["fields"] == {"phone": [MASK, MASK], "fax": [None, MASK], "name": ["a", "b"]}
    assert plan["lines"][0]["match_key"] == "a@example.com"


@pytest.mark.parametrize(
    ("changes", "source", "match"),
    [
        ({"match_field": "email", "key_fields": ("n",)}, False, True),
        ({"match_field": "n", "key_fields": ("n", "email")}, True, False),
        ({"match_field": "n", "key_fields": ()}, False, False),
        ({"match_field": None, "key_fields": None}, True, True),
    ],
)
def test_a_key_is_masked_with_its_field(changes: dict[str, Any], *, source: bool, match: bool) -> None:
    """A key is a value too; where nobody says whose, it is masked."""
    one = masked(line(**changes), frozenset({"email"}))
    assert (one.source_key == MASK, one.match_key == MASK) == (source, match)
    assert masked(line(**changes), frozenset()) == line(**changes)
    assert masked(line(match_key=None, **changes), frozenset({"email"})).match_key is None


# -- hostile content


@pytest.mark.parametrize("name", ["stream", "object", "source_key", "match_key", "destination_id", "code", "reason"])
def test_hostile_text_is_data(tmp_path: Path, name: str) -> None:
    """Markup in any text neither ends the block of data nor becomes an element."""
    plan = write(tmp_path, [line(Action.REJECT, **{name: HOSTILE})])
    assert_self_contained(plan["page"])
    assert HOSTILE in plan["shown"][0].values()
    assert "\u202e" not in "".join(Page(plan["page"]).loose)


@pytest.mark.parametrize("value", [HOSTILE, "<!--<script>", "]]>", "\u2028", "\x00", "\ud800", float("nan"), 10**400])
def test_hostile_values_are_data(tmp_path: Path, value: Any) -> None:
    """Values too, and what is no text or no JSON harms nobody."""
    plan = write(tmp_path, [line(fields={str(value)[:50]: (None, value), "b": ("x", [str(value)[:50]])})])
    assert_self_contained(plan["page"])
    assert len(plan["lines"]) == 1
    assert "<" not in re.sub(r"^.*?id=\"data\">|</script>.*$", "", plan["page"], flags=re.DOTALL)


def test_hostile_words_of_the_summary_are_text(tmp_path: Path) -> None:
    """Names and sentences around the lines are escaped as well."""
    texts = dict.fromkeys(("plan_id", "target", "sync_id", "account", "way_on"), HOSTILE)
    assert_self_contained(write(tmp_path, [line()], **texts, brakes=(HOSTILE,))["page"])


def test_long_values_are_cut_on_the_page_only(tmp_path: Path) -> None:
    """A megabyte is 500 characters there, with its length, and whole in plan.jsonl."""
    plan = write(tmp_path, [line(fields={"note": ("", "x" * 1_000_000)})])
    assert len(plan["lines"][0]["fields"]["note"][1]) == 1_000_000
    (_, _, shown) = plan["shown"][0]["fields"][0]
    assert shown == "x" * LONGEST_VALUE + "… (1,000,000 characters)"
    assert len(plan["page"]) < 100_000


def test_values_of_another_kind_are_told_apart(tmp_path: Path) -> None:
    """The text `1` and the number 1 look different; null, empty and absent are three things."""
    fields = {"a": ("1", 1), "b": (True, "true"), "c": (None, ""), "d": (1, Decimal("1.0"))}
    shown = {name: change for name, *change in write(tmp_path, [line(fields=fields)])["shown"][0]["fields"]}
    assert shown == {
        "a": ["1 (text)", "1 (number)"],
        "b": ["true (boolean)", "true (text)"],
        "c": [None, ""],
        "d": ["1", "1.0"],
    }


# -- bounds


def test_the_page_shows_what_a_person_has_to_look_at(tmp_path: Path) -> None:
    """Rejections and removals before creates and updates; what is left out is counted and in the file."""
    kinds_in_turn = (Action.UPDATE, Action.CREATE, Action.REMOVE, Action.REJECT)
    lines = [line(action) for _ in range(1000) for action in kinds_in_turn]
    plan = write(tmp_path, lines)
    kinds = Counter(one["action"] for one in plan["shown"])
    assert list(kinds) == ["reject", "remove", "create", "update"]
    assert (sum(kinds.values()), kinds["reject"], kinds["update"]) == (LINES_SHOWN, 1000, FLOOR)
    assert len(plan["lines"]) == 4000
    assert "2 000 more are in" in Page(plan["page"]).text
    numbers = [one["n"] for one in plan["shown"] if one["action"] == "reject"]
    assert numbers == list(range(4, 4001, 4))


def test_few_lines_of_a_kind_are_never_crowded_out() -> None:
    """A hundred creates are shown beside ten thousand rejections, whichever come first."""
    for order in ((Action.CREATE, Action.REJECT), (Action.REJECT, Action.CREATE)):
        shown = ShownLines()
        for action in order:
            for number in range(150 if action is Action.CREATE else 10_000):
                shown.offer(number, line(action))
        kinds = Counter(one["action"] for one in shown.lines())
        assert kinds == {"reject": LINES_SHOWN - FLOOR, "create": FLOOR}


def test_wide_records_do_not_make_the_page_endless() -> None:
    """Fields beyond the fortieth are counted, and all lines together keep to a budget of characters."""
    wide = line(fields={f"field_{n}": ("x" * 600, "y" * 600) for n in range(100)})
    shown = ShownLines(budget=500_000)
    for number in range(200):
        shown.offer(number, wide)
    found = shown.lines()
    assert len(json.dumps(found)) <= 510_000
    assert len(found) >= 10
    assert (len(found[0]["fields"]), found[0]["more"]) == (FIELDS_SHOWN, 100 - FIELDS_SHOWN)


def test_memory_does_not_grow_with_the_plan(tmp_path: Path) -> None:
    """Thirty thousand lines take no more room than ten thousand."""

    def peak(count: int) -> int:
        tracemalloc.start()
        with PlanWriter(tmp_path) as writer:
            for number in range(count):
                writer.add(line(source_key=str(number)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(30_000) < 1.1 * peak(10_000)


# -- on the terminal


def test_the_table_has_counts_and_names_but_no_values(tmp_path: Path) -> None:
    """Lines of at most 100 ASCII characters, with the estimate, the brakes and the way on."""
    lines = [line(fields={"name": (SECRET, SECRET)}, match_key=SECRET, source_key=SECRET, destination_id=SECRET)]
    lines += [line(Action.REJECT, code="invalid_email", reason="'email' is not valid.")] * 3
    counts = write(tmp_path, lines)["counts"]
    text = "\n".join(table(counts, summary()))
    assert SECRET not in text
    assert re.search(r"^people +contacts +0 +1 +0 +0 +3 +0$", text, re.MULTILINE)
    for words in ("reject: 3 invalid_email", "name 1", "12 requests, 1.2 %", "This would stop the run", "'dry_run'"):
        assert words in text


def test_the_table_keeps_its_width_whatever_the_names() -> None:
    """No name breaks a line or begins one of its own, no number joins its neighbour."""
    one = ObjectPlan()
    for action in Action:
        one.add(action, code=f"code_\n{'x' * 300}" if action is Action.REJECT else "", count=123_456_789)
    one.fields.update({f"field_{'y' * 90}_{n}": 1 for n in range(50)})
    name = "stream\nERROR \x1b[31mé" + "z" * 300
    lines = table({(name, name): one}, summary(brakes=(name,), way_on=name, daily_limit=None, seconds=None))
    assert all(len(text) <= WIDTH and text.isascii() and text.isprintable() for text in lines)
    assert "123.5M    123.5M" in lines[3]
    assert "and 38 more" in " ".join(" ".join(lines).split())


# -- for a pull request


def test_the_markdown_has_counts_and_names_but_no_values(tmp_path: Path) -> None:
    """Whoever may read a pull request sees how many records, which fields, which codes and what to do, and no value."""
    lines = [line(fields={"name": (SECRET, SECRET)}, match_key=SECRET, source_key=SECRET, destination_id=SECRET)]
    lines += [line(Action.REJECT, code="invalid_email", reason="'email' is not valid.")] * 3
    write(tmp_path, lines)
    text = (tmp_path / "plan.md").read_text(encoding="utf-8")
    assert SECRET not in text
    assert "\n| `people` | `contacts` | 0 | 1 | 0 | 0 | 0 | 3 | 0 |\n" in text
    assert "\n| `people` | `name` | 1 |\n" in text
    assert re.search(r"^\| `people` \| reject \| `invalid_email` \| 3 \| \S.+ \|$", text, re.MULTILINE)
    for words in ("### Stopped: plan of `sync`", "> **This would stop the run:** Too many", "12 requests, 1.2 %"):
        assert words in text


def test_the_markdown_takes_no_name_for_markup() -> None:
    """Names neither break a table, nor begin a heading, nor mention anybody, nor become HTML."""
    name = "a|b` @team <img src=x>\n# heading\n| x"
    one = ObjectPlan()
    one.add(Action.REJECT, code=name)
    one.fields[name] = 1
    text = plan_markdown({(name, name): one}, summary(brakes=(f"'{name}' is held.",), way_on=name, sync_id=name))
    for found in text.splitlines():
        outside = re.sub(r"`[^`]*`", "", found)
        assert "<img" not in outside
        assert "@team" not in outside
        assert not found.startswith("# ")
    rows = [one for one in text.splitlines() if one.startswith("|")]
    widths = {len(re.split(r"(?<!\\)\|", row)) - 2 for row in rows}
    assert widths == {9, 5, 3}


def test_the_markdown_fits_into_a_comment() -> None:
    """A comment on GitHub takes 65,536 characters; what is left out is counted."""
    counts = {}
    for number in range(100):
        one = counts[f"{'s' * 300}{number}", "o" * 300] = ObjectPlan()
        for action in Action:
            one.add(action, code="invalid_email", count=10**9)
        one.fields.update({f"{'f' * 300}{field}": 10**9 for field in range(100)})
    text = plan_markdown(counts, summary())
    assert len(text) < 65_536
    assert "9,960 more rows are in `plan.html`." in text
