"""What people see of a run of the command: report, metrics, notice."""

from __future__ import annotations

import json
import re
import stat
from typing import TYPE_CHECKING

from core.loopback import serving

if TYPE_CHECKING:
    from conformance.stage import Stage

SECRET = "s3cret-value-of-a-customer"


def test_a_run_with_rejects_is_told_everywhere_without_a_value(stage: Stage) -> None:
    """Page, report.json, metrics and notice agree on the counts, and none of them holds a value or a secret."""
    rows = [*(stage.record(n) for n in range(20)), stage.record(99, SECRET, plan=SECRET)]
    with serving() as hook:
        result = stage.run_command(stage.messages(rows), notify_url=f"{hook.url}/hook/s3cret-path")
        bodies = [body.decode() for *_, body in hook.seen]
    assert (result.exit_code, result.totals["created"], result.codes) == (0, 20, {"invalid_option": 1})
    (page,) = stage.root.glob("reports/*/report.html")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    text = page.read_text(encoding="utf-8")
    assert "20 created" in text
    assert "add the option at the destination" in text
    points = [json.loads(one) for one in re.findall(r'METRIC: (\{"type".*\})', result.log)]
    settled = {one["tags"]["outcome"]: one["value"] for one in points if one["metric"] == "settled_count"}
    assert settled == {"created": 20, "rejected": 1}
    (told,) = (json.loads(body) for body in bodies)
    assert (told["event"], told["streams"]["people"]["codes"]) == ("first_rejections", {"invalid_option": 1})
    everything = "".join([text, json.dumps(result.report), result.log, *bodies])
    for secret in ("s3cret", str(stage.vendor.settings["access_token"])):
        assert secret not in everything


def test_the_timeline_adds_up(stage: Stage) -> None:
    """Over all intervals: every record settled once, every request counted."""
    report = stage.run(stage.messages([stage.record(n) for n in range(250)])).report
    assert report is not None
    assert sum(report["timeline"]["settled"]) == 250
    assert sum(report["timeline"]["requests"]) == report["requests"]["total"]


def test_the_page_shows_the_runs_before(stage: Stage) -> None:
    """The third run's page has three rows of history."""
    for text in ("one", "two", "three"):
        stage.deliver([stage.record(1, text)])
    newest = max(stage.root.glob("reports/*/report.html"), key=lambda path: path.stat().st_mtime_ns)
    assert len(re.findall(r'<td class="nowrap">', newest.read_text(encoding="utf-8"))) == 3
