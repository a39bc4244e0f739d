"""Seeds, saved states, and what the control surface shows of Mailchimp."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from saas_simulators.seeds import SeedError
from saas_simulators.simulation import Simulation

if TYPE_CHECKING:
    from conftest import Api

LIST = "/3.0/lists/demo0000aa"
README = Path(__file__).parents[2] / "saas-simulators" / "README.md"


def readme_seed() -> dict[str, Any]:
    """Return the README's example for Mailchimp."""
    texts = re.findall(r"```yaml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    seed: dict[str, Any] = next(yaml.safe_load(text) for text in texts if text.startswith("mailchimp:"))
    return seed


def test_the_default_seed() -> None:
    """Without a seed there is one audience with four merge fields, and a welcome mail."""
    account = Simulation().mailchimp.account
    (audience,) = account.audiences.values()
    assert (audience.id, audience.has_welcome) == ("demo0000aa", True)
    assert {tag: one.type for tag, one in audience.fields.by_tag.items()} == {
        "FNAME": "text",
        "LNAME": "text",
        "LTV": "number",
        "PLAN": "text",
    }


def test_the_example_of_the_readme_works() -> None:
    """The README's seed adds audiences, fields, interests, members of every kind and forgotten addresses."""
    simulation = Simulation(readme_seed())
    simulation.reset()
    assert len(simulation.journal) == 0
    demo, press = simulation.mailchimp.account.audiences.values()
    assert demo.fields.by_tag["SIZE"].options["choices"] == ["S", "M", "L"]
    shown = {member.email: member for member in press.members.values()}
    assert {email.partition("@")[0]: member.status for email, member in shown.items()} == {
        "ada": "subscribed",
        "left": "unsubscribed",
        "old": "archived",
    }
    assert shown["left@shop.example"].is_blocked
    properties = simulation.mailchimp.account.shown(press, shown["ada@shop.example"])["properties"]
    assert (properties["interests"], properties["tags"]) == (["Weekly"], ["vip"])
    assert properties["marketing_permissions"] == ["Email"]
    assert len(press.forgotten) == 1
    assert press.double_optin
    assert not press.has_welcome


@pytest.mark.parametrize(
    ("audience", "said"),
    [
        ({}, "'id' is missing"),
        ({"id": "x", "fields": []}, "unknown key 'fields'"),
        ({"id": "x", "merge_fields": [{"tag": "X", "type": "integer"}]}, "merge_fields[0]: type: Value must be one of"),
        ({"id": "x", "merge_fields": [{"tag": "ELEVENCHARS"}]}, "up to 10 characters"),
        ({"id": "x", "members": [{"email_address": "nope"}]}, "members[0]: Please provide a valid email address."),
        ({"id": "x", "members": [{"email_address": "a@b.example", "status": "gone"}]}, "'gone' is no status"),
        ({"id": "x", "members": [{"email_address": "a@b.example", "unsubscribed_by": "me"}]}, "expected 'admin'"),
        ({"id": "x", "members": [{"email_address": "a@b.example", "interests": ["y"]}]}, "there is no 'y'"),
        ({"id": "x", "members": [{"email_address": "a@b.example", "vip": "yes"}]}, "vip: Schema describes boolean"),
        ({"id": "x", "segments": "spring"}, "expected a list of texts"),
        ({"id": "x", "interest_categories": [{"title": "D", "type": "slider"}]}, "Value must be one of"),
    ],
)
def test_wrong_seeds_name_the_place(audience: dict[str, Any], said: str) -> None:
    """A wrong seed is refused with its place."""
    with pytest.raises(SeedError, match=re.escape(said)) as caught:
        Simulation({"mailchimp": {"audiences": [audience]}})
    assert "mailchimp.audiences[0]" in str(caught.value)


def test_a_saved_state_goes_on(api: Api) -> None:
    """What was saved is there in another simulator: members, tags, fields, interests, forgotten, batches, numbers."""
    api.server.simulation.mailchimp.load(Simulation(readme_seed()).mailchimp.dump())
    api.send("POST", "/3.0/batches", {"operations": []})
    api.send("POST", "/3.0/lists/press00000/members/ada@shop.example/actions/delete-permanent")
    saved = json.loads(json.dumps(api.server.simulation.dump()))
    other = Simulation()
    other.load(saved)
    assert json.loads(json.dumps(other.dump())) == saved
    account = other.mailchimp.account
    numbers = {member.web_id for one in account.audiences.values() for member in one.members.values()}
    assert account.next_number() not in numbers
    press = account.audiences["press00000"]
    assert press.segment("VIP") is not None
    assert press.find("old@shop.example") is not None


def test_records(api: Api) -> None:
    """Members come with their merge fields among the properties, archived ones too, in pages."""
    for name in ("ada", "lee", "bob"):
        body = {"email_address": f"{name}@shop.example", "status": "subscribed", "tags": ["vip"]}
        api.send("POST", f"{LIST}/members", {**body, "merge_fields": {"LTV": 1}})
    api.send("DELETE", f"{LIST}/members/lee@shop.example")
    path = "/_simulator/records/mailchimp/demo0000aa"
    first = api.send("GET", f"{path}?limit=2").json()
    second = api.send("GET", f"{path}?limit=2&after={first['next']}").json()
    assert second["next"] is None
    records = first["records"] + second["records"]
    assert [record["archived"] for record in records] == [False, True, False]
    properties = records[0]["properties"]
    assert {name: properties[name] for name in ("email_address", "status", "FNAME", "LTV", "tags")} == {
        "email_address": "ada@shop.example",
        "status": "subscribed",
        "FNAME": "",
        "LTV": 1,
        "tags": ["vip"],
    }
    assert "demo0000aa" in api.send("GET", "/_simulator/records/mailchimp/nothing").json()["error"]


def test_overview_and_reset(api: Api) -> None:
    """The page shows the latest members with what is set; reset goes back to the seed."""
    body = {"members": [{"email_address": "ada@shop.example", "status": "subscribed", "merge_fields": {"PLAN": "pro"}}]}
    api.send("POST", LIST, body)
    state = api.send("GET", "/_simulator/overview").json()
    assert state["counts"]["mailchimp"] == {"demo0000aa": 1}
    assert [(one["vendor"], one["object"]) for one in state["latest"]] == [("mailchimp", "demo0000aa")]
    assert state["latest"][0]["properties"] == {
        "email_address": "ada@shop.example",
        "status": "subscribed",
        "PLAN": "pro",
    }
    assert state["request_counts"][0]["route"] == "/3.0/lists/{list_id}"
    api.send("PUT", "/_simulator/limits", {"mailchimp": {"connections": 1}})
    api.send("POST", "/_simulator/reset")
    state = api.send("GET", "/_simulator/overview").json()
    assert (state["counts"]["mailchimp"], state["latest"]) == ({"demo0000aa": 0}, [])
    assert state["limits"]["mailchimp"]["connections"] == 10
