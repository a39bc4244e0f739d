"""Bodies that are no JSON: text, files that are sent, files that take the answer; and where a request goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from core.loopback import SECRET, Server, Tokens, cut, reply, transport, truncate

from reverse_etl_core.errors import FatalError, UnknownOutcomeError
from reverse_etl_core.transport import Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

CSV = {"Content-Type": "text/csv"}


def flaky(status: int, body: bytes = b"", *, failures: int = 2) -> Callable[[BaseHTTPRequestHandler], None]:
    """Fails that often with a status, then answers `{}`."""
    left = [failures]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        left[0] -= 1
        reply(handler, *((status, body) if left[0] >= 0 else (200, b"{}")))

    return answer


def test_text_is_sent_as_it_is(server: Server) -> None:
    """UTF-8, with the type that the request names."""
    transport(server.url).send(Request("POST", "/job", text="Id,Name\n1,\u00e9\n", headers=CSV))
    _, _, headers, body = server.seen[0]
    assert (body, headers["Content-Type"]) == ("Id,Name\n1,\u00e9\n".encode(), "text/csv")


def test_empty_text_is_a_body(server: Server) -> None:
    """Not the lack of one."""
    transport(server.url).send(Request("PUT", "/job", text="", headers=CSV))
    assert (server.seen[0][3], server.seen[0][2].get("Content-Length")) == (b"", "0")


def test_headers_of_a_request_come_on_top(server: Server) -> None:
    """They are added to those of every request, and win over them; the token stays."""
    sent = Request("POST", "/p", json={}, headers={"X-Rule": "off", "Accept": "text/csv"})
    transport(server.url, credentials=Tokens()).send(sent)
    headers = server.seen[0][2]
    assert (headers["X-Rule"], headers["Accept"], headers["User-Agent"]) == ("off", "text/csv", "test/1")
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == f"Bearer {SECRET}-0"


def test_a_file_is_sent_with_its_length(server: Server, tmp_path: Path) -> None:
    """Streamed from disk, byte by byte as it is there."""
    path = tmp_path / "job.csv"
    path.write_bytes(b"Id\r\n" + b"x" * 300_000)
    transport(server.url).send(Request("PUT", "/job", upload=path, headers=CSV))
    _, _, headers, body = server.seen[0]
    assert (body, headers["Content-Type"]) == (path.read_bytes(), "text/csv")
    assert headers["Content-Length"] == str(len(body))
    assert "Transfer-Encoding" not in headers


@pytest.mark.parametrize("status", [429, 500])
def test_each_attempt_sends_the_whole_file(server: Server, tmp_path: Path, status: int) -> None:
    """It is opened anew: a second attempt does not begin where the first one ended."""
    path = tmp_path / "job.csv"
    path.write_bytes(b"Id\n" + b"x" * 100_000)
    server.answer = flaky(status)
    assert transport(server.url).send(Request("PUT", "/job", upload=path)).status == 200
    assert [body for *_, body in server.seen] == [path.read_bytes()] * 3


def test_a_renewed_token_sends_the_whole_file_again(server: Server, tmp_path: Path) -> None:
    """The repetition after 401 is an attempt like any other."""
    path = tmp_path / "job.csv"
    path.write_bytes(b"Id\n1\n")
    server.answer = flaky(401, failures=1)
    transport(server.url, credentials=Tokens()).send(Request("PUT", "/job", upload=path))
    assert [body for *_, body in server.seen] == [b"Id\n1\n"] * 2


def test_a_successful_answer_goes_to_the_file(server: Server, tmp_path: Path) -> None:
    """And not into memory; status and headers are told all the same."""
    body = b"Id,Error\n" + b"\x00\xff" * 400_000
    server.answer = lambda handler: reply(handler, 200, body, Sforce_Locator="null")
    path = tmp_path / "results.csv"
    answer = transport(server.url).send(Request("GET", "/results", download=path))
    assert path.read_bytes() == body
    assert (answer.status, answer.body, answer.headers["sforce-locator"]) == (200, b"", "null")


def test_the_body_of_an_error_stays_in_memory(server: Server, tmp_path: Path) -> None:
    """It is for whoever judges the answer; the file is not touched."""
    path = tmp_path / "results.csv"
    path.write_text("earlier", encoding="utf-8")
    server.answer = lambda handler: reply(handler, 400, b'{"errorCode": "GONE"}')
    seen: list[Any] = []

    class Judge:
        def failure(self, _request: Request, answer: Any) -> FatalError:
            seen.append(answer.json())
            return FatalError("Refused.")

        def limits(self, _request: Request, _answer: Any) -> Any:
            return transport(server.url)._dialect.limits(_request, _answer)

    with pytest.raises(FatalError, match="Refused"):
        transport(server.url, dialect=Judge()).send(Request("GET", "/results", download=path))
    assert seen == [{"errorCode": "GONE"}]
    assert path.read_text(encoding="utf-8") == "earlier"


def test_an_attempt_after_an_error_writes_the_file_anew(server: Server, tmp_path: Path) -> None:
    """What failed leaves nothing behind in it."""
    path = tmp_path / "results.csv"
    server.answer = flaky(500, b"a long page about an error")
    transport(server.url).send(Request("GET", "/results", download=path))
    assert path.read_bytes() == b"{}"


@pytest.mark.parametrize("answer", [cut, truncate])
def test_an_answer_that_breaks_off_within_the_file_is_no_success(
    server: Server, tmp_path: Path, answer: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    """Half a file of results is never read as a whole one; reading is repeated, and starts from the beginning."""
    path = tmp_path / "results.csv"
    left = [1]

    def once(handler: BaseHTTPRequestHandler) -> None:
        left[0] -= 1
        return answer(handler) if left[0] >= 0 else reply(handler, 200, b"whole")

    server.answer = once
    transport(server.url).send(Request("GET", "/results", download=path))
    assert path.read_bytes() == b"whole"
    server.answer = answer
    with pytest.raises(UnknownOutcomeError):
        transport(server.url).send(Request("GET", "/results", download=path))


def test_an_address_may_be_known_only_after_a_login(server: Server) -> None:
    """It is asked for with each request, after the credentials; a slash at its end does no harm."""
    known: list[str] = []

    class Login(Tokens):
        def authorization(self) -> str:
            known.append(f"{server.url}/")
            return super().authorization()

    transport(lambda: known[-1], credentials=Login()).send(Request("GET", "/people"))
    assert server.seen[0][1] == "/people"


def test_an_address_may_change_with_a_login(server: Server) -> None:
    """The next request goes where the account is now."""
    place = ["/old"]
    one = transport(lambda: server.url + place[0])
    one.send(Request("GET", "/people"))
    place[0] = "/new"
    one.send(Request("GET", "/people"))
    assert [path for _, path, _, _ in server.seen] == ["/old/people", "/new/people"]
