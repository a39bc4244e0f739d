"""The only module that opens a socket, against a server on loopback."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from core.loopback import SECRET, Server, Tokens, cut, reply, transport, truncate

from reverse_etl_core.errors import AuthError, FatalError, QuotaExhaustedError, TransportError, UnknownOutcomeError
from reverse_etl_core.traffic import Traffic
from reverse_etl_core.transport import Reply, Request

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

CREATE = Request("POST", "/people", json={"name": SECRET}, is_write=True, is_idempotent=False)
UPSERT = Request("POST", "/people", json={"name": SECRET}, is_write=True)
READ = Request("GET", "/people")


def test_a_request_is_sent_as_compact_json(server: Server) -> None:
    """UTF-8, no blanks, the user agent of the package, and its answer back."""
    server.answer = lambda handler: reply(handler, 200, b'{"ok": true}')
    sent = Request("POST", "/p", json={"a": [1, "\u00e9"]}, query={"q": "1 2"})
    assert transport(server.url, credentials=Tokens()).send(sent).json() == {"ok": True}
    method, path, headers, body = server.seen[0]
    assert (method, path, body) == ("POST", "/p?q=1+2", '{"a":[1,"\u00e9"]}'.encode())
    assert (headers["User-Agent"], headers["Content-Type"]) == ("test/1", "application/json")
    assert headers["Authorization"] == f"Bearer {SECRET}-0"


def test_a_public_request_carries_no_credentials(server: Server) -> None:
    """A token endpoint gets a form and no token."""
    sent = Request("POST", "/token", form={"code": "a b"}, is_public=True)
    transport(server.url, credentials=Tokens()).send(sent)
    _, _, headers, body = server.seen[0]
    assert "Authorization" not in headers
    assert body == b"code=a+b"


def test_an_expired_token_is_renewed_once_for_all_threads(server: Server) -> None:
    """Eight threads meet the same 401: one renewal, every request succeeds, none is sent more than twice."""
    gate = threading.Barrier(8)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers["Authorization"].endswith("-0"):
            gate.wait(10)
            reply(handler, 401, b"{}")
        else:
            reply(handler, 200, b"{}")

    server.answer = answer
    tokens = Tokens()
    one = transport(server.url, credentials=tokens)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(one.send(CREATE).status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses, tokens.renewals, len(server.seen)) == ([200] * 8, 1, 16)


@pytest.mark.parametrize(("status", "requests"), [(401, 2), (403, 1)])
def test_credentials_that_stay_refused_end_the_run(server: Server, status: int, requests: int) -> None:
    """A renewed token that is refused as well, or a missing scope, is not tried again."""
    server.answer = lambda handler: reply(handler, status, b"{}")
    with pytest.raises(AuthError):
        transport(server.url, credentials=Tokens()).send(UPSERT)
    assert len(server.seen) == requests


@pytest.mark.parametrize("status", [429, 500])
def test_a_passing_failure_is_repeated(server: Server, status: int) -> None:
    """Until it succeeds; retries are counted."""
    server.answer = lambda handler: reply(handler, status if len(server.seen) < 3 else 200, b"{}")
    traffic = Traffic()
    assert transport(server.url, traffic=traffic).send(UPSERT).status == 200
    assert (traffic.requests, traffic.retries, traffic.statuses) == (3, 2, {status: 2, 200: 1})


def test_a_create_that_may_have_been_applied_is_not_repeated(server: Server) -> None:
    """G2: 500 after a create is for the caller to find out."""
    server.answer = lambda handler: reply(handler, 500, b"{}")
    with pytest.raises(UnknownOutcomeError):
        transport(server.url).send(CREATE)
    assert len(server.seen) == 1


def test_a_refused_create_is_repeated(server: Server) -> None:
    """429 says that nothing was applied."""
    server.answer = lambda handler: reply(handler, 429 if len(server.seen) < 2 else 200, b"{}")
    assert transport(server.url).send(CREATE).status == 200


@pytest.mark.parametrize("answer", [cut, truncate])
def test_an_answer_that_is_cut_is_an_unknown_outcome(server: Server, answer: Any) -> None:
    """The request may have been applied; it is noted as a write in doubt."""
    server.answer = answer
    traffic = Traffic()
    with pytest.raises(UnknownOutcomeError) as caught:
        transport(server.url, traffic=traffic).send(CREATE)
    assert (traffic.requests, traffic.failures, traffic.writes, traffic.uncertain_here()) == (1, 1, 1, 1)
    assert SECRET not in str(caught.value)


def test_a_held_answer_is_an_unknown_outcome(server: Server) -> None:
    """A time-out while reading says nothing of what was applied."""
    release = threading.Event()
    server.answer = lambda _handler: (release.wait(5), None)[1]
    with pytest.raises(UnknownOutcomeError):
        transport(server.url, timeout_s=(1.0, 0.1)).send(CREATE)
    release.set()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
def test_a_connection_that_never_was_did_not_apply_anything(url: str) -> None:
    """Refused connections and unknown hosts may be repeated, also for creates."""
    traffic = Traffic()
    with pytest.raises(TransportError, match="cannot be reached"):
        transport(url, traffic=traffic).send(CREATE)
    assert (traffic.requests, traffic.uncertain_here()) == (3, 0)


def test_a_page_instead_of_json_is_an_unknown_outcome(server: Server) -> None:
    """A proxy's HTML with status 200 is no answer of the API; its content is not shown."""
    server.answer = lambda handler: reply(handler, 200, f"<html>{SECRET}</html>".encode())
    answer = transport(server.url).send(READ)
    with pytest.raises(UnknownOutcomeError, match="not JSON") as caught:
        answer.json()
    assert SECRET not in str(caught.value)
    assert answer.json_or_none() is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": [1.5, "\xc3\xa9"]}', {"a": [1.5, "\u00e9"]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),
        (b'{"a": Infinity}', {"a": float("inf")}),
        (b'{"a": 1e999}', {"a": float("inf")}),
        ('{"a": 1}'.encode("utf-16"), {"a": 1}),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"null", None),
    ],
)
def test_a_body_is_read_as_python_reads_json(body: bytes, expected: Any) -> None:
    """What is not by the book of JSON is read too, where Python reads it; and `null` is an answer."""
    assert json.loads(body) == expected
    assert Reply(200, body=body).json() == expected
    assert Reply(200, body=body).json_or_none() == expected


def test_a_body_is_read_once() -> None:
    """Whoever looks first whether an answer is a failure reads it for whoever comes next."""
    answer = Reply(200, body=b'{"a": 1}')
    assert answer.json_or_none() is answer.json()


def test_a_redirect_is_not_followed(server: Server) -> None:
    """A token is never carried to another place."""
    server.answer = lambda handler: reply(handler, 302, b"", Location=f"{server.url}/elsewhere")
    with pytest.raises(FatalError, match="302"):
        transport(server.url, credentials=Tokens()).send(READ)
    assert len(server.seen) == 1


def test_a_quota_that_another_worker_saw_used_up_stops_writes_too(server: Server) -> None:
    """Told by the limits that workers share, and although this one's own last reading is far below."""
    one = transport(server.url, daily_quota_percent=80)
    one._limiter._daily = (1000, 150, one._clock())
    with pytest.raises(QuotaExhaustedError, match="85 %"):
        one.send(UPSERT)
    one.send(READ)
    assert [method for method, *_ in server.seen] == ["GET"]


def test_a_used_up_share_of_the_quota_stops_writes_and_not_reads(server: Server) -> None:
    """G6: at 80 % nothing more is written, and nothing was sent."""
    server.answer = lambda handler: reply(handler, 200, b"{}", X_Limit="1000", X_Left="200")
    one = transport(server.url, daily_quota_percent=80)
    one.send(UPSERT)
    with pytest.raises(QuotaExhaustedError, match="80 % of the account's daily quota of 1000"):
        one.send(UPSERT)
    one.send(READ)
    assert len(server.seen) == 2


def test_tls_that_cannot_be_verified_ends_the_run(server: Server) -> None:
    """A host that does not speak TLS is a wrong setting, not a passing failure."""
    with pytest.raises(FatalError, match="Check the URL setting and the certificate"):
        transport(server.url.replace("http://", "https://")).send(READ)


@pytest.mark.parametrize("url", ["no-scheme", "http://", "ftp://127.0.0.1"])
def test_a_url_that_is_none_ends_the_run(url: str) -> None:
    """At once, naming it."""
    with pytest.raises(FatalError, match="URL"):
        transport(url).send(READ)


def test_a_token_with_a_line_break_ends_the_run_without_showing_it(server: Server) -> None:
    """A token that was copied with its line break is a wrong setting."""

    class Broken(Tokens):
        def authorization(self) -> str:
            return f"Bearer {SECRET}\n"

    with pytest.raises(FatalError, match="line break") as caught:
        transport(server.url, credentials=Broken()).send(CREATE)
    assert SECRET not in str(caught.value)
    assert server.seen == []


def test_a_netrc_does_not_replace_the_token(server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`requests` would take credentials from `~/.netrc` over those of the settings."""
    path = tmp_path / "netrc"
    path.write_text("default login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(path))
    transport(server.url, credentials=Tokens()).send(READ)
    transport(server.url).send(READ)
    assert server.seen[0][2]["Authorization"] == f"Bearer {SECRET}-0"
    assert "Authorization" not in server.seen[1][2]


def test_asked_to_stop_nothing_is_repeated(server: Server) -> None:
    """The request at hand is the last one."""
    stop = threading.Event()
    stop.set()
    server.answer = lambda handler: reply(handler, 500, b"{}")
    with pytest.raises(UnknownOutcomeError):
        transport(server.url, stop=stop).send(UPSERT)
    assert len(server.seen) == 1


def test_no_log_shows_a_body_or_a_token(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """G7: not with every logger at DEBUG, and not in what is kept of the slowest requests."""
    server.answer = lambda handler: reply(handler, (500, 401, 200)[min(2, len(server.seen) - 1)], SECRET.encode())
    traffic = Traffic()
    with caplog.at_level(logging.DEBUG):
        transport(server.url, credentials=Tokens(), traffic=traffic).send(UPSERT)
    assert "is sent again" in caplog.text
    assert "renewed" in caplog.text
    assert SECRET not in caplog.text + json.dumps([repr(one) for one in traffic.slowest()])
