"""simple-salesforce, unchanged, against the simulator; an adapter turns its https into http."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from saas_simulators import SimulatorServer


class Downgrade(HTTPAdapter):
    """Sends every request to the simulator, whatever host the client means."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        super().__init__()

    def send(self, request: Any, *arguments: Any, **more: Any) -> Any:
        """Send the request to the simulator."""
        parts = urlsplit(request.url)
        request.url = urlunsplit((self._target.scheme, self._target.netloc, parts.path, parts.query, parts.fragment))
        return super().send(request, *arguments, **more)


@pytest.fixture
def session(server: SimulatorServer) -> Iterator[requests.Session]:
    """A session that reaches the simulator only."""
    with requests.Session() as made:
        made.trust_env = False
        made.mount("https://", Downgrade(server.url))
        yield made


def connect(server: SimulatorServer, session: requests.Session, **credentials: str) -> Any:
    """Return a client."""
    every = credentials or {"session_id": "t", "instance_url": server.url}
    return Salesforce(**every, session=session, version="62.0")


def test_crud_of_one_row(server: SimulatorServer, session: requests.Session) -> None:
    """Create, read, update, upsert, query and delete work through the client."""
    sf = connect(server, session)
    made = sf.Account.create({"Name": "Acme", "External_Id__c": "A1"})
    assert made["success"] is True
    assert sf.Account.update(made["id"], {"Site": "x"}) == 204
    assert sf.Account.get(made["id"])["Site"] == "x"
    assert sf.Account.get_by_custom_id("External_Id__c", "a1")["Id"] == made["id"]
    assert sf.Account.upsert("External_Id__c/A1", {"Name": "Acme 2"}) == 200
    assert sf.Account.upsert("External_Id__c/A2", {"Name": "Other"}) == 201
    assert sf.query("SELECT Id, Name FROM Account WHERE Name = 'Acme 2'")["totalSize"] == 1
    assert sf.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Account.get(made["id"])
    assert sf.api_usage["api-usage"].total == 15_000


def test_deleting_and_reading_back(server: SimulatorServer, session: requests.Session) -> None:
    """The client hears what is deleted already, and sees the recycle bin with `include_deleted`."""
    sf = connect(server, session)
    ids = [sf.Account.create({"Name": name})["id"] for name in "abc"]
    assert sf.Account.delete(ids[0]) == 204
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        sf.Account.delete(ids[0])
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_ID"):
        sf.Account.delete("x")
    select = "SELECT Id, IsDeleted FROM Account"
    assert sf.query(select)["totalSize"] == 2
    assert [one["IsDeleted"] for one in sf.query(select, include_deleted=True)["records"]] == [True, False, False]


def test_describe_and_limits(server: SimulatorServer, session: requests.Session) -> None:
    """Describe, describe global and limits read as the client expects."""
    sf = connect(server, session)
    assert "Account" in {shown["name"] for shown in sf.describe()["sobjects"]}
    assert "LastName" in {field["name"] for field in sf.Contact.describe()["fields"]}
    assert sf.limits()["DailyApiRequests"]["Max"] == 15_000


def test_pages_of_a_query(server: SimulatorServer, session: requests.Session) -> None:
    """`query_all` follows the pages."""
    sf = connect(server, session)
    for start in range(0, 2200, 200):
        rows = [{"attributes": {"type": "Account"}, "Name": f"A{start + number}"} for number in range(200)]
        sf.restful("composite/sobjects", method="POST", json={"records": rows})
    assert len(sf.query_all("SELECT Id FROM Account")["records"]) == 2200


def test_errors_become_exceptions(server: SimulatorServer, session: requests.Session) -> None:
    """Bad rows, ambiguous keys and lost sessions are the client's exceptions."""
    sf = connect(server, session)
    with pytest.raises(SalesforceMalformedRequest, match="REQUIRED_FIELD_MISSING"):
        sf.Account.create({"Site": "x"})
    for name in "ab":
        sf.Contact.create({"LastName": name, "Email": "a@example.com"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Contact.upsert("Email/a@example.com", {"LastName": "z"})
    lost = connect(server, session, session_id="invalid", instance_url=server.url)
    with pytest.raises(SalesforceExpiredSession):
        lost.Account.create({"Name": "x"})


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": "ada@example.com", "password": "pw", "security_token": "t"},
        {"username": "ada@example.com", "password": "pw", "consumer_key": "k", "consumer_secret": "s"},
        {"consumer_key": "k", "consumer_secret": "s", "domain": "sim.my"},
    ],
)
def test_logins(server: SimulatorServer, session: requests.Session, credentials: dict[str, str]) -> None:
    """SOAP, user name and password, and client credentials log the client in."""
    sf = connect(server, session, **credentials)
    assert sf.query("SELECT Id FROM Organization")["totalSize"] == 1


def test_refused_logins(server: SimulatorServer, session: requests.Session) -> None:
    """Bad credentials are the client's exception."""
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        connect(server, session, username="invalid", password="pw", security_token="t")
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        connect(server, session, consumer_key="invalid", consumer_secret="s", domain="sim.my")


def test_login_with_a_signed_assertion(server: SimulatorServer, session: requests.Session) -> None:
    """A JWT that the client signs is taken."""
    key = _private_key()
    sf = connect(server, session, username="ada@example.com", consumer_key="k", privatekey=key)
    assert sf.query("SELECT Id FROM Organization")["totalSize"] == 1


def _private_key() -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, kind, serialization.NoEncryption()).decode()
