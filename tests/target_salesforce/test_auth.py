from __future__ import annotations

import http.server
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reverse_etl_core.errors import (
    AuthError,
    FatalError,
    QuotaExhaustedError,
    RateLimitedError,
    ReverseETLError,
    UnknownOutcomeError,
)
from reverse_etl_core.ratelimit import LimitReading, RateLimiter
from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.traffic import Traffic
from reverse_etl_core.transport import Reply, Request, Transport
from target_salesforce import limits, login_errors
from target_salesforce.auth import LOGIN_POLICY, LoginDialect, ReadySession, RenewedSession, Session, parse, session
from target_salesforce.config import SalesforceConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = RSA.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
CLIENT = {"client_id": "app", "client_secret": "cs-SECRET"}
SIGNED = {"client_id": "app", "username": "ada@example.com", "private_key": PEM}
REFRESH = {"client_id": "app", "refresh_token": "rt-SECRET"}
PASSWORD = {**CLIENT, "username": "ada@example.com", "password": "pw-SECRET", "security_token": "st"}
SOAP = {"username": "a<d>a@example.com", "password": "p&w<>\"'-SECRET"}
NOW_S = 1_800_000_000.0
QUICK = RetryPolicy(attempts=3, base_s=0.001, cap_s=0.001)
SOAP_ANSWER = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>'
    "<passwordExpired>{expired}</passwordExpired><serverUrl>{url}/services/Soap/u/64.0/00D000000000001</serverUrl>"
    "<sessionId>{token}</sessionId></result></loginResponse></soapenv:Body></soapenv:Envelope>"
)
SOAP_FAULT = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode>'
    "<faultstring>{code}: SECRET</faultstring>{detail}</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)
DETAIL = "<detail><sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode></sf:LoginFault></detail>"


@dataclass
class Org:
    """A login and an API at one address, over real HTTP; `answers` go before what it gives otherwise.

    Attributes:
        logins: Form or body of each login.
        tokens: Tokens with which the API was called.
        refused: Tokens that the API takes no longer.
        answers: Status and body that the next logins get.
        answer: Fields that replace those of a token answer.
    """

    url: str = ""
    logins: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    answers: list[tuple[int, str]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def login(self, path: str, headers: dict[str, str], body: str) -> tuple[int, str]:
        """Answer a login."""
        with self.lock:
            form = {name: one[0] for name, one in parse_qs(body).items()}
            self.logins.append(body if "Soap" in path else form)
            self.headers.append(headers)
            self.paths.append(path)
            if self.answers:
                return self.answers.pop(0)
            token = f"00D!{len(self.logins)}"
        if "Soap" in path:
            return 200, SOAP_ANSWER.format(url=self.url, token=token, expired="false")
        return 200, json.dumps({"access_token": token, "instance_url": self.url, "id": "x", **self.answer})

    def call(self, authorization: str) -> tuple[int, str]:
        """Answer the API."""
        with self.lock:
            self.tokens.append(authorization)
            if authorization in self.refused:
                return 401, '[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'
        return 200, "{}"


@pytest.fixture
def org() -> Iterator[Org]:
    """One org."""
    stub = Org()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _reply(self, status: int, body: str) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._reply(*stub.login(self.path, dict(self.headers), body))

        def do_GET(self) -> None:
            self._reply(*stub.call(self.headers["Authorization"]))

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield stub
        server.shutdown()
        thread.join()


class ApiDialect:
    """Enough of the API's dialect: 401 may be cured by a new session."""

    def failure(self, request: Request, reply: Reply) -> ReverseETLError | None:
        """Only 401 is a failure."""
        del request
        return AuthError("Session expired.", is_renewable=True) if reply.status == 401 else None

    def limits(self, request: Request, reply: Reply) -> LimitReading:
        """None."""
        del request
        return limits.reading(reply.headers)


def transport(base_url: Any, dialect: Any, credentials: Session | None = None) -> Transport:
    """Core's transport, with quick repeats."""
    stop = threading.Event()
    return Transport(
        base_url,
        dialect=dialect,
        limiter=RateLimiter(limits.RATES, clock=lambda: 0.0, sleep=stop.wait),
        traffic=Traffic(),
        user_agent="test",
        stop=stop,
        credentials=credentials,
        policy=QUICK,
        timeout_s=(2.0, 5.0),
    )


def connected(org: Org, config: dict[str, Any], **more: Any) -> tuple[Session, Transport]:
    """A session of a configuration, and the API that it is for."""
    parsed = SalesforceConfig.from_mapping({**config, "login_url": org.url, **more})
    login = transport(parsed.login_url, LoginDialect(parsed.login))
    credentials = session(parsed, login.send, clock=lambda: NOW_S)
    return credentials, transport(credentials.instance_url, ApiDialect(), credentials)


@pytest.mark.parametrize(
    ("config", "form"),
    [
        (CLIENT, {"grant_type": "client_credentials", **CLIENT}),
        (REFRESH, {"grant_type": "refresh_token", **REFRESH}),
        ({**REFRESH, **CLIENT}, {"grant_type": "refresh_token", **REFRESH, **CLIENT}),
        (
            PASSWORD,
            {"grant_type": "password", **CLIENT, "username": "ada@example.com", "password": "pw-SECRETst"},
        ),
    ],
    ids=["client", "refresh", "refresh with secret", "password"],
)
def test_a_login_sends_what_its_grant_needs(org: Org, config: dict[str, str], form: dict[str, str]) -> None:
    """Nothing is sent before the first request; then one token serves them all."""
    _, api = connected(org, config)
    assert org.logins == []
    for _ in range(3):
        api.send(Request("GET", "/services/data"))
    assert org.logins == [form]
    assert org.paths == ["/services/oauth2/token"]
    assert org.tokens == ["Bearer 00D!1"] * 3
    assert "Authorization" not in org.headers[0]


def test_a_signed_login_carries_no_secret(org: Org) -> None:
    """The assertion is signed with the key, for Salesforce itself, and good for two minutes."""
    credentials, _ = connected(org, SIGNED)
    assert credentials.authorization() == "Bearer 00D!1"
    (form,) = org.logins
    assert form.keys() == {"grant_type", "assertion"}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        form["assertion"],
        RSA.public_key(),
        algorithms=["RS256"],
        audience="https://login.salesforce.com",
        options={"verify_exp": False},
    )
    assert claims == {
        "iss": "app",
        "sub": "ada@example.com",
        "aud": "https://login.salesforce.com",
        "exp": int(NOW_S) + 120,
    }


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://acme--uat.my.salesforce.com", "https://test.salesforce.com"),
        ("https://acme.my.site.com", "https://acme.my.site.com"),
    ],
)
def test_a_signed_login_is_for_login_or_test(url: str, audience: str) -> None:
    """Whatever My Domain it is sent to, the audience is the shared host; a site is its own."""
    sent: list[Request] = []

    def send(request: Request) -> Reply:
        sent.append(request)
        return Reply(200, {}, b'{"access_token": "t", "instance_url": "https://acme.my.salesforce.com"}')

    session(SalesforceConfig.from_mapping({**SIGNED, "login_url": url}), send, clock=lambda: NOW_S).authorization()
    claims = jwt.decode((sent[0].form or {})["assertion"], options={"verify_signature": False})
    assert claims["aud"] == audience


@pytest.mark.parametrize(("version", "path"), [("67.0", "64.0"), ("64.0", "64.0"), ("60.0", "60.0")])
def test_a_soap_login_is_escaped(org: Org, version: str, path: str) -> None:
    """Whatever is in a password arrives as it is, in the newest version that has the login."""
    credentials, api = connected(org, SOAP, security_token="st", api_version=version)
    api.send(Request("GET", "/services/data"))
    assert org.paths == [f"/services/Soap/u/{path}"]
    found = {one.tag.rpartition("}")[2]: one.text for one in ET.fromstring(org.logins[0]).iter()}  # noqa: S314
    assert (found["username"], found["password"]) == (SOAP["username"], SOAP["password"] + "st")
    assert org.headers[0]["SOAPAction"] == "login"
    assert org.tokens == ["Bearer 00D!1"]
    assert credentials.instance_url() == org.url


def test_a_ready_token_asks_for_nothing(org: Org) -> None:
    """It is used as it is; refused, it says that it cannot be renewed."""
    parsed = SalesforceConfig.from_mapping({"access_token": "00D!SECRET", "instance_url": org.url})
    ready = session(parsed, lambda _: pytest.fail("asked"), clock=lambda: NOW_S)
    assert isinstance(ready, ReadySession)
    api = transport(ready.instance_url, ApiDialect(), ready)
    api.send(Request("GET", "/services/data"))
    org.refused.add("Bearer 00D!SECRET")
    with pytest.raises(AuthError, match="cannot be renewed") as caught:
        api.send(Request("GET", "/services/data"))
    assert "SECRET" not in str(caught.value)


def test_all_calls_go_to_the_instance_that_the_login_names(org: Org) -> None:
    """The login's host is not the org's: later calls leave it alone, also when nobody listens at the other."""
    org.answer["instance_url"] = "http://127.0.0.1:9"  # the port of discard: nobody answers
    credentials, api = connected(org, CLIENT)
    with pytest.raises(ReverseETLError, match="cannot be reached"):
        api.send(Request("GET", "/services/data"))
    assert credentials.instance_url() == "http://127.0.0.1:9"
    assert org.tokens == []


@pytest.mark.parametrize(
    "url", ["http://acme.my.salesforce.com", "acme.my.salesforce.com", "https://u:SECRET@acme.com", "", None, 7]
)
def test_a_token_is_sent_to_no_wrong_address(org: Org, url: object) -> None:
    """An instance without TLS, or none at all, is refused, and not shown."""
    org.answer["instance_url"] = url
    credentials, api = connected(org, CLIENT)
    for ask in (credentials.authorization, credentials.instance_url, lambda: api.send(Request("GET", "/x"))):
        with pytest.raises(AuthError, match="login_url") as caught:
            ask()
        assert "SECRET" not in str(caught.value)
        assert "acme" not in str(caught.value)
    assert len(org.logins) == 1


@pytest.mark.parametrize("token", [None, "", 5, ["x"]])
def test_an_answer_without_a_token_is_refused(org: Org, token: object) -> None:
    """Whoever answers 200 without a token is not Salesforce."""
    org.answer["access_token"] = token
    with pytest.raises(AuthError, match="login_url"):
        connected(org, CLIENT)[0].authorization()


@pytest.mark.parametrize(
    "body", ["<!DOCTYPE html><html/>", "<html>", "", "[]", '<?xml version="1.0" encoding="x"?><a/>']
)
def test_a_page_is_no_login(org: Org, body: str) -> None:
    """A proxy's page, with 200, gives no session and is not expanded."""
    org.answers.append((200, body))
    with pytest.raises(AuthError, match="login_url"):
        connected(org, SOAP)[0].authorization()


def test_an_expired_password_gives_no_session(org: Org) -> None:
    """A SOAP session that is only good for changing the password is refused at once."""
    org.answers.append((200, SOAP_ANSWER.format(url=org.url, token="t", expired="true")))
    with pytest.raises(AuthError, match="password has expired"):
        connected(org, SOAP)[0].authorization()


def test_an_expired_token_is_renewed_once_by_many_threads(org: Org) -> None:
    """Sixteen threads meet the same refusal: one logs in, all of them get through."""
    _, api = connected(org, CLIENT)
    api.send(Request("GET", "/services/data"))
    org.refused.add("Bearer 00D!1")
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: api.send(Request("GET", "/services/data")), range(64)))
    assert {reply.status for reply in replies} == {200}
    assert len(org.logins) == 2
    assert org.tokens[-1] == "Bearer 00D!2"


def test_many_threads_log_in_once(org: Org) -> None:
    """The first requests of all threads wait for one login."""
    credentials, _ = connected(org, SIGNED)
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: credentials.authorization(), range(32))) == {"Bearer 00D!1"}
    assert len(org.logins) == 1


def test_the_same_session_again_is_no_renewal(org: Org) -> None:
    """A login that gives what was just refused cures nothing: the refusal stands, and nobody tries for ever."""
    org.answer["access_token"] = "00D!same"
    org.refused.add("Bearer 00D!same")
    _, api = connected(org, CLIENT)
    with pytest.raises(AuthError, match="expired"):
        api.send(Request("GET", "/services/data"))
    assert len(org.logins) == 2
    assert org.tokens == ["Bearer 00D!same"]


def test_an_answer_in_between_is_asked_for_again(org: Org) -> None:
    """A login that fails in passing is repeated; it changes nothing."""
    org.answers += [(503, "<html>SECRET</html>"), (500, SOAP_FAULT.format(code="SERVER_UNAVAILABLE", detail=""))]
    assert connected(org, CLIENT)[0].authorization() == "Bearer 00D!3"


def test_a_login_that_never_answers_ends_the_run(org: Org) -> None:
    """Attempts are not multiplied by those of each request that wants the session."""
    org.answers += [(503, "")] * 50
    credentials, api = connected(org, CLIENT)
    for _ in range(3):
        with pytest.raises(FatalError, match="login does not answer"):
            api.send(Request("GET", "/services/data"))
    with pytest.raises(FatalError, match="login does not answer"):
        credentials.authorization()
    assert len(org.logins) == QUICK.attempts


def test_a_refusal_is_not_repeated(org: Org) -> None:
    """Attempts lock users out: nobody asks again."""
    org.answers += [(400, '{"error": "invalid_client_id", "error_description": "SECRET"}')] * 3
    credentials, _ = connected(org, CLIENT)
    for _ in range(3):
        with pytest.raises(AuthError, match="'client_id'"):
            credentials.authorization()
    assert len(org.logins) == 1


def refusal(error: str, description: str = "SECRET", status: int = 400) -> ReverseETLError:
    """What a refusal by the token endpoint becomes."""
    body = json.dumps({"error": error, "error_description": description}).encode()
    found = login_errors.failure(Reply(status, {}, body), ("client_id", "client_secret"))
    assert found is not None
    assert "SECRET" not in str(found)
    return found


@pytest.mark.parametrize("code", login_errors.CODES)
def test_each_code_says_what_to_do(code: str) -> None:
    """Each code has a sentence of ours, with the code verbatim and without Salesforce's text."""
    found = refusal(code)
    assert isinstance(found, AuthError)
    assert not found.is_renewable
    assert str(found).endswith(f"({code}).")


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("authentication failure", "'password'"),
        ("authentication failure - Invalid Password", "'password'"),
        ("expired access/refresh token", "'refresh_token'"),
        ("user hasn't approved this consumer", "pre-authorized"),
        ("user is not admin approved to access this app", "pre-authorized"),
        ("Audience validation failed", "'login_url'"),
        ("audience is invalid", "'login_url'"),
        ("expired authorization code", "clock"),
        ("invalid assertion", "'private_key'"),
        ("request not supported on this domain", "My Domain"),
        ("no client credentials user enabled", "'Run As'"),
        ("inactive user", "deactivated"),
        ("ip restricted", "network"),
        ("something about SECRET: authentication failure", "Check 'client_id', 'client_secret', 'login_url'"),
        ("", "Check 'client_id', 'client_secret', 'login_url'"),
    ],
)
def test_an_invalid_grant_is_told_apart(description: str, words: str) -> None:
    """Of one code the beginning of the text chooses our sentence; it is never passed on."""
    found = refusal("invalid_grant", description)
    assert isinstance(found, AuthError)
    assert words in str(found)
    assert str(found).endswith("(invalid_grant).")


def test_every_pattern_has_a_test() -> None:
    """A pattern that no test knows could match anything."""
    marks: Any = test_an_invalid_grant_is_told_apart.pytestmark  # type: ignore[attr-defined]
    described = [one[0] for one in marks[0].args[1]]
    assert all(any(pattern.match(text) for text in described) for pattern, _ in login_errors.DESCRIPTIONS)


@pytest.mark.parametrize("code", sorted(login_errors.TRY_LATER))
def test_too_many_logins_are_for_later(code: str) -> None:
    """The run ends with the exit code of a quota."""
    assert isinstance(refusal(code), QuotaExhaustedError)


@pytest.mark.parametrize(
    "code", ["INVALID_LOGIN", "INVALID_OPERATION", "LOGIN_MUST_USE_SECURITY_TOKEN", "NO_SUCH_CODE"]
)
@pytest.mark.parametrize("detail", [DETAIL, ""])
@pytest.mark.parametrize("status", [500, 200])
def test_a_soap_fault_is_read_by_its_code(code: str, detail: str, status: int) -> None:
    """Of a fault, whatever its status, only the code is read."""
    body = SOAP_FAULT.format(code=code, detail=detail.format(code=code)).encode()
    found = login_errors.failure(Reply(status, {}, body), ("username", "password"))
    assert isinstance(found, AuthError)
    assert str(found).endswith(f"({code}).")
    assert "SECRET" not in str(found)


@pytest.mark.parametrize("code", sorted(login_errors.PASSING))
def test_a_passing_soap_fault_may_be_repeated(code: str) -> None:
    """A login changes nothing: it is sent again."""
    body = SOAP_FAULT.format(code=code, detail="").encode()
    assert isinstance(login_errors.failure(Reply(500, {}, body), ()), UnknownOutcomeError)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", RateLimitedError),
        (502, b"<html>SECRET</html>", UnknownOutcomeError),
        (302, b"", AuthError),
        (404, b"<html>SECRET</html>", AuthError),
        (404, b"[]", AuthError),
        (400, b'{"error": "a SECRET: code"}', AuthError),
        (400, b"<!DOCTYPE a [<!ENTITY b 'SECRET'>]><a>&b;</a>", AuthError),
    ],
)
def test_whoever_is_not_salesforce_is_not_quoted(status: int, body: bytes, kind: type[Exception]) -> None:
    """Pages and redirects name the setting to check; what is no code is not shown."""
    found = login_errors.failure(Reply(status, {}, body), ("client_id",))
    assert type(found) is kind
    assert "SECRET" not in str(found)
    if kind is AuthError:
        assert "'login_url'" in str(found)


def test_credentials_do_not_show(org: Org) -> None:
    """Neither the login nor the token is in a repr (G7)."""
    credentials, _ = connected(org, PASSWORD)
    credentials.authorization()
    assert isinstance(credentials, RenewedSession)
    assert "SECRET" not in repr(credentials)
    assert "00D!1" not in repr(parse(Reply(200, {}, org.login("", {}, "")[1].encode())))


def test_a_signed_login_is_not_repeated_for_longer_than_it_is_good() -> None:
    """The waits between the repeats of a login end before its assertion does."""
    waits_s = [
        min(LOGIN_POLICY.cap_s, LOGIN_POLICY.base_s * 2**attempt) for attempt in range(LOGIN_POLICY.attempts - 1)
    ]
    assert sum(waits_s) < 60


def test_a_late_answer_is_not_taken_for_a_wrong_clock() -> None:
    """A signature that ended while the login was repeated says nothing about the settings."""
    now_s = iter([NOW_S, NOW_S + 300])

    def send(request: Request) -> Reply:
        del request
        raise refusal("invalid_grant", "expired authorization code")

    config = SalesforceConfig.from_mapping(SIGNED)
    with pytest.raises(FatalError, match="Run again later") as caught:
        session(config, send, clock=lambda: next(now_s)).authorization()
    assert not isinstance(caught.value, AuthError)


@pytest.mark.parametrize(
    ("header", "limit", "remaining"),
    [
        ("api-usage=235/15000", 15000, 14765),
        ("api-usage=10018/100000; per-app-api-usage=17/250(appName=sample)", 100000, 89982),
        ("api-usage=10018/100000; per-app-api-usage=240/250(appName=a; api-usage=0/9)", 250, 10),
        ("api-usage=15100/15000", 15000, 0),
        ("api-usage=1/0", None, None),
        ("api-usage=many/15000", None, None),
        ("", None, None),
    ],
)
def test_limits_are_read_from_the_header(header: str, limit: int | None, remaining: int | None) -> None:
    """The limit that is nearer to its end counts; a soft one can be exceeded, and one of 0 is none."""
    found = limits.reading({"Sforce-Limit-Info": header} if header else {})
    assert (found.daily_limit, found.daily_remaining) == (limit, remaining)


@pytest.mark.parametrize(
    "body", [None, [], {}, {"DailyBulkApiBatches": 5}, {"DailyBulkApiBatches": {"Remaining": "x"}}]
)
def test_limits_that_are_not_told_are_unknown(body: object) -> None:
    """What the body does not say is not taken for zero."""
    assert limits.bulk_batches_left(body) is None
    assert limits.daily_requests(body).daily_limit is None
    told = {"DailyApiRequests": {"Max": 15000, "Remaining": 3, "App": {"Max": 0, "Remaining": 0}}}
    assert limits.daily_requests(told).daily_remaining == 3
    assert limits.bulk_batches_left({"DailyBulkApiBatches": {"Max": 15000, "Remaining": 0}}) == 0
