from __future__ import annotations

import base64
import json
import threading
import time
from typing import Any

import pytest

from reverse_etl_core.errors import AuthError, FatalError, ReverseETLError, UnknownOutcomeError
from reverse_etl_core.ratelimit import RateLimiter
from reverse_etl_core.redaction import Secret
from reverse_etl_core.traffic import Traffic
from reverse_etl_core.transport import Reply, Request, Transport
from saas_simulators import SimulatorServer
from target_mailchimp import limits
from target_mailchimp.auth import ApiAddress, Authorization
from target_mailchimp.config import ApiKey, OAuthToken
from target_mailchimp.destination import MailchimpDialect


class MetadataEndpoint:
    """Answers as told, and keeps what it was asked."""

    def __init__(self, answer: Any = None, error: ReverseETLError | None = None) -> None:
        self.requests: list[Request] = []
        self.answer = answer
        self.error = error

    def send(self, request: Request) -> Reply:
        """Answer one request."""
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        return Reply(200, {}, json.dumps(self.answer).encode())

    def address(self) -> ApiAddress:
        """An address that is asked for here."""
        return ApiAddress(Secret("t-SECRET"), self.send)


def test_a_key_is_basic_authorization_and_a_token_bearer() -> None:
    """Basic takes any user name; neither can be renewed, and neither shows itself."""
    key, token = Authorization(ApiKey(Secret("k-SECRET-us6"))), Authorization(OAuthToken(Secret("t-SECRET")))
    kind, encoded = key.authorization().split(" ")
    assert (kind, base64.b64decode(encoded)) == ("Basic", b"key:k-SECRET-us6")
    assert token.authorization() == "Bearer t-SECRET"
    assert not key.renew(key.authorization())
    assert not token.renew(token.authorization())
    assert "SECRET" not in f"{key!r}{token!r}"


def test_the_address_is_asked_for_once() -> None:
    """Nothing is sent before it is needed, then once, with the token and without other credentials."""
    endpoint = MetadataEndpoint({"dc": "us6", "api_endpoint": "https://us6.api.mailchimp.com/"})
    address = endpoint.address()
    assert endpoint.requests == []
    assert {address() for _ in range(3)} == {"https://us6.api.mailchimp.com"}
    (request,) = endpoint.requests
    assert (request.method, request.path, request.is_public) == ("GET", "/oauth2/metadata", True)
    assert request.headers["Authorization"] == "OAuth t-SECRET"


@pytest.mark.parametrize("answer", [{"error": "invalid_token"}, {"api_endpoint": ""}, {"api_endpoint": 6}, []])
def test_a_token_that_nobody_knows_is_refused_once(answer: Any) -> None:
    """A bad token gets 200 without an address (recorded); nobody asks again, and the message says what to do."""
    endpoint = MetadataEndpoint(answer)
    address = endpoint.address()
    for _ in range(2):
        with pytest.raises(AuthError, match="'access_token'") as caught:
            address()
        assert "SECRET" not in str(caught.value)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com",
        "https://us6.api.mailchimp.com.evil.example.com",
        "http://us6.api.mailchimp.com",
        "https://evilapi.mailchimp.com",
        "nowhere",
    ],
)
def test_the_token_is_sent_to_mailchimp_alone(url: str) -> None:
    """An address of somebody else, or one that is not encrypted, is refused."""
    with pytest.raises(AuthError, match="not one of its own"):
        MetadataEndpoint({"api_endpoint": url}).address()()


def test_a_simulator_may_name_itself() -> None:
    """A loopback host is fine."""
    assert MetadataEndpoint({"api_endpoint": "http://127.0.0.1:8765"}).address()() == "http://127.0.0.1:8765"


def test_no_answer_ends_the_run_once() -> None:
    """The transport repeated it already: the run ends, with the setting that makes the question needless."""
    endpoint = MetadataEndpoint(error=UnknownOutcomeError("Nothing came."))
    address = endpoint.address()
    for _ in range(2):
        with pytest.raises(FatalError, match="'server_prefix'"):
            address()
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("token", ["any-token", "invalid-token"])
def test_the_question_is_understood_over_http(token: str) -> None:
    """The metadata endpoint tells a token it knows the address, and answers 200 to one that it does not know."""
    stop = threading.Event()
    with SimulatorServer() as server:
        transport = Transport(
            server.url,
            dialect=MailchimpDialect(),
            limiter=RateLimiter(limits.RATES, clock=time.monotonic, sleep=stop.wait),
            traffic=Traffic(),
            user_agent="test",
            stop=stop,
        )
        address = ApiAddress(Secret(token), transport.send)
        if token == "any-token":
            assert address() == server.url
        else:
            with pytest.raises(AuthError, match="'access_token'"):
                address()
