"""Posts to a webhook, whose URL is a secret: bounded in time, and silent about where to."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.redaction import Secret

logger = logging.getLogger(__name__)

DEADLINE_S = 10.0
ATTEMPTS = 2
TIMEOUT_S = (3.0, 4.0)
"""To connect, and between two bytes of the answer."""
PAUSE_S = 1.0
SUCCESS, REDIRECT, REFUSAL = 200, 300, 400
TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500


def post(
    url: Secret,
    body: dict[str, Any],
    *,
    user_agent: str,
    wait: Callable[[float], object] = time.sleep,
    deadline_s: float = DEADLINE_S,
) -> str:
    """Send JSON; what went wrong in a few words, empty where nothing did.

    Args:
        url: Where to; never logged, nor part of what is returned.
        body: What to send.
        user_agent: Package.
        wait: Sleeps that many seconds, before the second attempt.
        deadline_s: Seconds after which nobody waits any longer, whatever a host or its name server does.
    """
    outcome = ["no answer in time"]

    def work() -> None:
        outcome[0] = _post_patiently(url.reveal(), body, user_agent, wait)

    # Time-outs of a connection bound neither the look-up of a name nor an answer that comes byte by byte.
    thread = threading.Thread(target=work, name="webhook", daemon=True)
    thread.start()
    thread.join(deadline_s)
    return outcome[0]


def host(url: Secret) -> str:
    """The only part of the URL that may be shown."""
    return urlsplit(url.reveal()).hostname or ""


def _post_patiently(url: str, body: dict[str, Any], user_agent: str, wait: Callable[[float], object]) -> str:
    problem = ""
    with _Silence():
        for attempt in range(ATTEMPTS):
            if attempt:
                wait(PAUSE_S)
            problem, is_final = _post_once(url, body, user_agent)
            if is_final:
                break
    return problem


def _post_once(url: str, body: dict[str, Any], user_agent: str) -> tuple[str, bool]:
    """What went wrong, and whether a second attempt would be in vain."""
    try:
        with requests.post(
            url,
            json=body,
            headers={"User-Agent": user_agent},
            timeout=TIMEOUT_S,
            allow_redirects=False,  # what is sent is for this host alone
            auth=_as_given,
            stream=True,  # the answer's body is of no interest, and could be endless
        ) as answer:
            status = answer.status_code
    except requests.RequestException as error:
        return type(error).__name__, isinstance(error, requests.exceptions.SSLError)
    if SUCCESS <= status < REDIRECT:
        return "", True
    if REDIRECT <= status < REFUSAL:
        return f"status {status}, and a redirect is not followed: set the address that it leads to", True
    return f"status {status}", status < SERVER_ERROR and status != TOO_MANY_REQUESTS


def _as_given(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the headers alone: without this, `requests` adds what a `.netrc` holds."""
    return prepared


class _Silence(logging.Filter):
    """Keeps urllib3 from logging the path of this thread's requests, which is the secret."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self._logger = logging.getLogger("urllib3.connectionpool")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is of another thread."""
        return record.thread != self._thread

    def __enter__(self) -> None:
        self._logger.addFilter(self)

    def __exit__(self, *_: object) -> None:
        self._logger.removeFilter(self)
