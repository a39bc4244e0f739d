"""Addresses of APIs, as users write them and as APIs answer them: which of them a token may be sent to."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit


def problem(text: str, *, like: str) -> str | None:
    """What is wrong with an address, as the end of a sentence that names it; `None` where nothing is.

    Args:
        text: The address; never quoted, since it may hold a password.
        like: An address that would do.

    >>> problem("http://127.0.0.1:8765", like="https://api.example.com")
    >>> problem("api.example.com", like="https://api.example.com")
    'must be an address like https://api.example.com.'
    """
    parts = _parts(text)
    if parts is not None and (parts.username is not None or parts.query or parts.fragment):
        return f"must be an address without user, '?' or '#', like {like}."
    return _problem(parts, like)


def webhook_problem(text: str, *, like: str) -> str | None:
    """The same for a webhook, whose query may be its secret.

    >>> webhook_problem("https://example.com/hook?sig=1", like="https://example.com/hook")
    >>> webhook_problem("http://example.com/hook", like="https://example.com/hook")
    'must begin with https: over http everybody on the way could read the token.'
    """
    parts = _parts(text)
    if parts is not None and (parts.username is not None or parts.fragment):
        return f"must be an address without user or '#', like {like}."
    return _problem(parts, like)


def _problem(parts: SplitResult | None, like: str) -> str | None:
    if parts is None or parts.scheme not in {"http", "https"}:
        return f"must be an address like {like}."
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "must begin with https: over http everybody on the way could read the token."
    return None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nothing said to it leaves.

    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("127.0.0.1.example.com")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parts(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        is_url = bool(parts.hostname) and parts.port != 0 and not any(character.isspace() for character in text)
    except ValueError:
        return None
    return parts if is_url else None
