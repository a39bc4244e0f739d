"""The only module that opens a socket to an API: time-outs, authorisation, rate limit, retries, quota.

It knows no vendor: a `Dialect` says what a reply means, `Credentials` say who is asking.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from reverse_etl_core import retry
from reverse_etl_core.errors import (
    AuthError,
    FatalError,
    QuotaExhaustedError,
    RateLimitedError,
    ReverseETLError,
    TransportError,
    UnknownOutcomeError,
)
from reverse_etl_core.traffic import TimedRequest, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reverse_etl_core.ratelimit import LimitReading, RateLimiter

logger = logging.getLogger(__name__)

DOWNLOAD_BYTES = 262_144
"""Read at a time where a body goes to a file."""
_NOT_JSON = object()


@dataclass(frozen=True, slots=True)
class Request:
    """One request, built by a pure function of the vendor's package.

    Attributes:
        method: HTTP verb.
        path: From the API's root; never holds a field value.
        json: Body, sent as compact UTF-8 JSON.
        form: Body, sent form-encoded (token endpoints).
        text: Body of another kind; `headers` names its type.
        upload: File that is streamed as the body; `headers` names its type.
        download: File that takes the body of a successful answer, which then is not kept in memory.
        query: Query parameters; they may hold field values, and are never logged.
        headers: Beyond those that every request has.
        lane: Which of the account's rate limits it counts against.
        is_write: Whether it may change something.
        is_idempotent: Whether it may be sent again when nobody knows if it was applied.
        is_public: Sent without credentials.
    """

    method: str
    path: str
    json: object = None
    form: Mapping[str, str] | None = None
    text: str | None = None
    upload: Path | None = None
    download: Path | None = None
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    lane: str = "default"
    is_write: bool = False
    is_idempotent: bool = True
    is_public: bool = False


@dataclass(frozen=True)
class Reply:
    """One answer. `body` is complete; whether it is JSON is not certain (proxies answer in HTML).

    It is empty where the request named a file for it and succeeded. It is read as JSON once, whoever asks for that:
    what comes of it is shared, and left as it is.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=CaseInsensitiveDict)
    body: bytes = b""

    def json(self) -> Any:  # noqa: ANN401 - whatever the API sent
        """The body as JSON.

        Raises:
            UnknownOutcomeError: It is not JSON, so nobody knows what the API did.
        """
        if self._read is _NOT_JSON:
            msg = f"The API answered {self.status} with a body of {len(self.body)} bytes that is not JSON."
            raise UnknownOutcomeError(msg)
        return self._read

    def json_or_none(self) -> Any:  # noqa: ANN401 - whatever the API sent
        """The body as JSON, `None` when it is something else, for replies that already are failures."""
        return None if self._read is _NOT_JSON else self._read

    @functools.cached_property
    def _read(self) -> Any:  # noqa: ANN401 - whatever the API sent
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeError):
            pass  # most often no JSON at all; but Python reads some that is not by the book, too
        try:
            return json.loads(self.body)
        except ValueError:
            return _NOT_JSON


class Dialect(Protocol):
    """What the replies of one API mean; pure functions."""

    def failure(self, request: Request, reply: Reply) -> ReverseETLError | None:
        """The error that a reply amounts to; `None` for one that the caller can parse."""

    def limits(self, request: Request, reply: Reply) -> LimitReading:
        """What the reply's headers say about the account's limits."""


class Credentials(Protocol):
    """Who is asking. Used from several threads."""

    def authorization(self) -> str:
        """The value of the `Authorization` header."""

    def renew(self, refused: str) -> bool:
        """Replace a refused value; true when there is a new one to try.

        Several threads may report the same refused value: one of them renews it, the others find it done.
        """


class Transport:
    """Sends requests of one account.

    Args:
        base_url: Scheme and host, or what gives them where only a login tells; TLS certificates are always verified.
        dialect: What replies mean.
        limiter: The account's rate limits.
        credentials: `None` for a token endpoint, which needs none.
        traffic: Where requests are counted.
        user_agent: Package and version.
        stop: Set when the run is asked to stop: waits end, nothing is repeated.
        daily_quota_percent: Share of the account's daily quota after which nothing more is sent.
        policy: How often to repeat.
        timeout_s: To connect, and between two bytes of the answer.
        clock: Seconds, monotonic.
        rng: Source of the jitter.
    """

    def __init__(  # noqa: PLR0913 - everything that a test or another vendor exchanges
        self,
        base_url: str | Callable[[], str],
        *,
        dialect: Dialect,
        limiter: RateLimiter,
        traffic: Traffic,
        user_agent: str,
        stop: threading.Event,
        credentials: Credentials | None = None,
        daily_quota_percent: float = 100.0,
        policy: retry.RetryPolicy | None = None,
        timeout_s: tuple[float, float] = (10.0, 60.0),
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._base_url = base_url if callable(base_url) else functools.partial(str, base_url)
        self._dialect = dialect
        self._limiter = limiter
        self._credentials = credentials
        self._traffic = traffic
        self._user_agent = user_agent
        self._stop = stop
        self._daily_quota_percent = daily_quota_percent
        self._policy = policy or retry.RetryPolicy()
        self._timeout_s = timeout_s
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not cryptography
        self._local = threading.local()

    def send(self, request: Request) -> Reply:
        """Send, wait and repeat until there is an answer that the caller can parse.

        Raises:
            RetryableError: Attempts ran out, or the run is asked to stop.
            UnknownOutcomeError: The request may have been applied and must not be repeated blindly.
            QuotaExhaustedError: The daily share is used up; nothing was sent.
            ReverseETLError: Whatever else the dialect makes of the reply.
        """

        def before_wait(seconds: float, error: BaseException | None) -> None:
            self._traffic.retried()
            if isinstance(error, RateLimitedError):
                self._traffic.will_wait(seconds)
                self._limiter.hold_back(request.lane, seconds)
            logger.warning("%s %s is sent again in %.1f s: %s", request.method, request.path, seconds, error)

        for attempt in retry.attempts(
            self._policy,
            is_idempotent=request.is_idempotent,
            rng=self._rng,
            stop=self._stop,
            before_wait=before_wait,
        ):
            with attempt:
                return self._attempt(request)
        msg = "unreachable: tenacity re-raises the last error"  # pragma: no cover
        raise FatalError(msg)  # pragma: no cover

    def _attempt(self, request: Request) -> Reply:
        """One request, repeated once with new credentials when the old ones have expired."""
        authorization = self._authorization(request)
        try:
            return self._exchange(request, authorization)
        except AuthError as refusal:
            if not (refusal.is_renewable and authorization and self._credentials):
                raise
            if not self._credentials.renew(authorization):
                raise
            logger.info("The access token was refused and has been renewed.")
            return self._exchange(request, self._authorization(request))

    def _authorization(self, request: Request) -> str | None:
        return None if request.is_public or not self._credentials else self._credentials.authorization()

    def _exchange(self, request: Request, authorization: str | None) -> Reply:
        self._check_quota(request)
        self._traffic.waited(self._limiter.enter(request.lane))
        self._traffic.quota(*self._limiter.daily)
        self._check_quota(request)  # another worker may have learnt meanwhile that it is used up
        started_s = self._clock()
        try:
            reply = self._call(request, authorization)
        except ReverseETLError as error:
            self._traffic.failed(is_write=request.is_write)
            self._note(request, error)
            raise
        timed = TimedRequest(self._clock() - started_s, request.method, request.path, reply.status)
        self._traffic.answered(timed, is_write=request.is_write)
        self._learn(request, reply)
        failure = self._dialect.failure(request, reply)
        if failure is not None:
            self._note(request, failure)
            raise failure
        return reply

    def _note(self, request: Request, failure: ReverseETLError) -> None:
        if request.is_write and isinstance(failure, UnknownOutcomeError):
            self._traffic.became_uncertain()

    def _call(self, request: Request, authorization: str | None) -> Reply:
        base_url = self._base_url().rstrip("/")
        headers = {"Accept": "application/json", "User-Agent": self._user_agent}
        if authorization:
            headers["Authorization"] = authorization
        if request.json is not None:
            headers["Content-Type"] = "application/json"
        try:
            with (
                contextlib.ExitStack() as opened,
                self._session().request(
                    request.method,
                    base_url + request.path,
                    params=request.query,
                    data=_body(request, opened),
                    headers={**headers, **request.headers},
                    timeout=self._timeout_s,
                    allow_redirects=False,
                    auth=_as_given,
                    stream=request.download is not None,
                ) as answer,
            ):
                if request.download is not None and answer.ok:
                    _save(answer, request.download)
                    return Reply(answer.status_code, answer.headers)
                return Reply(answer.status_code, answer.headers, answer.content)
        except requests.RequestException as error:
            raise _unanswered(request, base_url, error) from None

    def _session(self) -> requests.Session:
        """One session per thread: `requests` does not promise that a session may be shared."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            for scheme in ("https://", "http://"):
                session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=1))
            self._local.session = session
        return session

    def _learn(self, request: Request, reply: Reply) -> None:
        reading = self._dialect.limits(request, reply)
        self._limiter.learn(request.lane, reading)
        self._traffic.quota(reading.daily_limit, reading.daily_remaining)

    def _check_quota(self, request: Request) -> None:
        limit, remaining = self._traffic.daily_limit, self._traffic.daily_remaining
        if not request.is_write or not limit or remaining is None:
            return
        used_percent = 100 * (limit - remaining) / limit
        if used_percent >= self._daily_quota_percent:
            msg = (
                f"{used_percent:.0f} % of the account's daily quota of {limit} requests is used, and "
                f"'daily_quota_percent' is {self._daily_quota_percent:g}. Run again after the quota resets, "
                "or raise the setting."
            )
            raise QuotaExhaustedError(msg)


def _body(request: Request, opened: contextlib.ExitStack) -> bytes | BinaryIO | Mapping[str, str] | None:
    """The body; a file is opened anew for each attempt and closed with the answer."""
    if request.json is not None:
        return json.dumps(request.json, separators=(",", ":"), ensure_ascii=False).encode()
    if request.text is not None:
        return request.text.encode()
    if request.upload is not None:
        return opened.enter_context(request.upload.open("rb"))
    return request.form


def _save(answer: requests.Response, path: Path) -> None:
    with path.open("wb") as file:
        for chunk in answer.iter_content(DOWNLOAD_BYTES):
            file.write(chunk)


def _as_given(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the headers alone: without this, `requests` replaces the token by what a `.netrc` holds."""
    return prepared


def _unanswered(request: Request, base_url: str, error: requests.RequestException) -> ReverseETLError:
    """Tell a request that never left from one that may have been applied."""
    kind = type(error).__name__
    if isinstance(error, requests.exceptions.InvalidHeader):
        return FatalError("A credential or setting holds a line break or a blank at its start. Remove it.")
    if isinstance(
        error,
        (
            requests.exceptions.SSLError,
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
        ),
    ):
        return FatalError(
            f"Cannot talk to '{base_url}' ({kind}). Check the URL setting and the certificate of the host."
        )
    never_left = isinstance(error, requests.exceptions.ConnectTimeout) or _is_refused(error)
    if never_left:
        return TransportError(f"'{base_url}' cannot be reached ({kind}). Check the URL setting and the network.")
    return UnknownOutcomeError(f"{request.method} {request.path} got no usable answer ({kind}).")


def _is_refused(error: BaseException) -> bool:
    """Whether the connection was never established, read from urllib3's error below the one of `requests`."""
    import urllib3.exceptions as u3  # noqa: PLC0415 - the only place that looks below `requests`

    seen: BaseException | None = error
    while seen is not None:
        reason = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        if isinstance(seen, u3.NewConnectionError):
            return True
        seen = reason if isinstance(reason, BaseException) else None
    return False
