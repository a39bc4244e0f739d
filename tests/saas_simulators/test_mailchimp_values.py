"""Merge fields: their definitions, and which values each type takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.mailchimp.fields import MergeField
from saas_simulators.mailchimp.values import RULES, ValueRefusedError, is_email, written

if TYPE_CHECKING:
    import requests
    from conftest import Api

FIELDS = "/3.0/lists/demo0000aa/merge-fields"
HOME = {"addr1": "Main Street 1", "city": "Berlin", "state": "BE", "zip": "10115"}
OPTIONS: dict[str, dict[str, Any]] = {
    "dropdown": {"choices": ["m", "w"]},
    "radio": {"choices": ["m", "w"]},
    "date": {"date_format": "MM/DD/YYYY"},
}


def field(kind: str, **options: Any) -> MergeField:
    """Return a merge field of a type."""
    return MergeField(1, "X", "X", kind, options={**OPTIONS.get(kind, {}), **options})


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("text", "x", "x"),
        ("text", 5, "5"),
        ("number", "15.50", 15.5),
        ("number", 7, 7),
        ("number", " -3 ", -3),
        ("number", "1e3", 1000.0),
        ("date", "1980-12-21", "1980-12-21"),
        ("date", "12/21/1980", "1980-12-21"),
        ("birthday", "2/29", "02/29"),
        ("zip", "01234", "01234"),
        ("phone", "anything goes", "anything goes"),
        ("url", "https://shop.example/a", "https://shop.example/a"),
        ("imageurl", "http://shop.example/a.png", "http://shop.example/a.png"),
        ("dropdown", "w", "w"),
        ("address", HOME, {**HOME, "addr2": "", "country": "US"}),
        ("address", dict.fromkeys(HOME, ""), ""),
        *[(kind, "", "") for kind in RULES],
        *[(kind, "  ", "") for kind in RULES],
    ],
)
def test_accepted_values(kind: str, value: Any, stored: Any) -> None:
    """Values are stored in the vendor's form, and empty ones clear the field."""
    found = written(value, field(kind))
    assert (found, type(found)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("number", "much", "Please enter a number"),
        ("number", "1,5", "Please enter a number"),
        ("number", "NaN", "Please enter a number"),
        ("number", "9" * 5000, "Please enter a number"),
        ("number", 10**400, "Please enter a number"),
        ("number", "1e999", "Please enter a number"),
        ("date", "21.12.1980", "Please enter the date"),
        ("date", "1980-02-30", "Please enter the date"),
        ("date", "1980-12-21T00:00:00Z", "Please enter the date"),
        ("date", 19801221, "Please enter the date"),
        ("birthday", "1980-12-21", "Please enter a month (01-12) and a day (01-31)"),
        ("birthday", "13/01", "Please enter a month (01-12) and a day (01-31)"),
        ("zip", "1234", "Please enter a zip code (5 digits)"),
        ("url", "shop", "That is not a valid URL"),
        ("imageurl", "ftp://shop.example", "That is not a valid URL"),
        ("dropdown", "z", "Value must be one of: m, w,  (not z)"),
        ("radio", 3, "Value must be one of: m, w,  (not 3)"),
        ("address", {**HOME, "zip": ""}, "Please enter a complete address"),
        ("address", "Main Street 1, Berlin", "Please enter a complete address"),
        ("text", HOME, "Data did not match any of the schemas described in anyOf."),
    ],
)
def test_refused_values(kind: str, value: Any, message: str) -> None:
    """A value that does not fit is refused with the vendor's text."""
    with pytest.raises(ValueRefusedError) as caught:
        written(value, field(kind))
    assert str(caught.value) == message


def test_options_of_a_field_decide() -> None:
    """US phone numbers are checked, and the order of day and month follows the format."""
    assert written("(415) 555-0100", field("phone", phone_format="US")) == "(415) 555-0100"
    with pytest.raises(ValueRefusedError):
        written("+49 30 1234", field("phone", phone_format="US"))
    assert written("21/12/1980", field("date", date_format="DD/MM/YYYY")) == "1980-12-21"


@pytest.mark.parametrize("text", ["a.@b.example", ".a@b.example", "a..b@c.example", "a@b..c", "@b.example", "a@b"])
def test_no_addresses(text: str) -> None:
    """What only looks like an address is none."""
    assert not is_email(text)


def create(api: Api, **spec: Any) -> requests.Response:
    """Create a merge field."""
    return api.send("POST", FIELDS, {"name": "Points", "type": "number", **spec})


def test_create_read_change_and_delete(api: Api) -> None:
    """A field is created with 200, listed by tag, renamed with its values kept, and deleted with them."""
    made = create(api, tag="points", required=True, help_text="x").json()
    assert (made["tag"], made["type"], made["required"], made["list_id"]) == ("POINTS", "number", True, "demo0000aa")
    listed = api.send("GET", FIELDS).json()
    assert [one["tag"] for one in listed["merge_fields"]] == ["FNAME", "LNAME", "LTV", "PLAN", "POINTS"]
    assert listed["total_items"] == 5
    assert api.send("GET", f"{FIELDS}?required=true").json()["total_items"] == 1
    assert api.send("GET", f"{FIELDS}?type=number&count=1").json()["merge_fields"][0]["tag"] == "LTV"
    member = {"email_address": "ada@shop.example", "status": "subscribed", "merge_fields": {"POINTS": 3}}
    api.send("POST", "/3.0/lists/demo0000aa/members", member)
    one = f"{FIELDS}/{made['merge_id']}"
    changed = api.send("PATCH", one, {"tag": "SCORE", "required": False, "name": "Score"}).json()
    assert (changed["tag"], changed["merge_id"]) == ("SCORE", made["merge_id"])
    path = "/3.0/lists/demo0000aa/members/ada@shop.example"
    assert api.send("GET", path).json()["merge_fields"]["SCORE"] == 3
    assert api.send("DELETE", one).status_code == 204
    assert "SCORE" not in api.send("GET", path).json()["merge_fields"]
    assert api.send("GET", one).status_code == 404
    events = [entry["event"] for entry in api.journal() if entry["event"].startswith("merge_field")]
    assert events == ["merge_field_created", "merge_field_updated", "merge_field_deleted"]


def test_tags_are_made_of_names(api: Api) -> None:
    """Without a tag one is made of the name, or of the number where that is taken."""
    assert create(api, name="Life time value").json()["tag"] == "LIFETIMEVA"
    assert create(api, name="Plan").json()["tag"] == "MMERGE6"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"tag": "ELEVENCHARS"}, "up to 10 characters"),
        ({"tag": "A-B"}, "up to 10 characters"),
        ({"tag": "ltv"}, 'A Merge Field with the tag "LTV" already exists for this list.'),
        ({"tag": "EMAIL"}, "already exists"),
        ({"type": "integer"}, "Value must be one of: text, number"),
        ({"name": None}, "Schema describes string, NULL found instead"),
        ({"name": ""}, "Required fields were not provided: name"),
        ({"type": "dropdown"}, "choice"),
        ({"required": "yes"}, "Schema describes boolean, string found instead"),
    ],
)
def test_wrong_definitions(api: Api, spec: dict[str, Any], said: str) -> None:
    """A wrong definition is a 400 that names what is wrong, and nothing is created."""
    reply = create(api, **spec)
    assert (reply.status_code, reply.json()["title"]) == (400, "Invalid Resource")
    assert said in reply.text.replace('\\"', '"')
    assert api.send("GET", FIELDS).json()["total_items"] == 4


def test_number_of_fields_is_limited(api: Api) -> None:
    """An audience takes 30 merge fields."""
    replies = [create(api, tag=f"F{number}") for number in range(27)]
    assert [reply.status_code for reply in replies] == [200] * 26 + [400]
    api.send("PUT", "/_simulator/limits", {"mailchimp": {"merge_fields": 80}})
    assert create(api, tag="F99").status_code == 200


@pytest.mark.parametrize("kind", sorted(RULES))
def test_every_type_is_created_and_written(api: Api, kind: str) -> None:
    """A field of each type takes its value through the API and gives it back."""
    values: dict[str, Any] = {
        "text": "x",
        "number": 1.5,
        "address": {**HOME, "addr2": "", "country": "DE"},
        "phone": "1",
        "date": "2020-01-02",
        "url": "http://a.example",
        "imageurl": "http://a.example",
        "radio": "m",
        "dropdown": "w",
        "birthday": "01/02",
        "zip": "12345",
    }
    made = create(api, tag="X", type=kind, options=OPTIONS.get(kind, {}))
    assert made.status_code == 200, made.text
    body = {"email_address": "a@b.example", "status": "subscribed", "merge_fields": {"X": values[kind]}}
    reply = api.send("POST", "/3.0/lists/demo0000aa/members", body)
    assert reply.json()["merge_fields"]["X"] == values[kind]
