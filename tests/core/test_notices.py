"""Who is told of a run, and what: without a field value, a key or a secret, and never at the run's cost."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from core.loopback import Server, cut, reply
from core.test_figures import report, tally
from core.test_report_page import past
from core.test_target import Stage, record, schema, stage, state

from reverse_etl_core import webhook
from reverse_etl_core.conclusion import Conclusion, notify
from reverse_etl_core.config import CommonConfig
from reverse_etl_core.errors import AuthError, ConfigError
from reverse_etl_core.notices import Event, Notice, as_json, as_slack, event_of
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler

    from reverse_etl_core.report import Report

__all__ = ["stage"]

PATH = "/services/T0/B0/s3cret-of-the-hook"
TOLD = ("people", "too_long")


def clean(**changes: Any) -> Report:
    """A run that rejected nothing."""
    return report(**({"tallies": {"people": tally(10, 0)}} | changes))


@pytest.mark.parametrize(
    ("one", "history", "expected"),
    [
        (clean(), [past()], None),
        (clean(exit_code=1), [past()], Event.FAILED),
        (clean(exit_code=65), [past()], Event.BRAKE),
        (report(exit_code=75), [past(rejected=3)], Event.FAILED),
        (report(), [past()], Event.FIRST_REJECTIONS),
        (report(), [], Event.FIRST_REJECTIONS),
        (report(), [past(rejected=3), past()], None),
        (report(), [past(1), past(None), past(rejected=3)], None),
        (report(), [past(1), past()], Event.FIRST_REJECTIONS),
        (report(), [past(65, rejected=9)], None),
    ],
)
def test_people_are_told_of_what_is_new_to_them(one: Report, history: list[Any], expected: Event | None) -> None:
    """Failures always; rejections when the last run that got so far had none."""
    assert event_of(one, history) is expected


def test_the_json_has_the_documented_shape() -> None:
    """Version, event, names, counts and codes; what is unknown is null."""
    told = as_json(Notice(Event.FAILED, report(exit_code=1, run_id="", message="It failed."), ""))
    assert (told["version"], told["event"], told["run_id"], told["report"]) == (1, "failed", None, None)
    assert told["message"] == "It failed."
    assert told["streams"]["people"]["codes"] == {"too_long": 1}
    assert told["totals"]["rejected"] == 1
    assert json.loads(json.dumps(told)) == told


def test_a_message_for_slack_has_text_and_the_cure() -> None:
    """`text` for notifications, blocks for the details; lengths keep to what Slack takes."""
    streams = {f"stream_{n}_{'x' * 300}": tally(10, 1) for n in range(40)}
    told = as_slack(Notice(Event.BRAKE, report(exit_code=65, message="y" * 9000, tallies=streams), "/reports/x.html"))
    assert "a person must look" in told["text"]
    assert "/reports/x.html" in told["blocks"][-1]["elements"][0]["text"]
    assert all(len(one["text"]["text"]) <= 3000 for one in told["blocks"] if one["type"] == "section")
    told = as_slack(Notice(Event.FIRST_REJECTIONS, report(), ""))
    assert "Cut it in the model." in told["blocks"][1]["text"]["text"]


def test_a_name_mentions_nobody() -> None:
    """Slack's own markup in the name of a stream or sync is text."""
    hostile = "<!channel> <https://example.com|click> & co"
    one = report(sync_id=hostile, account=hostile, message=hostile, exit_code=1, tallies={hostile: tally(3, 0)})
    told = json.dumps(as_slack(Notice(Event.FAILED, one, hostile)))
    assert "<" not in told
    assert "&lt;!channel&gt;" in told


def config(**settings: Any) -> CommonConfig:
    """Settings with a webhook."""
    return CommonConfig.from_mapping(settings, target="target-x", environ={})


@pytest.mark.parametrize(
    ("url", "settings", "expected"),
    [
        ("https://hooks.slack.com/services/x", {}, "slack"),
        ("https://hooks.slack.com/services/x", {"notify_format": "json"}, "json"),
        ("https://chat.example.com/hooks/x", {}, "json"),
        ("https://chat.example.com/hooks/x?sig=1", {"notify_format": "slack"}, "slack"),
        ("http://127.0.0.1:8000/x", {}, "json"),
        ("https://hooks.slack.com.example.com/x", {}, "json"),
    ],
)
def test_the_host_says_the_format_unless_the_user_does(url: str, settings: dict[str, Any], expected: str) -> None:
    """Slack's own host takes Slack's messages."""
    one = config(notify_url=url, **settings)
    assert one.notify_format == expected
    assert PATH not in repr(one)


@pytest.mark.parametrize(
    "url", [f"http://hooks.example.com{PATH}", PATH, f"ftp://x{PATH}", f"https://u:p@hooks.example.com{PATH}", 7]
)
def test_an_address_that_would_leak_is_refused(url: Any) -> None:
    """Plain http leaves this machine for nobody; the message does not show the address."""
    with pytest.raises(ConfigError, match="'notify_url'") as caught:
        config(notify_url=url)
    assert "s3cret" not in str(caught.value)


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All that anybody logs, at the level at which libraries log addresses."""
    with caplog.at_level(logging.DEBUG):
        yield caplog


def send(url: str, **changes: Any) -> str:
    """Post without waiting."""
    return webhook.post(Secret(url), {"a": 1}, user_agent="test", **({"wait": lambda _: None} | changes))


def test_a_notice_arrives(server: Server, everything: pytest.LogCaptureFixture) -> None:
    """One POST of JSON; the log names the host and nothing else of the address, whatever its level."""
    one = config(notify_url=server.url + PATH)
    notify(clean(exit_code=1, message="It failed."), one, Conclusion())
    ((method, path, headers, body),) = server.seen
    assert (method, path, headers["Content-Type"]) == ("POST", PATH, "application/json")
    assert json.loads(body)["message"] == "It failed."
    assert "127.0.0.1" in everything.text
    assert "s3cret" not in everything.text


def test_nobody_is_told_of_a_run_like_the_others(server: Server) -> None:
    """Exit code 0 and nothing rejected: no request."""
    notify(clean(), config(notify_url=server.url + PATH), Conclusion())
    assert server.seen == []


@pytest.mark.parametrize(("status", "attempts"), [(200, 1), (204, 1), (302, 1), (404, 1), (429, 2), (500, 2)])
def test_only_what_may_pass_is_tried_again(server: Server, status: int, attempts: int) -> None:
    """Once more for a busy or broken host; a refusal is final, and a redirect is not followed."""
    server.answer = lambda handler: reply(handler, status, b"", Location=server.url + "/elsewhere")
    problem = send(server.url + PATH)
    assert (problem == "") is (status < 300)
    assert problem.startswith("" if status < 300 else f"status {status}")
    assert len(server.seen) == attempts


@pytest.mark.parametrize("status", [300, 302, 303, 304, 307])
@pytest.mark.parametrize("has_location", [True, False])
def test_a_redirect_is_no_notification(
    server: Server, everything: pytest.LogCaptureFixture, *, status: int, has_location: bool
) -> None:
    """Wherever it leads, nobody was told: the log says so, and nothing goes to another address."""
    headers = {"Location": server.url + "/elsewhere"} if has_location else {}
    server.answer = lambda handler: reply(handler, status, b"", **headers)
    notify(clean(exit_code=1), config(notify_url=server.url + PATH), Conclusion())
    assert [path for _, path, _, _ in server.seen] == [PATH]
    assert f"failed: status {status}, and a redirect is not followed" in everything.text
    assert "Notified" not in everything.text
    assert "s3cret" not in everything.text


def test_a_cut_connection_is_tried_again(server: Server) -> None:
    """The second attempt may succeed."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if len(server.seen) == 1:
            cut(handler)
        else:
            reply(handler, 200, b"")

    server.answer = answer
    assert send(server.url + PATH) == ""
    assert len(server.seen) == 2


def test_a_host_that_is_not_there_is_a_warning(everything: pytest.LogCaptureFixture) -> None:
    """It names the setting and the host, and the run goes on to its own end."""
    one = config(notify_url=f"http://127.0.0.1:9{PATH}")
    notify(clean(exit_code=1), one, Conclusion(), wait=lambda _: None)
    (warning,) = (one.getMessage() for one in everything.records if one.levelno == logging.WARNING)
    assert "'127.0.0.1' failed: ConnectionError. Check 'notify_url'." in warning
    assert "s3cret" not in everything.text


def test_nobody_waits_for_a_host_that_never_ends(server: Server) -> None:
    """An answer that comes byte by byte is given up at the deadline."""
    done = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):
            while not done.wait(0.02):
                handler.wfile.write(b"H")
                handler.wfile.flush()

    server.answer = drip
    assert send(server.url + PATH, deadline_s=0.3) == "no answer in time"
    done.set()


def test_a_netrc_does_not_reach_the_hook(server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of the machine for that host are not sent along."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login u password p\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth(server.url) is not None
    send(server.url + PATH)
    assert "Authorization" not in server.seen[0][2]


def test_rejections_are_told_once(stage: Stage, server: Server) -> None:
    """Through the front door: told when they begin, not again while they go on, again after a run without any."""
    url = server.url + PATH
    events: list[str] = []

    def run(at: int, *names: str) -> None:
        rows = [record(key=f"{at}-{n}", name=name) for n, name in enumerate(names)]
        assert stage.run([schema(), *rows, state(at)], notify_url=url, max_rejected_percent=100) == [at]
        events[:] = [json.loads(body)["event"] for *_, body in server.seen]

    secret = "x" * 21 + "s3cret-of-a-customer"
    run(1, "fine")
    assert events == []
    run(2, secret)
    run(3, secret)
    assert events == ["first_rejections"]
    run(4, "fine")
    run(5, secret)
    assert events == ["first_rejections"] * 2
    assert b"s3cret" not in b"".join(body for *_, body in server.seen)


def test_a_brake_is_told(stage: Stage, server: Server) -> None:
    """Exit code 65 is an event of its own, with what the brake says."""
    rows = [record(key=str(n), name="x" * 21) for n in range(20)]
    stage.run([schema(), *rows, state(1)], notify_url=server.url + PATH)
    (told,) = (json.loads(body) for *_, body in server.seen)
    assert (stage.exit_code, told["event"], told["exit_code"]) == (65, "brake", 65)
    assert "max_rejected_percent" in told["message"]


def test_a_run_that_never_reached_the_account_is_told(stage: Stage, server: Server) -> None:
    """Refused credentials end a run before there is a ledger; somebody should know all the more."""

    class Refused(stage.target):  # type: ignore[name-defined,misc] - the class of this test's stage
        def connect(self, *args: Any) -> Any:
            destination = super().connect(*args)

            def account() -> str:
                raise AuthError("The token is refused. Create another one.")

            destination.account = account
            return destination

    stage.target = Refused
    stage.run([schema(), record(key="a", name="x"), state(1)], notify_url=server.url + PATH)
    (told,) = (json.loads(body) for *_, body in server.seen)
    assert (stage.exit_code, told["event"], told["run_id"], told["account"]) == (78, "failed", None, "")
    assert told["message"] == "The token is refused. Create another one."


def test_a_hook_that_fails_costs_nothing(stage: Stage, server: Server) -> None:
    """The exit code and STATE are those of the run."""
    server.answer = lambda handler: reply(handler, 404, b"")
    rows = [record(key="a", name="x" * 21), record(key="b", name="fine")]
    assert stage.run([schema(), *rows, state(1)], notify_url=server.url + PATH, max_rejected_percent=100) == [1]
    assert stage.exit_code == 0


def test_the_documented_example_is_the_shape() -> None:
    """docs/operations.md shows every key of the JSON, and no others."""
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    (example,) = (json.loads(one) for one in re.findall(r"```json\n(.*?)```", text, re.DOTALL))
    told = as_json(Notice(Event.FIRST_REJECTIONS, report(), "/reports/x.html"))
    assert example.keys() == told.keys()
    assert example["totals"].keys() == told["totals"].keys()
    assert example["streams"]["contacts"].keys() == told["streams"]["people"].keys()
    assert all(f"`{one.value}`" in text for one in Event)
