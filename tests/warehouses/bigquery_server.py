"""A server that answers Google's BigQuery client from a script: which schema and rows, which error. It runs no SQL."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Script:
    """What is answered, and what was asked.

    Attributes:
        fields: The schema of every result.
        rows: Of every result, as BigQuery writes values: texts.
        dry_error: Answer to dry runs: HTTP status, reason, message.
        error: Answer to other queries.
        requests: Bodies of the queries, in order.
    """

    fields: list[dict[str, Any]] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    dry_error: tuple[int, str, str] | None = None
    error: tuple[int, str, str] | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return status and body for a query."""
        self.requests.append(body)
        is_dry = bool(body.get("dryRun"))
        error = self.dry_error if is_dry else self.error
        if error is not None:
            status, reason, message = error
            details = [{"message": message, "domain": "global", "reason": reason}]
            return status, {"error": {"code": status, "message": message, "errors": details}}
        rows = [{"f": [{"v": value} for value in row]} for row in self.rows]
        reference = {"projectId": "project", "jobId": f"job{len(self.requests)}", "location": "EU"}
        found = {"kind": "bigquery#queryResponse", "schema": {"fields": self.fields}, "jobComplete": True}
        if is_dry:
            return 200, {**found, "totalBytesProcessed": "0"}
        return 200, {**found, "jobReference": reference, "rows": rows, "totalRows": str(len(rows))}


@contextmanager
def server(script: Script) -> Iterator[str]:
    """Serve on a port of this machine; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = script.answer(body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.server_port}"
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


def credentials(folder: Path) -> Path:
    """Write credentials whose token is valid, so that no other server is asked for one."""
    path = folder / "credentials.json"
    names = dict.fromkeys(("client_id", "client_secret", "refresh_token", "token"), "x")
    content = {"type": "authorized_user", **names, "expiry": "2999-01-01T00:00:00Z", "quota_project_id": "project"}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
