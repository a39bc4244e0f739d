from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Api

NON_UNIQUE = "Unable to perform update/upsert by non-unique"


def keyed(number: int, **properties: Any) -> dict[str, Any]:
    """Return an upsert input by customer_id."""
    return {"id": f"C{number}", "idProperty": "customer_id", "properties": {"firstname": f"N{number}", **properties}}


def traced(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the inputs, each with a trace id of its own."""
    return [{**given, "objectWriteTraceId": f"t{position}"} for position, given in enumerate(inputs)]


def test_upsert_says_new_once(api: Api) -> None:
    """An upsert creates at first and updates the same record from then on."""
    first = api.batch("upsert", [keyed(1)])
    second = api.batch("upsert", [keyed(1, city="Rome")])
    assert (first.status_code, second.status_code) == (200, 200)
    (created,), (updated,) = first.json()["results"], second.json()["results"]
    assert (created["new"], updated["new"]) == (True, False)
    assert created["id"] == updated["id"]
    assert created["properties"]["customer_id"] == "C1"


def test_update_echo_holds_only_what_was_touched(api: Api) -> None:
    """An update answers with the properties that were sent and a few derived ones, not with the record."""
    api.batch("upsert", [keyed(1, phone="1")])
    (result,) = api.batch("upsert", [keyed(1, city="Rome")]).json()["results"]
    assert result["properties"]["city"] == "Rome"
    assert "phone" not in result["properties"]


def test_results_are_shuffled_but_complete(api: Api) -> None:
    """Results come in another order than the inputs."""
    inputs = traced([keyed(number) for number in range(50)])
    results = api.batch("upsert", inputs).json()["results"]
    ids = [result["objectWriteTraceId"] for result in results]
    assert ids != [given["objectWriteTraceId"] for given in inputs]
    assert sorted(ids) == sorted(given["objectWriteTraceId"] for given in inputs)


def test_emails_are_stored_in_lower_case(api: Api) -> None:
    """An e-mail key finds its contact whatever its case, and is stored in lower case."""
    api.create(email="Ana@Example.COM")
    (result,) = api.batch(
        "upsert", [{"id": "ANA@example.com", "idProperty": "email", "properties": {"city": "Rome"}}]
    ).json()["results"]
    assert result["new"] is False
    (read,) = api.batch("read", [{"id": "aNa@example.com"}], idProperty="email", properties=["email"]).json()["results"]
    assert read["properties"]["email"] == "ana@example.com"


@pytest.mark.parametrize("verb", ["create", "upsert", "update", "read", "archive"])
def test_more_than_a_hundred_inputs_are_refused(api: Api, verb: str) -> None:
    """Every batch verb takes 100 inputs and no more."""
    inputs = [keyed(number) if verb != "archive" else {"id": str(number)} for number in range(101)]
    reply = api.batch(verb, inputs)
    assert reply.status_code == 400
    assert "is 100." in reply.json()["message"]
    assert api.journal() == []


def test_history_reads_take_fifty(api: Api) -> None:
    """A batch read with histories takes 50 inputs."""
    reply = api.batch("read", [{"id": str(number)} for number in range(51)], propertiesWithHistory=["email"])
    assert reply.status_code == 400
    assert "for property histories is 50" in reply.json()["message"]


@pytest.mark.parametrize("trace", [False, True])
def test_duplicate_ids_refuse_the_whole_call(api: Api, trace: bool) -> None:  # noqa: FBT001 - a parameter
    """The same id twice refuses everything, trace ids or not."""
    inputs = [keyed(1), keyed(2), keyed(1)]
    reply = api.batch("upsert", traced(inputs) if trace else inputs)
    assert reply.status_code == 400
    body = reply.json()
    assert body["message"] == "Duplicate IDs found in batch input: [C1]. IDs must be unique"
    assert (body["context"], body["category"]) == ({"ids": ["C1"]}, "VALIDATION_ERROR")
    assert api.journal() == []


@pytest.mark.parametrize("verb", ["upsert", "create"])
def test_one_bad_value_without_trace_ids_refuses_all(api: Api, verb: str) -> None:
    """Without trace ids one invalid record stops the whole batch, and all bad values are listed."""
    reply = api.batch(verb, [keyed(1), keyed(2, plan="gold", nonsense="x")])
    assert reply.status_code == 400
    codes = {error["code"]: error["context"] for error in reply.json()["errors"]}
    assert codes == {
        "INVALID_OPTION": {"propertyName": ["plan"]},
        "PROPERTY_DOESNT_EXIST": {"propertyName": ["nonsense"]},
    }
    assert api.journal() == []


@pytest.mark.parametrize(("verb", "ok"), [("upsert", 200), ("create", 201)])
def test_trace_ids_let_the_good_ones_pass(api: Api, verb: str, ok: int) -> None:
    """With a trace id on every input the valid ones are written and the others named."""
    reply = api.batch(verb, traced([keyed(1), keyed(2, plan="gold"), keyed(3)]))
    assert reply.status_code == 207
    body = reply.json()
    assert sorted(result["objectWriteTraceId"] for result in body["results"]) == ["t0", "t2"]
    (error,) = body["errors"]
    assert body["numErrors"] == 1
    assert error["context"]["objectWriteTraceId"] == ["t1"]
    assert error["category"] == "VALIDATION_ERROR"
    assert api.batch(verb, traced([keyed(9)])).status_code == ok


def test_repeated_trace_ids_count_as_none(api: Api) -> None:
    """Trace ids that are not unique give no partial success."""
    inputs = [{**keyed(number, plan="gold" if number else "pro"), "objectWriteTraceId": "same"} for number in range(2)]
    assert api.batch("upsert", inputs).status_code == 400
    assert api.journal() == []


def test_create_conflict_names_the_existing_record(api: Api) -> None:
    """A create with a taken e-mail is a 409 that names the first conflict only."""
    ada, bob = api.create(email="ada@example.com"), api.create(email="bob@example.com")
    reply = api.batch(
        "create", [{"properties": {"email": "ada@example.com"}}, {"properties": {"email": "bob@example.com"}}]
    )
    assert reply.status_code == 409
    assert reply.json()["message"] == f"Contact already exists. Existing ID: {ada['id']}"
    assert reply.json()["category"] == "CONFLICT"
    assert bob["id"] not in reply.text


def test_create_conflict_with_trace_ids_is_an_item(api: Api) -> None:
    """With trace ids a conflict is one item that carries the existing id."""
    ada = api.create(email="ada@example.com")
    inputs = traced([{"properties": {"email": email}} for email in ("ada@example.com", "new@example.com")])
    reply = api.batch("create", inputs)
    assert reply.status_code == 207
    assert reply.json()["errors"] == [
        {
            "status": "error",
            "category": "CONFLICT",
            "message": f"Contact already exists. Existing ID: {ada['id']}",
            "context": {"objectWriteTraceId": ["t0"], "existingId": [ada["id"]]},
        }
    ]


def test_two_creates_with_one_email_conflict(api: Api) -> None:
    """The same e-mail twice in one batch of creates is a conflict."""
    inputs = [{"properties": {"email": "ada@example.com"}}, {"properties": {"email": "ADA@example.com"}}]
    assert api.batch("create", inputs).status_code == 409
    assert api.batch("create", traced(inputs)).status_code == 207
    assert len(api.journal("record_created")) == 1


def test_custom_unique_value_taken(api: Api) -> None:
    """A unique value of another record is refused with the text that names both records."""
    owner = api.create(email="ada@example.com", customer_id="C1")
    other = api.create(email="bob@example.com")
    reply = api.batch("update", [{"id": other["id"], "properties": {"customer_id": "C1"}}])
    assert reply.status_code == 400
    assert reply.json()["category"] == "VALIDATION_ERROR"
    assert reply.json()["message"].endswith(
        f"propertyName=customer_id, value=C1}} on {other['id']}. {owner['id']} already has that value."
    )


def test_changing_an_email_to_a_taken_one(api: Api) -> None:
    """An update cannot give a contact the e-mail of another."""
    api.create(email="ada@example.com", customer_id="C1")
    api.create(email="bob@example.com", customer_id="C2")
    reply = api.batch("upsert", [keyed(2, email="ada@example.com")])
    assert reply.status_code == 400
    assert "already has that value" in reply.json()["message"]


def test_a_value_given_up_in_the_same_batch_is_still_taken(api: Api) -> None:
    """Values are checked against the records before the batch, so a swap is refused and nothing is written."""
    api.create(email="ada@example.com", customer_id="C1")
    api.create(email="bob@example.com", customer_id="C2")
    reply = api.batch("upsert", [keyed(1, email="bob@example.com"), keyed(2, email="ada@example.com")])
    assert reply.status_code == 400
    assert api.journal("record_updated") == []


def test_unknown_ids_make_an_update_partial(api: Api) -> None:
    """Unknown ids are one OBJECT_NOT_FOUND error that names them all, without trace ids too."""
    known = api.create(email="ada@example.com")
    inputs = [{"id": record_id, "properties": {"city": "Rome"}} for record_id in (known["id"], "111", "222")]
    reply = api.batch("update", inputs)
    assert reply.status_code == 207
    body = reply.json()
    assert [result["id"] for result in body["results"]] == [known["id"]]
    (error,) = body["errors"]
    assert (body["numErrors"], error["category"], error["context"]) == (1, "OBJECT_NOT_FOUND", {"ids": ["111", "222"]})
    assert error["message"].startswith("Could not get some CONTACT objects")


def test_update_with_an_email_in_id_changes_nothing(api: Api) -> None:
    """An e-mail as id of a batch update is answered with success and no result."""
    api.create(email="ada@example.com")
    reply = api.batch("update", [{"id": "ada@example.com", "properties": {"city": "Rome"}}])
    assert (reply.status_code, reply.json()["results"]) == (200, [])
    assert "errors" not in reply.json()
    assert api.journal("record_updated") == []


@pytest.mark.parametrize(
    ("verb", "object_type", "id_property"),
    [
        ("upsert", "deals", "dealname"),
        ("upsert", "companies", "domain"),
        ("upsert", "contacts", "hs_object_id"),
        ("upsert", "contacts", "no_such"),
        ("upsert", "contacts", None),
        ("update", "contacts", "email"),
        ("update", "companies", "hs_object_id"),
        ("read", "companies", "domain"),
    ],
)
def test_non_unique_id_properties_are_refused(api: Api, verb: str, object_type: str, id_property: str | None) -> None:
    """Only unique properties may name a record; `email` not in batch/update."""
    naming = {"idProperty": id_property} if id_property else {}
    inputs = [{"id": "1", "properties": {"description": "x"}, **naming}]
    reply = api.batch(verb, inputs, object_type, **(naming if verb == "read" else {}))
    assert reply.status_code == 400
    assert reply.json()["message"].startswith(NON_UNIQUE)
    assert reply.json()["message"].endswith("in portal ID 48000001")


def test_read_leaves_out_unknown_properties_and_nulls_unset_ones(api: Api) -> None:
    """Unset properties read as null, unknown ones are absent, missing records make it 207."""
    ada = api.create(email="ada@example.com")
    reply = api.batch("read", [{"id": ada["id"]}, {"id": "1"}], properties=["city", "no_such", "email"])
    assert reply.status_code == 207
    (result,) = reply.json()["results"]
    assert set(result["properties"]) == {"city", "email", "createdate", "lastmodifieddate", "hs_object_id"}
    assert result["properties"]["city"] is None
    assert reply.json()["errors"][0]["context"] == {"ids": ["1"]}


def test_archived_records_are_gone_from_reads_and_free_their_keys(api: Api) -> None:
    """An archived record is read only with `archived=true`, and its unique values can be used again."""
    (old,) = api.batch("upsert", [keyed(1)]).json()["results"]
    assert api.batch("archive", [{"id": old["id"]}, {"id": "999"}]).status_code == 204
    assert api.batch("read", [{"id": old["id"]}]).status_code == 207
    path = "/crm/v3/objects/contacts/batch/read?archived=true"
    (found,) = api.send("POST", path, {"inputs": [{"id": old["id"]}]}).json()["results"]
    assert found["archived"] is True
    assert "archivedAt" in found
    (again,) = api.batch("upsert", [keyed(1)]).json()["results"]
    assert again["new"] is True
    assert again["id"] != old["id"]


def test_secondary_email_upserts_the_same_contact(api: Api) -> None:
    """An upsert by a secondary address updates its contact instead of creating another."""
    one, two = api.create(email="ada@example.com"), api.create(email="ada@work.example")
    merged = api.send(
        "POST", "/crm/v3/objects/contacts/merge", {"primaryObjectId": one["id"], "objectIdToMerge": two["id"]}
    ).json()
    (result,) = api.batch(
        "upsert", [{"id": "ada@work.example", "idProperty": "email", "properties": {"city": "Rome"}}]
    ).json()["results"]
    assert (result["id"], result["new"]) == (merged["id"], False)
    assert (
        api.send("POST", "/crm/v3/objects/contacts", {"properties": {"email": "ada@work.example"}}).status_code == 409
    )


def test_merged_away_ids_are_missing_from_answers(api: Api) -> None:
    """A merge makes a new record; updates by the old ids succeed without a result."""
    one, two = api.create(email="ada@example.com"), api.create(email="bob@example.com")
    body = {"primaryObjectId": one["id"], "objectIdToMerge": two["id"]}
    merged = api.send("POST", "/crm/v3/objects/contacts/merge", body).json()
    assert merged["id"] not in {one["id"], two["id"]}
    reply = api.batch("update", [{"id": one["id"], "properties": {"city": "Rome"}}])
    assert (reply.status_code, reply.json()["results"]) == (200, [])
    assert api.send("GET", f"/crm/v3/objects/contacts/{one['id']}").json()["id"] == merged["id"]


def test_fields_missing_from_an_input_are_named(api: Api) -> None:
    """An input without `id` is refused with the name of the field."""
    reply = api.batch("upsert", [{"idProperty": "customer_id", "properties": {}}])
    assert reply.status_code == 400
    assert reply.json()["message"].endswith("Some required fields were not set: [id]")


@pytest.mark.parametrize(
    "body", ["[]", '{"inputs":{}}', '{"inputs":["x"]}', '{"inputs":[{"properties":[]}]}', "{", "NaN"]
)
def test_bodies_of_the_wrong_shape_are_refused(api: Api, body: str) -> None:
    """A body of another shape is a 400 that says what was expected, and never a 500."""
    url = f"{api.server.url}/crm/v3/objects/contacts/batch/create"
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    reply = api.session.post(url, data=body, headers=headers, timeout=5)
    assert reply.status_code == 400
    assert reply.json()["message"].startswith("Invalid input JSON on line 1, column 2: ")


def test_an_empty_body_is_refused_with_plain_texts(api: Api) -> None:
    """No body at all is refused with `errors` that are strings."""
    reply = api.send("POST", "/crm/v3/objects/contacts/batch/create")
    assert (reply.status_code, reply.json()["errors"]) == (400, ["The request body may not be null"])
