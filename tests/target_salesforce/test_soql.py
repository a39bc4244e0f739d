from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_etl_core.errors import UnknownOutcomeError
from reverse_etl_core.schema import Field, FieldType
from target_salesforce import limits, soql

KEY = Field("Key__c", FieldType.STRING, is_case_sensitive=False)
EXACT = Field("Key__c", FieldType.STRING)
NUMBER = Field("Number__c", FieldType.NUMBER)
FIRST, SECOND = "001D000000IRFmaIAH", "001D000000IRFmbIAH"

UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "'": "'", '"': '"', "\\": "\\"}


def unquoted(literal: str) -> str:
    """A literal read as the reference manual says."""
    assert literal[0] == literal[-1] == "'"
    text, rest = "", iter(literal[1:-1])
    for character in rest:
        if character == "'":
            raise AssertionError("the literal ends too early")
        if character != "\\":
            text += character
            continue
        escape = next(rest)
        text += chr(int("".join(next(rest) for _ in range(4)), 16)) if escape == "u" else UNESCAPED[escape]
    return text


@given(st.text(max_size=60))
def test_a_literal_means_its_text_and_nothing_more(text: str) -> None:
    """Whatever a value holds, it neither ends the literal nor changes within it."""
    assert unquoted(soql.quoted(text)) == text


@pytest.mark.parametrize("value", ["' OR Name LIKE '%", "\\' OR 1=1 --", "x'); DELETE", "\\", "'", "\\\\'", "a\nb"])
def test_hostile_values_stay_values(value: str) -> None:
    """Attempts at an injection come out as one literal."""
    (query,) = soql.selects("Account", KEY, [value])
    assert query == f"SELECT Id, Key__c FROM Account WHERE Key__c IN ({soql.quoted(value)})"  # noqa: S608
    assert unquoted(query.partition("(")[2][:-1]) == value


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (NUMBER, "-1.50", "1 OR 1=1"),
        (Field("Seats__c", FieldType.INTEGER), "5", "NaN"),
        (Field("Day__c", FieldType.DATE), "2026-11-21", "TODAY"),
        (Field("At__c", FieldType.DATETIME), "2026-11-21T08:00:00Z", "2026-11-21T08:00:00Z OR"),
    ],
)
def test_numbers_and_dates_are_not_quoted(field: Field, good: str, bad: str) -> None:
    """They stand as they are if they are what they should be; else no record can hold them."""
    assert soql.literal(field, good) == good
    assert soql.literal(field, bad) is None
    assert list(soql.selects("X", field, [bad])) == []


def test_records_are_found_by_id() -> None:
    """Only by what looks like one: Salesforce refuses a query with another."""
    (query,) = soql.selects("Account", soql.ID, [FIRST, "x' OR", FIRST[:15]])
    assert query == f"SELECT Id FROM Account WHERE Id IN ('{FIRST}', '{FIRST[:15]}')"  # noqa: S608


def test_queries_fit_into_addresses() -> None:
    """Long keys are spread over several queries, in order and none of them lost."""
    keys = [f"{number}-" + "ü'" * 60 for number in range(200)]
    queries = list(soql.selects("Account", KEY, keys))
    assert len(queries) > 1
    assert all(len(quote_plus(query)) <= limits.FIND_URI_BYTES for query in queries)
    assert "".join(queries).count(" IN (") == len(queries)
    assert [key for query in queries for key in keys if soql.quoted(key) in query] == keys


def test_a_batch_of_usual_keys_is_one_query() -> None:
    """200 external ids need one request."""
    assert len(list(soql.selects("Account", KEY, [f"customer-{number:08d}" for number in range(200)]))) == 1


def test_columns_are_selected_once_each() -> None:
    """Salesforce refuses a query in which a field stands twice."""
    (query,) = soql.selects("Account", KEY, ["a"], ["Name", "Key__c", "Id", "Name", "Parent.Key__c"])
    assert query == "SELECT Id, Key__c, Name, Parent.Key__c FROM Account WHERE Key__c IN ('a')"


def test_many_columns_are_spread_over_queries() -> None:
    """Each column and each key of it is asked for, and keys keep their half of the address."""
    columns = [f"A_long_name_of_a_field_{number:03d}__c" for number in range(400)]
    keys = [f"customer-{number:08d}" for number in range(200)]
    queries = list(soql.selects("Account", KEY, keys, columns))
    assert len(queries) == 3
    assert all(len(quote_plus(query)) <= limits.FIND_URI_BYTES for query in queries)
    selected = [name for query in queries for name in query.partition(" FROM ")[0].split(", ")[2:]]
    assert selected == columns
    assert list(soql.selects("Account", KEY, [], columns)) == []


# -- answers


def ids_by_key(field: Field, keys: list[str], records: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Ids of the records that were found."""
    found: dict[str, list[str]] = {}
    for key, record in soql.by_key(field, keys, records):
        found.setdefault(key, []).append(record["Id"])
    return found


def row(record_id: str, value: Any, name: str = "Key__c") -> dict[str, Any]:
    """A record of an answer."""
    return {"attributes": {"type": "Account"}, "Id": record_id, name: value}


def test_answers_are_joined_as_the_field_compares() -> None:
    """The stored case comes back; where the field does not mind it, the key is found all the same."""
    found = ids_by_key(KEY, ["1id", "gone"], [row(FIRST, "1ID"), row(SECOND, "1Id")])
    assert found == {"1id": [FIRST, SECOND]}
    assert ids_by_key(EXACT, ["1id"], [row(FIRST, "1ID")]) == {}


def test_letters_that_fold_further_are_found() -> None:
    """Two spellings of a sharp s are the same key for whoever folds them, which Salesforce may do."""
    assert ids_by_key(KEY, ["straße"], [row(FIRST, "STRASSE")]) == {"straße": [FIRST]}


@pytest.mark.parametrize("value", [5, 5.0, "5", "5.00"])
def test_numbers_are_joined_by_what_they_are(value: Any) -> None:
    """Whole doubles come back with a decimal."""
    assert ids_by_key(NUMBER, ["5"], [row(FIRST, value, "Number__c")]) == {"5": [FIRST]}


def test_large_numbers_come_with_an_exponent() -> None:
    """`9.12260031E8` is the number that was asked for."""
    assert ids_by_key(NUMBER, ["912260031"], [row(FIRST, 9.12260031e8, "Number__c")]) == {"912260031": [FIRST]}
    assert ids_by_key(NUMBER, ["5"], [row(FIRST, "five", "Number__c")]) == {}


def test_ids_are_joined_by_their_first_fifteen_characters() -> None:
    """A short id is the same record; one of another case is another record."""
    assert ids_by_key(soql.ID, [FIRST[:15]], [row(FIRST, None)]) == {FIRST[:15]: [FIRST]}
    assert ids_by_key(soql.ID, [FIRST.lower()], [row(FIRST, None)]) == {}


def test_records_without_a_value_match_nothing() -> None:
    """A null is no key, a record without id no record."""
    assert ids_by_key(KEY, ["none"], [row(FIRST, None), {"Key__c": "none"}]) == {}


def test_pages_lead_to_each_other() -> None:
    """The last page says so; another one names the next."""
    path = "/services/data/v60.0/query/01g3A00007lZwLKQA0-2000"
    assert soql.next_page({"done": True}) is None
    assert soql.next_page({"done": False, "nextRecordsUrl": path}) == path


@pytest.mark.parametrize(
    "body", [{}, {"done": False}, {"done": False, "nextRecordsUrl": "https://example.com/query/x"}]
)
def test_a_query_that_is_cut_short_is_no_answer(body: dict[str, Any]) -> None:
    """Reading on elsewhere, or not at all, would take records for missing."""
    with pytest.raises(UnknownOutcomeError):
        soql.next_page(body)


@pytest.mark.parametrize("body", [None, [], {}, {"records": None}, {"records": ["x"]}])
def test_an_answer_without_records_does_not_say_that_there_are_none(body: object) -> None:
    """Only an empty list does."""
    with pytest.raises(UnknownOutcomeError):
        soql.rows(body)
    assert soql.rows({"records": []}) == []
