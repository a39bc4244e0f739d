"""A server on loopback that answers as a test says, and a transport to it that never waits."""

from __future__ import annotations

import contextlib
import random
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from core.fakes import Clock

from reverse_etl_core.errors import AuthError, FatalError, RateLimitedError, ReverseETLError, UnknownOutcomeError
from reverse_etl_core.ratelimit import LimitReading, Rate, RateLimiter
from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.traffic import Traffic
from reverse_etl_core.transport import Reply, Request, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "s3cret-value"


@dataclass
class Server:
    """Answers as a test says."""

    answer: Callable[[BaseHTTPRequestHandler], None]
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server on loopback that answers `{}` until a test says otherwise."""
    state = Server(lambda handler: reply(handler, 200, b"{}"))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.seen.append((self.command, self.path, dict(self.headers), body))
            state.answer(self)

        do_GET = do_PUT = do_POST  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_address[1]}"
    yield state
    http.shutdown()
    http.server_close()


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    """Answer a request."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class PlainDialect:
    """What the replies of these tests mean."""

    def failure(self, request: Request, reply: Reply) -> ReverseETLError | None:
        """By status."""
        del request
        if reply.status == 401:
            return AuthError("The token is refused.", is_renewable=True)
        if reply.status == 403:
            return AuthError("A scope is missing.")
        if reply.status == 429:
            return RateLimitedError("Slow down.", retry_after_s=float(reply.headers.get("Retry-After", 0)))
        if reply.status >= 500:
            return UnknownOutcomeError("It failed.")
        return None if reply.status < 300 else FatalError(f"Status {reply.status}.")

    def limits(self, request: Request, reply: Reply) -> LimitReading:
        """By two headers."""
        del request
        limit, left = reply.headers.get("X-Limit"), reply.headers.get("X-Left")
        return LimitReading(daily_limit=int(limit) if limit else None, daily_remaining=int(left) if left else None)


class Tokens:
    """Credentials whose token number n is `token-n`."""

    def __init__(self) -> None:
        self.renewals = 0
        self.lock = threading.Lock()

    def authorization(self) -> str:
        """The current token."""
        return f"Bearer {SECRET}-{self.renewals}"

    def renew(self, refused: str) -> bool:
        """Once per refused token."""
        with self.lock:
            if refused == self.authorization():
                self.renewals += 1
            return True


def transport(url: str | Callable[[], str], **changes: Any) -> Transport:
    """Without waiting."""
    clock = Clock()
    given: dict[str, Any] = {
        "dialect": PlainDialect(),
        "limiter": RateLimiter({"default": Rate(10_000, 1.0)}, clock=clock, sleep=clock.wait),
        "traffic": Traffic(),
        "user_agent": "test/1",
        "stop": threading.Event(),
        "policy": RetryPolicy(attempts=3, base_s=0),
        "timeout_s": (2.0, 2.0),
        "rng": random.Random(1),  # noqa: S311 - jitter, not cryptography
    }
    return Transport(url, **(given | changes))


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Close without an answer."""
    handler.close_connection = True
    handler.connection.close()


def truncate(handler: BaseHTTPRequestHandler) -> None:
    """Promise more than comes."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"results": [')
    handler.wfile.flush()
    cut(handler)
