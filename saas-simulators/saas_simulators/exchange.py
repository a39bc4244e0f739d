"""One HTTP request and one reply, as values that know nothing of sockets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

JSON_TYPE = "application/json;charset=utf-8"
HTML_TYPE = "text/html;charset=utf-8"


@dataclass(slots=True)
class Request:
    """What a client sent; header names are lower-case."""

    method: str
    path: str
    query_string: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's values by name; a parameter without a value counts as an empty string."""
        return parse_qs(self.query_string, keep_blank_values=True) if self.query_string else {}

    @property
    def form(self) -> dict[str, str]:
        """The last value of each field of a form-encoded body."""
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in fields.items()}

    @property
    def accepts_json(self) -> bool:
        """Whether the `Accept` header names JSON; `*/*` alone does not."""
        return "json" in self.headers.get("accept", "")


@dataclass(slots=True)
class Reply:
    """What goes back to the client."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(status: int, body: Any, headers: dict[str, str] | None = None) -> Reply:  # noqa: ANN401 - any JSON value
    """Return a reply that carries `body` as compact JSON."""
    return Reply(status, encode_json(body), headers=headers or {})


def encode_json(body: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return compact JSON as UTF-8 bytes.

    >>> encode_json({"name": "Ana", "n": 1})
    b'{"name":"Ana","n":1}'
    """
    return json.dumps(body, separators=(",", ":")).encode()


def decode_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Parse strict JSON: `NaN` and `Infinity`, which Python would take, are refused.

    Raises:
        ValueError: The body is not JSON.
    """
    return json.loads(body, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:  # noqa: ANN401 - the signature that json expects
    msg = f"{name} is not JSON"
    raise ValueError(msg)
