"""Journal, requests, records, reset, limits and the page."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

import pytest
import requests

from saas_simulators import SimulatorServer
from saas_simulators.server import NotLoopbackError

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Api

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\u0000"


def test_journal_tells_every_side_effect_once(api: Api) -> None:
    """Creating, changing and archiving a contact are one entry each, workflows beside them; rewriting is none."""
    given = {"id": "C1", "idProperty": "customer_id", "properties": {"firstname": "Ada", "lifecyclestage": "lead"}}
    api.batch("upsert", [given])
    api.batch("upsert", [given])
    given["properties"] = {"firstname": "Ada", "lifecyclestage": "customer", "city": "Rome"}
    (result,) = api.batch("upsert", [given]).json()["results"]
    api.send("DELETE", f"/crm/v3/objects/contacts/{result['id']}")
    assert [(entry["event"], entry["detail"]) for entry in api.journal()] == [
        ("record_created", ["customer_id", "firstname", "lifecyclestage"]),
        ("workflow_enrolled", ["welcome"]),
        ("workflow_enrolled", ["lifecyclestage:lead"]),
        ("record_updated", ["city", "lifecyclestage"]),
        ("workflow_enrolled", ["lifecyclestage:customer"]),
        ("record_archived", []),
    ]
    entry = api.journal()[0]
    assert (entry["sequence"], entry["vendor"], entry["object"], entry["id"]) == (
        1,
        "hubspot",
        "contacts",
        result["id"],
    )
    assert entry["unique"] == {"customer_id": "C1"}


def test_journal_since(api: Api) -> None:
    """`since` continues where the last answer ended."""
    for number in range(3):
        api.create("companies", name=f"n{number}")
    first = api.send("GET", "/_simulator/journal?limit=2").json()
    rest = api.send("GET", f"/_simulator/journal?since={first['last']}").json()
    assert [entry["sequence"] for entry in first["entries"] + rest["entries"]] == [1, 2, 3]
    assert api.send("GET", "/_simulator/journal?since=3").json() == {"entries": [], "last": 3, "total": 3}
    assert api.send("GET", "/_simulator/journal?since=x").status_code == 400


def test_requests_are_counted_without_credentials(api: Api) -> None:
    """Requests are counted by route and status; no token is kept, bodies only on request."""
    api.token = "pat-secret"
    api.create(email="ada@example.com")
    api.send("GET", "/crm/v3/objects/contacts/1")
    api.session.post(api.server.url + "/oauth/v1/token", data={"refresh_token": "topsecret"}, timeout=5)
    reply = api.send("GET", "/_simulator/requests?bodies=true")
    counts = {(one["route"], one["status"]): one["count"] for one in reply.json()["counts"]}
    assert counts == {
        ("/crm/objects/2026-09/{object_type}", 201): 1,
        ("/crm/v3/objects/{object_type}/{record_id}", 404): 1,
        ("/oauth/v1/token", 400): 1,
    }
    assert "secret" not in reply.text
    assert "ada@example.com" in reply.text
    assert "ada@example.com" not in api.send("GET", "/_simulator/requests").text


def test_records_are_paged(api: Api) -> None:
    """Records come with all properties, in pages."""
    for number in range(3):
        api.create("companies", name=f"n{number}")
    path = "/_simulator/records/hubspot/companies"
    first = api.send("GET", f"{path}?limit=2").json()
    second = api.send("GET", f"{path}?limit=2&after={first['next']}").json()
    assert [one["properties"]["name"] for one in first["records"] + second["records"]] == ["n0", "n1", "n2"]
    assert second["next"] is None
    assert api.send("GET", "/_simulator/records/hubspot/nothing").status_code == 400
    assert "hubspot" in api.send("GET", "/_simulator/records/nobody/x").json()["error"]


def test_reset_goes_back_to_the_seed(api: Api) -> None:
    """Reset forgets records, definitions, journal, requests, faults, limits and lag, and keeps the seed."""
    api.create(email="ada@example.com")
    field = {"name": "x", "label": "x", "type": "string", "fieldType": "text", "groupName": "contactinformation"}
    api.send("POST", "/crm/v3/properties/contacts", field)
    api.send("PUT", "/_simulator/limits", {"hubspot": {"burst": 1}})
    api.send("PUT", "/_simulator/lag", {"hubspot": {"search_seconds": 9}})
    api.send("PUT", "/_simulator/faults", [{"kind": "500"}])
    assert api.send("POST", "/_simulator/reset").json() == {"reset": True}
    state = api.send("GET", "/_simulator/overview").json()
    assert (state["counts"]["hubspot"]["contacts"], state["journal_length"], state["faults"]) == (0, 0, [])
    assert state["limits"]["hubspot"]["burst"] == 190
    assert api.server.hubspot.search_lag_s == 0
    assert api.send("GET", "/crm/v3/properties/contacts/x").status_code == 404
    assert api.send("GET", "/crm/v3/properties/contacts/plan").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("limits", {"hubspot": {"brust": 1}}),
        ("limits", {"hubspot": {"burst": "many"}}),
        ("limits", {"hubspot": {"burst": -1}}),
        ("limits", {"hubspot": {"enabled": 0}}),
        ("limits", {"hubspot": 5}),
        ("limits", []),
        ("lag", {"hubspot": {"search_seconds": -1}}),
        ("lag", {"hubspot": {}}),
        ("lag", {"nobody": {"search_seconds": 1}}),
    ],
)
def test_wrong_settings_are_refused(api: Api, path: str, body: Any) -> None:
    """A wrong setting is a 400 that says what is expected."""
    reply = api.send("PUT", f"/_simulator/{path}", body)
    assert reply.status_code == 400
    assert re.search("xpected|must be|No vendor", reply.json()["error"])


def test_unknown_control_paths_name_the_known(api: Api) -> None:
    """A misspelt control path answers with the list of paths."""
    reply = api.send("GET", "/_simulator/journals")
    assert reply.status_code == 404
    assert "/_simulator/journal" in reply.json()["error"]


def test_hostile_strings_stay_text(api: Api) -> None:
    """What clients send reaches the page as JSON only; the page puts in text, and its policy allows nothing foreign."""
    api.create(email="ada@example.com", firstname=HOSTILE)
    api.send("GET", "/crm/v3/objects/contacts/%3Cscript%3E")
    page = api.send("GET", "/")
    assert HOSTILE not in page.text
    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert unsafe not in page.text
    assert not re.search(r"(src|href)=|https?://", page.text)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    overview = api.send("GET", "/_simulator/overview")
    assert overview.headers["Content-Type"].startswith("application/json")
    assert overview.json()["latest"][0]["properties"]["firstname"] == HOSTILE


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.com", ""])  # noqa: S104 - refused
def test_only_loopback(host: str) -> None:
    """A host that others could reach is refused."""
    with pytest.raises(NotLoopbackError, match="loopback"):
        SimulatorServer(host=host)


def test_connections_stay_open(api: Api) -> None:
    """Many requests go over one connection, chunked bodies included."""
    host, port = "127.0.0.1", api.server.port
    head = f"POST /crm/v3/objects/contacts HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer x\r\n"
    text = '{"properties":{"firstname":"Ada"}}'
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n5\r\n{text[:5]}\r\n{len(text) - 5:x}\r\n{text[5:]}\r\n0\r\n\r\n"
    plain = f"{head}Content-Length: {len(text)}\r\n\r\n{text}"
    with socket.create_connection((host, port), timeout=5) as connection, connection.makefile("rb") as answers:
        for request in (chunked, plain, chunked):
            connection.sendall(request.encode())
            assert answers.readline() == b"HTTP/1.1 201 Created\r\n"
            length = 0
            while (line := answers.readline().strip()) != b"":
                length = int(line.split(b":")[1]) if line.lower().startswith(b"content-length") else length
            assert b'"firstname":"Ada"' in answers.read(length)


def test_state_survives_in_a_file(tmp_path: Path) -> None:
    """With a state file a second server continues where the first one stopped."""
    path = tmp_path / "state.json"
    headers = {"Authorization": "Bearer x"}
    body = {"inputs": [{"id": "C1", "idProperty": "customer_id", "properties": {"firstname": "Ada"}}]}
    answers = []
    for _ in range(2):
        with SimulatorServer(state_path=path) as server:
            url = f"{server.url}/crm/v3/objects/contacts/batch/upsert"
            (result,) = requests.post(url, json=body, headers=headers, timeout=5).json()["results"]
            answers.append((result["id"], result["new"]))
            new = requests.post(
                f"{server.url}/crm/v3/objects/companies", json={"properties": {"name": "x"}}, headers=headers, timeout=5
            ).json()
            answers.append((new["id"], None))
    assert answers[0][0] == answers[2][0]
    assert (answers[0][1], answers[2][1]) == (True, False)
    assert len({answers[0][0], answers[1][0], answers[3][0]}) == 3
    assert path.stat().st_mode & 0o077 == 0


def test_a_stopped_server_answers_nobody() -> None:
    """Stopping closes kept connections too, so that a test can take the vendor away."""
    with requests.Session() as session:
        with SimulatorServer() as server:
            url = f"{server.url}/_simulator/limits"
            assert session.get(url, timeout=5).status_code == 200
        with pytest.raises(requests.ConnectionError):
            session.get(url, timeout=5)


def test_paths_of_nobody(api: Api) -> None:
    """A path that no vendor serves says so."""
    reply = api.send("GET", "/nobody")
    assert (reply.status_code, reply.json()["error"][:19]) == (404, "No simulated vendor")
