"""The simulator's answers are those recorded from real orgs, ids apart."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import SalesforceApi

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings" / "salesforce" / "ampersand"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside this repository")


def recorded(name: str) -> Any:
    """Return a recorded body."""
    return json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))


def without_ids(value: Any) -> Any:
    """Return a body with its record ids made equal."""
    return json.loads(re.sub(r'"([0-9A-Za-z]{3})[0-9A-Za-z]{15}"', r'"\1"', json.dumps(value)))


def keys(value: Any) -> Any:
    """Return the keys of a JSON value, in their order; lists are as their first item."""
    if isinstance(value, dict):
        return [(name, keys(item)) for name, item in value.items()]
    return [keys(item) for item in value[:1]] if isinstance(value, list) else None


def collection(sf: SalesforceApi, method: str, records: list[dict[str, Any]], *, strict: bool = False) -> Any:
    """Send a collection of contacts."""
    rows = [{"attributes": {"type": "Contact"}, **record} for record in records]
    return sf.send(method, "/composite/sobjects", {"allOrNone": strict, "records": rows})


def test_created_collection(sf: SalesforceApi) -> None:
    """The recorded request gets the recorded answer."""
    reply = sf.send("POST", "/composite/sobjects", recorded("batch_create_contacts_payload"))
    assert without_ids(reply.json()) == without_ids(recorded("batch_create_contacts_success"))


def test_updated_collection(sf: SalesforceApi) -> None:
    """Ids may be written `id`, and the answer is the recorded one."""
    payload = recorded("batch_update_contacts_payload")
    for record in payload["records"]:
        record["id"] = sf.create("Contact", LastName="x")
    reply = sf.send("PATCH", "/composite/sobjects", payload)
    assert without_ids(reply.json()) == without_ids(recorded("batch_update_contacts_success"))


def test_empty_collection(sf: SalesforceApi) -> None:
    """No row at all is the recorded 400."""
    reply = collection(sf, "POST", [])
    assert (reply.status_code, reply.json()) == (400, recorded("batch_create_contacts_err-bad-request"))


def test_collection_without_ids(sf: SalesforceApi) -> None:
    """Updates without ids fail as recorded."""
    reply = collection(sf, "PATCH", [{"LastName": "a"}, {"LastName": "b"}])
    assert reply.json() == recorded("batch_update_contacts_err-each-no-ids")


def test_all_or_none(sf: SalesforceApi) -> None:
    """The culprit carries its own code, the others that they were rolled back, in both orders."""
    reply = collection(sf, "POST", [{"FirstName": "x"}, {"LastName": "b"}], strict=True)
    assert reply.json() == recorded("batch_create_contacts_partial-but-allOrNone")
    ids = [sf.create("Contact", LastName=name) for name in "ab"]
    rows = [{"id": ids[0], "LastName": "x"}, {"id": ids[1], "unknownField_LastName": "y"}]
    assert collection(sf, "PATCH", rows, strict=True).json() == recorded("batch_update_contacts_partial-but-allOrNone")


def test_single_rows(sf: SalesforceApi) -> None:
    """Created, refused and deleted rows are as recorded."""
    reply = sf.send("POST", "/sobjects/Account", {"Name": "x"})
    assert without_ids(reply.json()) == without_ids(recorded("create-ok"))
    assert sf.send("POST", "/sobjects/Account", {"AccountNumer": "x"}).json() == recorded("unknown-field")
    reply = sf.send("POST", "/sobjects/Account", {"Name": "x", "MasterRecordId": "x"})
    assert reply.json() == recorded("invalid-field-upsert")
    path = f"/sobjects/Account/{sf.create('Account', Name='x')}"
    sf.send("DELETE", path)
    assert sf.send("DELETE", path).json() == recorded("crm_delete_not-found")


def test_query_of_an_unknown_object(sf: SalesforceApi) -> None:
    """The message about an unknown object ends as recorded; the excerpt before it is cut differently."""
    (real,) = recorded("unknown-object")
    (error,) = sf.send("GET", "/query?q=SELECT+Name,BillingCity,IsDeleted+FROM+Accout").json()
    assert error["errorCode"] == real["errorCode"]
    assert error["message"].splitlines()[-1] == real["message"].splitlines()[-1]
    assert error["message"].splitlines()[-2].startswith("ERROR at Row:1:Column:")


@pytest.mark.parametrize("name", ["read-list-contacts", "read-opportunity-with-account"])
def test_query_results(sf: SalesforceApi, name: str) -> None:
    """A result has the recorded keys in their order."""
    real = recorded(name)
    kind = real["records"][0]["attributes"]["type"]
    needed: dict[str, Any] = {"LastName": "x"} if kind == "Contact" else {}
    sf.create(kind, **(needed or {"Name": "x", "StageName": "y", "CloseDate": "2026-01-01"}))
    names = [name for name in real["records"][0] if name != "attributes"]
    sf.version = "60.0"
    reply = sf.send("GET", f"/query?q=SELECT+{','.join(names)}+FROM+{kind}")
    assert keys(reply.json()) == keys(real)
    pattern = re.sub(r"[^/]+$", "", real["records"][0]["attributes"]["url"])
    assert reply.json()["records"][0]["attributes"]["url"].startswith(pattern)
