from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_etl_core.errors import FatalError, UnknownOutcomeError
from reverse_etl_core.operations import (
    Batch,
    Current,
    Fields,
    Missing,
    Operation,
    Outcome,
    RejectCode,
    Rejected,
    Removed,
    Unanswered,
    Verb,
    Written,
)
from target_hubspot import wire
from target_hubspot.objects import object_schema, resolve
from target_hubspot.paths import Paths

BODIES = Path(__file__).parent / "bodies"
CONTACTS = object_schema(
    resolve("contacts", []), json.loads((BODIES / "contact_properties.json").read_text(encoding="utf-8"))
)
DATED = Paths("2026-09")


def batch(verb: Verb, *operations: Operation, match_field: str = "customer_id") -> Batch:
    """A batch of contacts."""
    return Batch(verb, CONTACTS, match_field, operations)


def operation(key: str, fields: Fields | None = None, destination_id: str | None = None) -> Operation:
    """An operation whose source key is its match key in upper case."""
    return Operation(key.upper(), key, fields or {"customer_id": key}, destination_id)


def operations(verb: Verb, count: int) -> tuple[Operation, ...]:
    """Operations with match keys `k0`, `k1`, … and, for updates, ids `100`, `101`, …."""
    return tuple(
        operation(f"k{number}", None, str(100 + number) if verb is Verb.UPDATE else None) for number in range(count)
    )


def inputs_of(given: Batch) -> list[dict[str, Any]]:
    """The inputs of the request."""
    body = wire.build_write(given, DATED).json
    assert isinstance(body, dict)
    inputs: list[dict[str, Any]] = body["inputs"]
    return inputs


# -- requests


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("2026-09", "/crm/objects/2026-09/contacts/batch/upsert"),
        ("2026-03", "/crm/objects/2026-03/contacts/batch/upsert"),
        ("v3", "/crm/v3/objects/contacts/batch/upsert"),
    ],
)
def test_paths_follow_the_version(version: str, path: str) -> None:
    """Dated versions have the date behind the family, v3 in front of it."""
    assert wire.build_write(batch(Verb.UPSERT, operation("a")), Paths(version)).path == path


def test_other_paths_follow_the_version() -> None:
    """Properties, schemas and the account have their own shapes."""
    old = Paths("v3")
    assert (DATED.properties("x"), old.properties("x")) == ("/crm/properties/2026-09/x", "/crm/v3/properties/x")
    assert (DATED.schemas(), old.schemas()) == ("/crm-object-schemas/2026-09/schemas", "/crm/v3/schemas")
    assert (DATED.account(), old.account()) == ("/account-info/2026-09/details", "/account-info/v3/details")


def test_an_upsert_names_its_property() -> None:
    """An upsert says by which property the record is recognised, in the value's own spelling."""
    (item,) = inputs_of(batch(Verb.UPSERT, operation("a-1", {"customer_id": " A-1 ", "plan": "pro"})))
    assert item["idProperty"] == "customer_id"
    assert item["id"] == "A-1"


def test_an_upsert_by_email_sends_it_in_lower_case() -> None:
    """HubSpot stores addresses in lower case; folding further would name another person."""
    one = Operation("1", "strasse@example.com", {"email": "Straße@Example.com"})
    (item,) = inputs_of(batch(Verb.UPSERT, one, match_field="email"))
    assert item["id"] == "straße@example.com"
    (bare,) = inputs_of(batch(Verb.UPSERT, Operation("1", "a@b.example", {"city": "x"}), match_field="email"))
    assert bare["id"] == "a@b.example"


def test_an_update_goes_by_record_id_alone() -> None:
    """`hs_object_id` as a property would be refused as not unique."""
    (item,) = inputs_of(batch(Verb.UPDATE, operation("a", {"plan": "pro"}, "17")))
    assert item["id"] == "17"
    assert "idProperty" not in item


def test_only_a_create_may_not_be_repeated() -> None:
    """The transport repeats upserts and updates after a lost reply, creates never."""
    verbs = (Verb.CREATE, Verb.UPDATE, Verb.UPSERT)
    safe = {verb: wire.build_write(batch(verb, operation("a", None, "1")), DATED).is_idempotent for verb in verbs}
    assert safe == {Verb.CREATE: False, Verb.UPDATE: True, Verb.UPSERT: True}


def test_every_input_has_its_own_trace_id() -> None:
    """Without a trace id on every input one bad record would spoil the whole batch."""
    traces = [item["objectWriteTraceId"] for item in inputs_of(batch(Verb.CREATE, *operations(Verb.CREATE, 100)))]
    assert len(set(traces)) == 100


@pytest.mark.parametrize(
    ("field", "value", "sent"),
    [
        ("my_new_property", None, ""),
        ("my_new_property", "", ""),
        ("my_new_property", "2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:00.123456Z"),
        ("is_vip", True, "true"),
        ("is_vip", False, "false"),
        ("seats", 7, "7"),
        ("seats", Decimal("1E+3"), "1000"),
        ("seats", Decimal("0.0000001"), "0.0000001"),
        ("seats", 1e-7, "0.0000001"),
        ("regions", ["emea", "apac"], "emea;apac"),
        ("regions", [], ""),
        ("birthday", "1815-12-10", "1815-12-10"),
        ("seen_at", "2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:00.123Z"),
        ("seen_at", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ],
)
def test_values_are_text(field: str, value: Any, sent: str) -> None:
    """HubSpot takes text: no null, no exponents, milliseconds at most, options joined by `;`."""
    (item,) = inputs_of(batch(Verb.CREATE, operation("a", {field: value})))
    assert item["properties"] == {field: sent}


# -- outcomes


def result_of(verb: Verb, number: int, how: str) -> dict[str, Any]:
    """A result for operation `number` that can be recognised in one way only."""
    shown: dict[str, Any] = {"id": str(100 + number), "properties": {}, "new": verb is Verb.UPSERT and number % 2 == 0}
    if how == "trace":
        return {**shown, "id": f"9{number}", "objectWriteTraceId": str(number)}
    if how == "id" and verb is Verb.UPDATE:
        return shown
    return {**shown, "id": f"9{number}", "properties": {"customer_id": f"k{number}"}}


def error_of(verb: Verb, number: int, how: str) -> dict[str, Any]:
    """An error for operation `number`."""
    error = {"status": "error", "category": "VALIDATION_ERROR", "message": "no", "errors": [{"code": "INVALID_OPTION"}]}
    if how == "trace":
        return {**error, "context": {"objectWriteTraceId": [str(number)]}}
    return {**error, "context": {"ids": [str(100 + number) if verb is Verb.UPDATE else f"k{number}"]}}


@given(st.data(), st.sampled_from(list(Verb)))
def test_every_operation_gets_its_own_outcome(data: st.DataObject, verb: Verb) -> None:
    """In any order, with any part answered, in any way that names records: one outcome each, of the right kind."""
    count = data.draw(st.integers(1, 12))
    fates = data.draw(st.lists(st.sampled_from(["written", "refused", "silent"]), min_size=count, max_size=count))
    ways = data.draw(st.lists(st.sampled_from(["trace", "id", "value"]), min_size=count, max_size=count))
    results = [result_of(verb, n, ways[n]) for n in range(count) if fates[n] == "written"]
    errors = [error_of(verb, n, ways[n]) for n in range(count) if fates[n] == "refused"]
    body = {
        "status": "COMPLETE",
        "results": data.draw(st.permutations(results)),
        "errors": data.draw(st.permutations(errors)),
    }
    asked = batch(verb, *operations(verb, count))
    outcomes = {one.source_key: one for one in wire.parse_write(asked, body)}
    assert len(outcomes) == count
    silent: type = Missing if verb is Verb.UPDATE else Unanswered
    kinds = {"written": Written, "refused": Rejected, "silent": silent}
    assert [type(outcomes[f"K{n}"]) for n in range(count)] == [kinds[fate] for fate in fates]
    written = [one for one in outcomes.values() if isinstance(one, Written)]
    assert all(one.destination_id.endswith(one.source_key[1:]) for one in written)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["results", "errors", "id", "context", "ids", "objectWriteTraceId", "properties", "status"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=15,
    ).filter(lambda body: isinstance(body, dict)),
    st.sampled_from(list(Verb)),
)
def test_no_body_breaks_the_accounting(body: dict[str, Any], verb: Verb) -> None:
    """Whatever JSON arrives, each operation has exactly one outcome."""
    asked = batch(verb, *operations(verb, 3))
    assert sorted(one.source_key for one in wire.parse_write(asked, body)) == ["K0", "K1", "K2"]


def outcomes_of(given: Batch, **body: Any) -> list[Outcome]:
    """The outcomes of a complete reply."""
    return wire.parse_write(given, {"status": "COMPLETE", "results": [], **body})


def test_new_tells_created_from_updated() -> None:
    """An upsert says which records are new; one that does not say is not counted as ours."""
    asked = batch(Verb.UPSERT, *operations(Verb.UPSERT, 3))
    results = [
        {"id": "1", "objectWriteTraceId": "0", "new": True},
        {"id": "2", "objectWriteTraceId": "1", "new": False},
        {"id": "3", "objectWriteTraceId": "2"},
    ]
    assert outcomes_of(asked, results=results) == [
        Written("K0", "1", created=True),
        Written("K1", "2", created=False),
        Written("K2", "3", created=False),
    ]


def test_an_empty_success_confirms_nothing() -> None:
    """A 2xx without results and errors is no delivery (pitfall 2)."""
    assert outcomes_of(batch(Verb.UPSERT, operation("a"))) == [Unanswered("A")]
    assert outcomes_of(batch(Verb.CREATE, operation("a"))) == [Unanswered("A")]


def test_an_update_that_is_left_out_is_missing() -> None:
    """An id that was merged away is simply not in the answer: the record is found anew."""
    assert outcomes_of(batch(Verb.UPDATE, operation("a", None, "7"))) == [Missing("A")]


def test_an_unfinished_batch_says_nothing_of_the_rest() -> None:
    """With a status other than COMPLETE a record that is left out may still be written."""
    asked = batch(Verb.UPDATE, operation("a", None, "7"))
    assert outcomes_of(asked, status="PROCESSING") == [Unanswered("A")]


def test_one_error_may_name_several_records() -> None:
    """Unknown ids come in one error (recorded), and each of them is missing."""
    asked = batch(Verb.UPDATE, *operations(Verb.UPDATE, 3))
    error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "…", "context": {"ids": ["100", "102"]}}
    found = outcomes_of(asked, results=[{"id": "101"}], errors=[error], numErrors=1)
    assert found == [Missing("K0"), Written("K1", "101", created=False), Missing("K2")]


def test_an_error_that_names_nobody_leaves_the_rest_open() -> None:
    """Nobody is rejected, and nobody is called missing, for an error that may be another's."""
    error = {"status": "error", "category": "VALIDATION_ERROR", "message": "no"}
    asked = batch(Verb.UPDATE, *operations(Verb.UPDATE, 2))
    assert outcomes_of(asked, errors=[error]) == [Unanswered("K0"), Unanswered("K1")]


def test_the_only_record_needs_no_name() -> None:
    """In a request with one record every error is about it."""
    error = {"status": "error", "category": "VALIDATION_ERROR", "message": "no"}
    (found,) = outcomes_of(batch(Verb.UPSERT, operation("a")), errors=[error])
    assert isinstance(found, Rejected)


def test_a_complaint_outweighs_a_result() -> None:
    """A record that is both written and complained of is shown to a person."""
    error = {"category": "VALIDATION_ERROR", "context": {"objectWriteTraceId": ["0"]}}
    found = outcomes_of(
        batch(Verb.UPSERT, operation("a")), results=[{"id": "1", "objectWriteTraceId": "0"}], errors=[error]
    )
    assert isinstance(found[0], Rejected)


@pytest.mark.parametrize("category", ["RATE_LIMITS", "DAILY"])
def test_a_passing_trouble_of_one_record_is_not_its_fault(category: str) -> None:
    """A record that was not attempted because of a limit is asked for again."""
    error = {"category": category, "context": {"objectWriteTraceId": ["0"]}}
    assert outcomes_of(batch(Verb.UPSERT, operation("a")), errors=[error]) == [Unanswered("A")]


CONFLICT = {  # captured 2025-11 (api/hubspot.md 3.3)
    "status": "error",
    "category": "CONFLICT",
    "message": "Contact already exists. Existing ID: 171591000198",
    "context": {"objectWriteTraceId": ["0"], "existingId": ["171591000198"]},
}


@pytest.mark.parametrize(
    ("verb", "match_field", "code"),
    [
        (Verb.CREATE, "email", RejectCode.ALREADY_EXISTS),
        (Verb.CREATE, "customer_id", RejectCode.CONFLICT),
        (Verb.UPSERT, "customer_id", RejectCode.CONFLICT),
        (Verb.UPDATE, "email", RejectCode.CONFLICT),
    ],
)
def test_a_taken_email(verb: Verb, match_field: str, code: RejectCode) -> None:
    """A new record whose match value is taken exists already; any other taken value is a conflict."""
    one = operation("a", {"email": "a"}, "1" if verb is Verb.UPDATE else None)
    (found,) = outcomes_of(batch(verb, one, match_field=match_field), errors=[CONFLICT])
    assert isinstance(found, Rejected)
    assert (found.code, found.vendor_code) == (code, "CONFLICT")


def test_values_that_differ_for_us_but_not_for_hubspot() -> None:
    """Without trace ids an e-mail is recognised in any case, a number in any spelling."""
    mail = Operation("1", "ada@example.com", {"email": "ADA@example.com"})
    result = {"id": "5", "properties": {"email": "Ada@Example.com"}}
    assert outcomes_of(batch(Verb.CREATE, mail, match_field="email"), results=[result]) == [
        Written("1", "5", created=True)
    ]
    seats = Operation("2", "5.00", {"seats": Decimal("5.00")})
    result = {"id": "6", "properties": {"seats": "5"}}
    assert outcomes_of(batch(Verb.CREATE, seats, match_field="seats"), results=[result]) == [
        Written("2", "6", created=True)
    ]


def test_a_record_that_answers_under_another_address() -> None:
    """Written by a secondary address and answered with the primary one, a contact is recognised by reading it."""
    addresses = ("old@example.com", "ada@example.com", "bob@example.com")
    asked = batch(Verb.UPSERT, *(Operation(one, one, {"email": one}) for one in addresses), match_field="email")
    error = {"category": "VALIDATION_ERROR", "context": {"ids": ["bob@example.com"]}}
    results = [
        {"id": "1", "properties": {"email": "new@example.com"}},
        {"id": "2", "properties": {"email": "ada@example.com"}},
    ]
    body = {"status": "COMPLETE", "results": results, "errors": [error]}
    assert wire.unnamed(asked, body) == ["old@example.com"]
    old, ada, bob = wire.parse_write(asked, body, {"old@example.com": ["1"]})
    assert (old, ada) == (
        Written("old@example.com", "1", created=False),
        Written("ada@example.com", "2", created=False),
    )
    assert isinstance(bob, Rejected)


def test_nothing_is_read_when_every_result_has_a_name() -> None:
    """Records that are only left out of a reply cost no reading."""
    asked = batch(Verb.UPSERT, *operations(Verb.UPSERT, 2))
    assert wire.unnamed(asked, {"results": [{"id": "1", "objectWriteTraceId": "1"}]}) == []


def test_a_foreign_trace_id_names_nobody() -> None:
    """A result that names none of our records is nobody's confirmation."""
    results = [{"id": "5", "objectWriteTraceId": "77", "properties": {"customer_id": "zz"}}]
    assert outcomes_of(batch(Verb.CREATE, operation("a")), results=results) == [Unanswered("A")]


# -- reading


def found(match_field: str, keys: list[str], *results: dict[str, Any], **body: Any) -> dict[str, list[str]]:
    """What a read finds."""
    reply = {"status": "COMPLETE", "results": list(results), **body}
    found = wire.parse_read(CONTACTS, match_field, keys, reply)
    return {key: [one.destination_id for one in some] for key, some in found.items()}


def test_a_find_reads_by_property_and_never_searches() -> None:
    """The search index lags behind; batch/read does not. Reading changes nothing."""
    request = wire.build_read(CONTACTS, "customer_id", ["a", "b"], paths=DATED)
    assert request.path == "/crm/objects/2026-09/contacts/batch/read"
    assert isinstance(request.json, dict)
    assert request.json["idProperty"] == "customer_id"
    assert request.json["inputs"] == [{"id": "a"}, {"id": "b"}]
    assert not request.is_write


def test_a_find_by_record_id_names_no_property() -> None:
    """The record id is the default key of a read."""
    request = wire.build_read(CONTACTS, "hs_object_id", ["7"], paths=DATED)
    assert isinstance(request.json, dict)
    assert "idProperty" not in request.json
    assert found("hs_object_id", ["7", "8"], {"id": "7", "properties": {}}) == {"7": ["7"]}


def test_found_records_are_joined_by_value() -> None:
    """In any order; keys without a record are absent; two records of one value are both named."""
    results = [
        {"id": "2", "properties": {"customer_id": "b"}},
        {"id": "1", "properties": {"customer_id": "a"}},
        {"id": "3", "properties": {"customer_id": "b"}},
        {"id": "3", "properties": {"customer_id": "b"}},
        {"id": "4", "properties": {"customer_id": "x"}},
        {"id": "5", "properties": None},
    ]
    assert found("customer_id", ["a", "b", "c"], *results) == {"a": ["1"], "b": ["2", "3"]}


def test_wanted_fields_are_read_in_the_same_request() -> None:
    """They travel as `properties` beside the key; what is empty is null, what HubSpot does not show is absent."""
    fields = ["seats", "regions", "customer_id", "plan", "no_such_property"]
    request = wire.build_read(CONTACTS, "customer_id", ["a"], fields=fields, paths=DATED)
    assert isinstance(request.json, dict)
    assert request.json["properties"] == ["customer_id", "seats", "regions", "plan", "no_such_property"]
    assert request.json["propertiesWithHistory"] == []
    shown = {"customer_id": "a", "seats": "5.0", "regions": "emea;apac", "plan": None, "city": "Rome"}
    body = {"results": [{"id": "1", "properties": shown}]}
    assert wire.parse_read(CONTACTS, "customer_id", ["a"], body, fields=fields) == {
        "a": [Current("1", {"seats": 5, "regions": ["emea", "apac"], "customer_id": "a", "plan": None})]
    }


def test_a_contact_is_found_by_its_second_address() -> None:
    """A secondary address finds the contact that shows another primary one."""
    result = {
        "id": "1",
        "properties": {"email": "new@example.com", "hs_additional_emails": "old@example.com;Older@example.com"},
    }
    keys = ["older@example.com", "new@example.com", "no@example.com"]
    assert found("email", keys, result) == {"older@example.com": ["1"], "new@example.com": ["1"]}
    request = wire.build_read(CONTACTS, "email", keys, paths=DATED)
    assert isinstance(request.json, dict)
    assert "hs_additional_emails" in request.json["properties"]


def test_archived_records_are_not_found() -> None:
    """An archived record cannot be updated, so it is as good as absent."""
    assert found("customer_id", ["a"], {"id": "1", "archived": True, "properties": {"customer_id": "a"}}) == {}


def test_not_found_is_an_answer() -> None:
    """The error that names unknown values is how HubSpot says that there is no record."""
    error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["a"]}}
    assert found("customer_id", ["a"], errors=[error], numErrors=1) == {}


def test_a_failed_read_is_not_an_absence() -> None:
    """A record that could not be read may exist: creating it would make a second one (G2)."""
    with pytest.raises(FatalError, match="VALIDATION_ERROR"):
        found("customer_id", ["a"], errors=[{"category": "VALIDATION_ERROR"}])


@pytest.mark.parametrize("body", [{"status": "PROCESSING", "results": []}, {}, {"results": None}])
def test_an_unfinished_read_is_not_an_absence(body: dict[str, Any]) -> None:
    """Only a complete answer can say that a record does not exist."""
    with pytest.raises(UnknownOutcomeError):
        wire.parse_read(CONTACTS, "customer_id", ["a"], body)


# -- removing


def archived(*ids: str, **body: Any) -> list[Outcome]:
    """Outcomes of an archive of these ids."""
    given = batch(Verb.REMOVE, *(operation(one, None, one) for one in ids))
    return wire.parse_archive(given, body)


def test_an_archive_names_every_id_once() -> None:
    """Ids alone, on the batch endpoint; a second row of the same record does not spoil the request."""
    given = batch(Verb.REMOVE, *(operation(key, None, one) for key, one in (("a", "1"), ("b", "2"), ("c", "1"))))
    request = wire.build_archive(given, DATED)
    assert request.path == "/crm/objects/2026-09/contacts/batch/archive"
    assert request.json == {"inputs": [{"id": "1"}, {"id": "2"}]}
    assert (request.is_write, request.is_idempotent) == (True, True)


@pytest.mark.parametrize(
    ("version", "path"),
    [("2026-09", "/crm/objects/2026-09/contacts/gdpr-delete"), ("v3", "/crm/v3/objects/contacts/gdpr-delete")],
)
def test_a_deletion_for_privacy_goes_by_id(version: str, path: str) -> None:
    """An e-mail address would block strangers, too; repeating it is safe."""
    request = wire.build_purge(CONTACTS, operation("a", None, "7"), Paths(version))
    assert (request.path, request.json) == (path, {"objectId": "7"})
    assert (request.is_write, request.is_idempotent) == (True, True)


def test_complaints_of_an_archive() -> None:
    """Not found is removed; another complaint is that record's own; who is not named is removed as well."""
    errors = [
        {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["1"]}},
        {"category": "MISSING_SCOPES", "context": {"ids": ["2"]}},
        {"category": "RATE_LIMITS", "context": {"id": "3"}},
    ]
    gone, forbidden, busy, rest = archived("1", "2", "3", "4", errors=errors)
    assert (gone, busy, rest) == (Removed("1"), Unanswered("3"), Removed("4"))
    assert isinstance(forbidden, Rejected)
    assert (forbidden.code, forbidden.vendor_code) == (RejectCode.PERMISSION, "MISSING_SCOPES")


@pytest.mark.parametrize("body", [{"status": "PROCESSING"}, {"errors": [{"category": "VALIDATION_ERROR"}]}])
def test_an_unclear_answer_confirms_no_removal(body: dict[str, Any]) -> None:
    """A batch that is not complete, or a complaint that names nobody, leaves every record open."""
    assert archived("1", "2", **body) == [Unanswered("1"), Unanswered("2")]


def test_where_records_are() -> None:
    """Shown under its own id, named as not found, or not mentioned: the last has to be asked for alone."""
    body = {
        "results": [{"id": "1"}, {"id": "77"}],
        "errors": [{"category": "OBJECT_NOT_FOUND", "context": {"ids": ["2"]}}],
    }
    where = wire.parse_look(["1", "2", "3"], body)
    assert where == {"1": wire.Whereabouts.HERE, "2": wire.Whereabouts.AWAY}
    assert wire.parse_look(["3"], {"results": [{"id": "77"}]}) == {"3": wire.Whereabouts.MERGED}
    assert wire.parse_look(["3"], {"results": []}) == {"3": wire.Whereabouts.AWAY}
    with pytest.raises(FatalError):
        wire.parse_look(["1"], {"results": [], "errors": [{"category": "VALIDATION_ERROR"}]})
