"""What an address has to keep to beyond its syntax; the network is never asked here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dns.exception
import dns.name
import dns.resolver
import msgspec
import pytest
from core.fakes import people, route

from reverse_etl_core import emails
from reverse_etl_core.emails import EmailRules
from reverse_etl_core.intake import Intake
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.planning import Candidate, Refusal
from reverse_etl_core.schema import Field, FieldType, frozen
from reverse_etl_core.stream_config import LookupConfig

if TYPE_CHECKING:
    from reverse_etl_core.intake import Judged


class Mx:
    """One mail server."""

    preference = 10

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange


class FakeResolver:
    """Answers by domain: names of mail servers, or what is raised; whoever is not there has no name."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name.replace("_", "."): answer for name, answer in answers.items()}
        self.asked: list[tuple[str, str]] = []

    def resolve(self, domain: str, kind: str) -> list[Mx]:
        """Answer one question."""
        self.asked.append((domain, kind))
        answer = self.answers.get(domain, dns.resolver.NXDOMAIN())
        if isinstance(answer, Exception):
            raise answer
        if kind != "MX":
            raise dns.resolver.NoAnswer
        return [Mx(name) for name in answer]


def rules(resolver: FakeResolver) -> EmailRules:
    """Rules that ask."""
    return EmailRules(checks_deliverability=True, resolver=resolver)


@pytest.mark.parametrize("address", ["info@a.example", "SUPPORT@a.example", "no-reply+x@a.example", "noc@a.example"])
def test_addresses_of_roles_are_refused_on_request(address: str) -> None:
    """In any case, with any addition."""
    problem = EmailRules(rejects_roles=True).problem(address)
    assert problem is not None
    assert "'reject_role_addresses'" in problem
    assert EmailRules(rejects_disposable=True).problem(address) is None


@pytest.mark.parametrize(
    "address", ["information@a.example", "ada.info@a.example", "a@info.example", "administrator@a.b"]
)
def test_people_are_not_roles(address: str) -> None:
    """Only the whole local part counts."""
    assert EmailRules(rejects_roles=True).problem(address) is None


@pytest.mark.parametrize("address", ["a@mailinator.com", "a@MAILINATOR.com", "a@deep.sub.mailinator.com"])
def test_throw_away_addresses_are_refused_on_request(address: str) -> None:
    """Those of a listed service, its subdomains included."""
    problem = EmailRules(rejects_disposable=True).problem(address)
    assert problem is not None
    assert "'reject_disposable_addresses'" in problem
    assert EmailRules(rejects_roles=True).problem(address) is None


@pytest.mark.parametrize("address", ["a@gmail.com", "a@not-mailinator.example", "a@example.com", "a@com"])
def test_usual_domains_are_not_listed(address: str) -> None:
    """The list is not vacuous, and not too wide."""
    assert EmailRules(rejects_disposable=True).problem(address) is None


def test_without_rules_nothing_is_asked() -> None:
    """The default: syntax only."""
    resolver = FakeResolver()
    none = EmailRules(resolver=resolver)
    assert not none
    assert none.problem("info@mailinator.com") is None
    assert resolver.asked == []


@pytest.mark.parametrize(
    ("answer", "is_refused"),
    [
        (["mx.a.example"], False),
        ([""], True),  # a null MX, RFC 7505
        (dns.resolver.NXDOMAIN(), True),
        (dns.resolver.NoAnswer(), True),
        (dns.resolver.NoNameservers(), False),
        (dns.exception.Timeout(), False),
        (OSError("the network is down"), False),
        (dns.name.EmptyLabel(), False),
    ],
)
def test_only_a_no_of_the_dns_refuses(answer: Any, is_refused: bool) -> None:  # noqa: FBT001 - a column of the table
    """A DNS that does not answer is no fault of the address."""
    problem = rules(FakeResolver(a_com=answer)).problem("ada@a.com")
    assert (problem is not None) is is_refused
    assert problem is None or "'check_deliverability'" in problem


def test_a_domain_is_asked_for_once() -> None:
    """However many addresses it has."""
    resolver = FakeResolver(a_com=["mx.a.com"])
    one = rules(resolver)
    for name in ("ada", "bob", "eve"):
        assert one.problem(f"{name}@A.com") is None
        assert one.problem(f"{name}@b.com") is not None
    assert [domain for domain, _ in resolver.asked] == ["a.com", "b.com"]


def test_a_dns_that_never_answers_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Each question costs a time-out: after some of them nobody asks any more in this run, and the log says so."""
    resolver = FakeResolver(**{f"d{n}_com": dns.exception.Timeout() for n in range(50)})
    one = rules(resolver)
    assert all(one.problem(f"ada@d{n}.com") is None for n in range(50))
    assert len(resolver.asked) == emails.FRUITLESS_QUESTIONS
    assert caplog.text.count("'check_deliverability'") == 1


def test_an_answer_now_and_then_is_enough_to_go_on() -> None:
    """Only questions in a row count."""
    resolver = FakeResolver(**{f"d{n}_com": ["mx"] if n % 5 == 0 else dns.exception.Timeout() for n in range(30)})
    one = rules(resolver)
    assert all(one.problem(f"ada@d{n}.com") is None for n in range(30))
    assert len(resolver.asked) == 30


def judge_both_ways(one: Any, record: dict[str, Any]) -> list[Judged]:
    """By the quick way, and by the thorough one."""
    intake = Intake(one)
    raw = msgspec.Raw(msgspec.json.encode(record))
    return [intake.judge(raw), intake.judge_thoroughly(record)]


@pytest.mark.parametrize(
    ("address", "is_fine"),
    [("ada@a.com", True), ("info@a.com", False), ("ada@mailinator.com", False), ("ada@b.com", False), (None, True)],
)
def test_the_quick_way_and_the_thorough_one_agree(address: str | None, is_fine: bool) -> None:  # noqa: FBT001
    """Rules hold whichever way a record goes, and the rejection names field and rule, not the address (G7)."""
    resolver = FakeResolver(a_com=["mx.a.com"], mailinator_com=["mx"])
    every = EmailRules(rejects_roles=True, rejects_disposable=True, checks_deliverability=True, resolver=resolver)
    way = route(columns=("n", "key", "email"), emails=every)
    for judged in judge_both_ways(way, {"n": 1, "key": "k", "email": address}):
        assert isinstance(judged, Candidate) is is_fine
        if isinstance(judged, Refusal):
            assert judged.code is RejectCode.INVALID_EMAIL
            assert "'email'" in judged.reason
            assert str(address) not in judged.reason


def test_plain_addresses_still_go_the_quick_way() -> None:
    """The rules are a second look, and no reason for `jsonschema`."""
    way = route(columns=("n", "key", "email"), emails=EmailRules(rejects_roles=True))
    intake = Intake(way)
    intake.judge_thoroughly = None  # type: ignore[assignment,method-assign] - would be called
    judged = intake.judge(msgspec.Raw(b'{"n":1,"key":"k","email":"ada@a.com"}'))
    assert isinstance(judged, Candidate)


def test_an_address_that_names_another_record_is_not_ruled() -> None:
    """A lookup's value is not written, and may be the address of a role."""
    fields = dict(people().fields)
    fields["boss"] = Field("boss", FieldType.STRING, references=("people",))
    schema = people(fields=frozen(fields))
    way = route(
        schema,
        columns=("n", "key", "boss"),
        lookups={"boss": LookupConfig("people", "email", "reject")},
        parents={"people": schema},
        emails=EmailRules(rejects_roles=True),
    )
    for judged in judge_both_ways(way, {"n": 1, "key": "k", "boss": "info@a.com"}):
        assert isinstance(judged, Candidate)
