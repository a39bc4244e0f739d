"""The HTTP server: one port for all vendors, keep-alive connections, a thread for each."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from saas_simulators import control
from saas_simulators.exchange import Reply, Request
from saas_simulators.simulation import Delivery, Simulation

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from saas_simulators.hubspot.state import Account
    from saas_simulators.mailchimp.state import Account as MailchimpAccount
    from saas_simulators.salesforce.state import Org

MAX_BODY_BYTES = 512 * 1024 * 1024
PHRASES = {status.value: status.phrase for status in HTTPStatus}


class NotLoopbackError(ValueError):
    """The host to listen on would be reachable from outside."""


class _Connection(BaseHTTPRequestHandler):
    """One client connection; HTTP/1.1, so it stays open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 600
    rbufsize = 65_536
    server: _Server

    def handle_any(self) -> None:
        """Read a request, answer it, and send the reply in one piece."""
        body = self._body()
        if body is None:
            self._send(Delivery(Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)))
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, _normal(path), query, headers, body)
        simulation = self.server.simulation
        if control.owns(request.path):
            delivery = Delivery(control.respond(simulation, request))
        else:
            delivery = simulation.deliver(request)
        self._send(delivery)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any  # noqa: N815 - names of the base class

    def _body(self) -> bytes | None:
        """Return the body, or None when it is larger than any vendor would take."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunked_body()
        length = int(self.headers.get("Content-Length") or 0)
        return None if length > MAX_BODY_BYTES else self.rfile.read(length) if length else b""

    def _chunked_body(self) -> bytes | None:
        chunks = []
        total = 0
        while size := int(self.rfile.readline(64).split(b";")[0] or b"0", 16):
            total += size
            if total > MAX_BODY_BYTES:
                return None
            chunks.append(self.rfile.read(size))
            self.rfile.readline(8)
        while self.rfile.readline(65_536).strip():
            pass  # trailers
        return b"".join(chunks)

    def _send(self, delivery: Delivery) -> None:
        reply = delivery.reply
        if reply is None:
            self._hang_up()
            return
        raw = self._head(reply) + (b"" if self.command == "HEAD" else reply.body)
        if delivery.is_truncated:
            raw = raw[: len(raw) - max(1, (len(reply.body) + 1) // 2)]
        self.connection.sendall(raw)
        if delivery.is_truncated:
            self._hang_up()

    def _head(self, reply: Reply) -> bytes:
        status = reply.status
        lines = [f"HTTP/1.1 {status} {PHRASES.get(status, 'Unknown')}"]
        lines.append(f"Date: {self.date_time_string()}")
        lines.append("Server: saas-simulators")
        if status != HTTPStatus.NO_CONTENT:
            lines += [f"Content-Type: {reply.content_type}", f"Content-Length: {len(reply.body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):  # the client was faster
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base class's signature
        """Log nothing: the page and `/_simulator/requests` show what came, without credentials."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulation: Simulation) -> None:
        self.simulation = simulation
        self._open: set[socket.socket] = set()
        super().__init__(address, _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's signature
        """Serve a connection in a thread of its own, and remember it."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - the base class's signature
        """Close a connection, and forget it."""
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close every connection: a stopped server answers nobody, kept connections included."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's signature
        """Ignore clients that went away; anything else is a bug to be seen."""
        import sys  # noqa: PLC0415

        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class SimulatorServer:
    """All simulators on one loopback port, in a thread.

    >>> with SimulatorServer() as server:
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        seed: dict[str, Any] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        state_path: Path | None = None,
    ) -> None:
        check_loopback(host)
        self.simulation = Simulation(seed)
        self._state_path = state_path
        if state_path is not None and state_path.exists():
            self.simulation.load(json.loads(state_path.read_text(encoding="utf-8")))
        self._server = _Server((host, port), self.simulation)
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address without a trailing slash."""
        return f"http://{self._server.server_address[0]!s}:{self.port}"

    @property
    def hubspot(self) -> Account:
        """The simulated HubSpot account, for assertions."""
        return self.simulation.hubspot.account

    @property
    def salesforce(self) -> Org:
        """The simulated Salesforce org, for assertions."""
        return self.simulation.salesforce.org

    @property
    def mailchimp(self) -> MailchimpAccount:
        """The simulated Mailchimp account, for assertions."""
        return self.simulation.mailchimp.account

    def start(self) -> None:
        """Listen in a thread; connections are accepted from here on."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name="saas-simulators"
        )
        self._thread.start()

    def serve(self) -> None:
        """Listen in this thread until `stop` is called from another."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Stop listening, end injected waits, save the state where one was asked for."""
        self.interrupt()
        if self._thread is not None:
            self._thread.join()
        self.close()

    def interrupt(self) -> None:
        """End injected waits and make `serve` return; call it from another thread."""
        self.simulation.interrupt()
        self._server.shutdown()

    def close(self) -> None:
        """Close the port and all connections, and save the state."""
        self._server.server_close()
        self._server.hang_up()
        if self._state_path is not None:
            _write_private(self._state_path, json.dumps(self.simulation.dump(), separators=(",", ":")))

    def __enter__(self) -> Self:
        """Start listening."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self.stop()


def check_loopback(host: str) -> None:
    """Refuse hosts other than loopback: a simulator accepts any credential and has no protection of its own.

    Raises:
        NotLoopbackError: The host is something else.
    """
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        msg = f"Host '{host}' is not loopback. Simulators listen on 127.0.0.1 only; leave --host out."
        raise NotLoopbackError(msg)


def _normal(path: str) -> str:
    """Return the path as routes see it: absolute forms lose their host, escapes stay."""
    if path.startswith("http://"):
        path = "/" + path.partition("//")[2].partition("/")[2]
    return path if path.startswith("/") else unquote(f"/{path}")


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all or nothing."""
    partial = path.with_name(path.name + ".part")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)
