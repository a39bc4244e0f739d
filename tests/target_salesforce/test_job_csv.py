from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverse_etl_core import identity
from reverse_etl_core.errors import ConfigError, UnknownOutcomeError
from reverse_etl_core.operations import Batch, Operation, Verb
from reverse_etl_core.schema import Field, FieldType, Limits, ObjectSchema, Reference
from target_salesforce import job_csv
from target_salesforce.objects import Relationship, SObject

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = Field("Key__c", FieldType.STRING, is_key=True, is_case_sensitive=False)
FIELDS = {
    "Key__c": KEY,
    "Name": Field("Name", FieldType.STRING),
    "Seats__c": Field("Seats__c", FieldType.NUMBER, is_key=True),
    "Seen__c": Field("Seen__c", FieldType.DATETIME),
    "Tags__c": Field("Tags__c", FieldType.OPTIONS),
    "At__c": Field("At__c", FieldType.STRING),
    "ParentId": Field("ParentId", FieldType.STRING, references=("Account",)),
    "OwnerId": Field("OwnerId", FieldType.STRING, references=("Group", "User")),
}
SCHEMA = ObjectSchema("Account", FIELDS, Limits(200), upsert_fields=frozenset({"Key__c"}))
SOBJECT = SObject(
    SCHEMA,
    {
        "ParentId": Relationship("Parent", ("Account",), is_polymorphic=False),
        "OwnerId": Relationship("Owner", ("Group", "User"), is_polymorphic=True),
    },
    frozenset({"At__c"}),
)
HOSTILE = ["\r", "\n", "\r\n", '"', '""', ",", "a\rb", '",\r\n"', " ", "\t", "\u2028", "\x85", "\ufeff", "=1+1", "ß𝔊"]


def operation(fields: dict[str, Any], *, key: str = "k1", destination_id: str | None = None) -> Operation:
    """An operation as core makes it."""
    return Operation(f'["{key}"]', key, identity.EncodedFields(identity.encode(fields)), destination_id)


def sheet_of(
    operations: Sequence[Operation], verb: Verb = Verb.UPSERT, references: dict[str, Reference] | None = None
) -> job_csv.Sheet:
    """How a batch of these operations is laid out."""
    batch = Batch(verb, SCHEMA, "Key__c", tuple(operations), references or {})
    return job_csv.sheet(batch, SOBJECT)


def written(layout: job_csv.Sheet, most_bytes: int = job_csv.FILE_BYTES) -> list[list[str]]:
    """What a strict reader finds in the file."""
    file = io.BytesIO()
    count = job_csv.write(file, layout, most_bytes)
    text = file.getvalue().decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len(rows) == count + 1
    return rows


def row_of(fields: dict[str, Any]) -> dict[str, str] | None:
    """The cells of one operation with a key."""
    one = operation({"Key__c": "k1", **fields})
    return sheet_of([one]).row(one)


cell_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(HOSTILE)
cells = st.one_of(st.none(), cell_text, st.lists(st.sampled_from(["a", "b;c", "d"]), max_size=3), st.booleans())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["Name", "Tags__c", "Other__c"]), cells), min_size=1, max_size=5))
def test_what_is_written_is_read_back_by_a_strict_reader(records: list[dict[str, Any]]) -> None:
    """Whatever a text holds, the file has one row per operation that travels, with exactly its cells."""
    operations = [operation({"Key__c": f"k{n}", **one}, key=f"k{n}") for n, one in enumerate(records)]
    layout = sheet_of(operations)
    header, *rows = written(layout)
    expected = [layout.row(one) for one in operations]
    assert [dict(zip(header, row, strict=True)) for row in rows] == [
        {name: one.get(name, "") for name in header} for one in expected if one is not None
    ]


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_a_key_that_travels_joins_what_comes_back(value: str) -> None:
    """The match value of every row that is sent leads from its result back to the operation."""
    key = identity.match_key(KEY, value)
    if key is None:
        return
    one = operation({"Key__c": value}, key=key)
    layout = sheet_of([one])
    row = layout.row(one)
    assert row is None or layout.key_of(row["Key__c"]) == layout.key(one)


def test_numbers_join_in_any_spelling() -> None:
    """A number that is an external id is joined as a number, whatever zeros it is written with."""
    batch = Batch(Verb.UPSERT, SCHEMA, "Seats__c", (operation({"Seats__c": Decimal("5.00")}, key="5"),))
    layout = job_csv.sheet(batch, SOBJECT)
    assert {layout.key_of("5"), layout.key_of("5.0"), layout.key(batch.operations[0])} == {"5"}
    assert layout.key_of("five") == "five"


def test_absent_null_and_empty_are_told_apart() -> None:
    """Absent is an empty cell, which is ignored; null and an empty text clear the field."""
    one = operation({"Key__c": "k1", "Name": None, "Tags__c": []}, key="k1")
    two = operation({"Key__c": "k2", "Name": ""}, key="k2")
    three = operation({"Key__c": "k3", "Seen__c": "2026-11-21T08:00:00Z"}, key="k3")
    assert written(sheet_of([one, two, three])) == [
        ["Key__c", "Name", "Tags__c", "Seen__c"],
        ["k1", "#N/A", "#N/A", ""],
        ["k2", "#N/A", "", ""],
        ["k3", "", "", "2026-11-21T08:00:00Z"],
    ]


def test_lines_end_with_crlf_and_cells_are_quoted() -> None:
    """The file has no byte order mark, CRLF between rows, and quotes around every cell that says something."""
    file = io.BytesIO()
    job_csv.write(file, sheet_of([operation({"Key__c": "k1", "Name": 'A "B"\rC'}), operation({"Key__c": "k2"})]))
    assert file.getvalue() == b'Key__c,Name\r\n"k1","A ""B""\rC"\r\n"k2",\r\n'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Name", "#N/A"),
        ("Name", " #n/a "),
        ("Tags__c", ["#N/A"]),
        ("Name", "x" * 32_001),
        ("Name", "a\x00b"),
        ("Name", "\x1b[1m"),
        ("Name", "\ufffe"),
        ("Key__c", " k1"),
        ("Key__c", "k1\n"),
        ("Key__c", "k\u00a01"),
        ("Key__c", "#N/A"),
        ("Key__c", None),
    ],
)
def test_what_a_job_could_not_carry_faithfully_stays_out(name: str, value: Any) -> None:
    """A row that would arrive as something else is left to ordinary requests."""
    assert row_of({name: value}) is None


@pytest.mark.parametrize(
    ("name", "value", "cell"),
    [
        ("Name", "x" * 32_000, "x" * 32_000),
        ("Name", "N/A", "N/A"),
        ("Name", " padded ", " padded "),
        ("Seats__c", Decimal("1E+3"), "1000"),
        ("Seats__c", 0, "0"),
        ("Seats__c", Decimal("0.0000001"), "0.0000001"),
        ("Seats__c", Decimal("12345678901234567.89"), "12345678901234567.89"),
        ("At__c", "08:30:00", "08:30:00.000Z"),
        ("Name", False, "false"),
        ("Tags__c", ["a", "b"], "a;b"),
        ("Seen__c", "2026-11-21T08:00:00.123456Z", "2026-11-21T08:00:00.123Z"),
        ("Name", "2026-11-21T08:00:00.123456Z", "2026-11-21T08:00:00.123456Z"),
    ],
)
def test_values_as_cells(name: str, value: Any, cell: str) -> None:
    """Each kind of value is written as Salesforce reads it from a CSV."""
    row = row_of({name: value})
    assert row is not None
    assert row[name] == cell


def test_a_record_that_is_too_long_in_all_stays_out() -> None:
    """400,000 characters are the most of one record."""
    many = {f"F{n}__c": "x" * 31_000 for n in range(13)}
    assert row_of(many) is None
    assert row_of(dict(list(many.items())[:12])) is not None


def test_updates_are_joined_by_record_id() -> None:
    """An update has an Id column, and 15 and 18 characters name the same record."""
    one = operation({"Name": "A"}, key="k1", destination_id="001000000000001AAA")
    layout = sheet_of([one], Verb.UPDATE)
    assert written(layout) == [["Id", "Name"], ["001000000000001AAA", "A"]]
    assert layout.key_of("001000000000001") == layout.key_of("001000000000001AAA") == layout.key(one)
    assert layout.key_of("") is None


def test_an_update_without_an_id_stays_out() -> None:
    """An update that nobody could join is not sent by a job."""
    one = operation({"Name": "A"})
    assert sheet_of([one], Verb.UPDATE).row(one) is None


def test_references_by_key_are_named_by_relationship() -> None:
    """One target: relationship and key; several: the target before them; null clears the reference."""
    references = {
        "ParentId": Reference("Account", KEY),
        "OwnerId": Reference("User", Field("Username", FieldType.STRING, is_key=True)),
    }
    one = operation({"Key__c": "k1", "ParentId": " p1 ", "OwnerId": "ada@example.com"}, key="k1")
    two = operation({"Key__c": "k2", "ParentId": None}, key="k2")
    assert written(sheet_of([one, two], references=references)) == [
        ["Key__c", "User:Owner.Username", "Parent.Key__c"],
        ["k1", "ada@example.com", "p1"],
        ["k2", "", "#N/A"],
    ]


def test_a_reference_without_a_relationship_name_is_refused() -> None:
    """Opportunity.ContactId, say, can only be filled with an id."""
    with pytest.raises(ConfigError, match="'ContactId' has no relationship name"):
        sheet_of([operation({"Key__c": "k1"})], references={"ContactId": Reference("Contact", KEY)})


def test_a_file_stops_below_its_limit() -> None:
    """Rows that would make the file too large stay out of it."""
    operations = [operation({"Key__c": f"k{n}", "Name": "x" * 100}, key=f"k{n}") for n in range(10)]
    layout = sheet_of(operations)
    assert len(written(layout, most_bytes=500)) == 1 + 4
    assert len(written(layout)) == 11


def test_a_header_that_is_too_long_is_a_matter_of_settings() -> None:
    """A job takes 32,000 characters of column names."""
    wide = operation({"Key__c": "k1", **{f"Field{n:05d}__c": 1 for n in range(2500)}})
    with pytest.raises(ConfigError, match="Set 'api' to 'rest'"):
        job_csv.write(io.BytesIO(), sheet_of([wide]))


def test_fields_are_not_kept_decoded() -> None:
    """Writing a batch leaves its operations as small as they were."""
    one = operation({"Key__c": "k1"})
    job_csv.write(io.BytesIO(), sheet_of([one]))
    assert isinstance(one.fields, identity.EncodedFields)
    assert one.fields._decoded is None


def test_result_file_in_the_recorded_form() -> None:
    """Own names quoted, the uploaded header as it was, every value quoted, no line end after the last row."""
    text = (
        '"sf__Id","sf__Error",Name,external_id__c,CloseDate\n'
        '"","INVALID_FIELD:Failed to deserialize field at col 2. Due to, \'x\' is not a valid value for the type '
        'xsd:date:CloseDate --","Ada, Countess","external-id-3","x"'
    )
    (one,) = job_csv.results(io.StringIO(text, newline=""), "external_id__c")
    assert (one.cell, one.record_id, one.is_created) == ("external-id-3", "", False)
    assert one.error.startswith("INVALID_FIELD:Failed to deserialize")


@pytest.mark.parametrize("text", ["", '"sf__Id","sf__Created",Key__c\r\n'])
def test_a_result_file_may_be_empty(text: str) -> None:
    """No rows, with a header or without one."""
    assert list(job_csv.results(io.StringIO(text, newline=""), "Key__c")) == []


def test_result_columns_are_found_in_any_case_and_rows_may_be_short() -> None:
    """A row that lacks the join column leads nowhere instead of failing."""
    text = '"sf__Id","sf__Created",KEY__C\n"001","TRUE","a"\n"002","false"\n'
    found = list(job_csv.results(io.StringIO(text, newline=""), "Key__c"))
    assert [(one.record_id, one.is_created, one.cell) for one in found] == [("001", True, "a"), ("002", False, "")]


def test_a_result_file_that_was_cut_is_not_believed() -> None:
    """An open quote at the end means that something is missing."""
    text = '"sf__Id","sf__Created",Key__c\n"001","true","a'
    with pytest.raises(UnknownOutcomeError):
        list(job_csv.results(io.StringIO(text, newline=""), "Key__c"))
