"""The command `reverse-etl`, as people and scripts see it, on SQLite and on PostgreSQL."""

from __future__ import annotations

import csv
import doctest
import importlib
import io
import json
import pkgutil
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from core.ledger_command import (
    OTHERS,
    PEOPLE,
    READING,
    VALUE,
    Office,
    delivered,
    keeps_permissions,
    obey_permissions,
    rejected,
)

from reverse_etl_core import command
from reverse_etl_core.command.listing import Json, Listing, Moment, write_csv, write_json, write_table
from reverse_etl_core.command.program import main
from reverse_etl_core.errors import BusyError
from reverse_etl_core.ledger import Ledger, Scope
from reverse_etl_core.ledger.archive import reading_engine
from reverse_etl_core.ledger.copying import COPIED, TOO
from reverse_etl_core.ledger.tables import jobs, metadata
from reverse_etl_core.partitions import Partition
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from reverse_etl_core.ledger import StreamLedger

ALL_REJECTS = ['["=1+1"]', '["doubt"]', '["due"]', '["keyless"]', '["late"]']
DEALS = Scope(PEOPLE.sync_id, PEOPLE.account, "deals", "new")
SOONER_MS = 30_000
"""How long ago the run was heard of that was killed, before its lease ends."""
SPREADSHEET = re.compile(r"[=+\-@\t\r]")


@pytest.fixture
def office(url: str) -> Office:
    """The command over a ledger with one record of each kind."""
    one = Office(url)
    one.fill()
    return one


@pytest.fixture
def local(tmp_path: Path) -> Office:
    """The same in a SQLite file alone, for what does not depend on the database."""
    one = Office(f"sqlite:///{tmp_path}/ledger.db")
    one.fill()
    return one


def replayed(stream: StreamLedger) -> list[str]:
    """The records that a run tries by itself."""
    return [one.source_key for page in stream.replayable() for one in page]


# -- rejects


def test_rejects_are_listed_with_reason_and_next_try(office: Office) -> None:
    """Each rejected record has its line; no other record is listed, and no field value is shown."""
    table = office.told("rejects")
    lines = {line.split()[2]: line for line in table.splitlines() if line.startswith("people")}
    assert sorted(lines) == ALL_REJECTS
    assert " too_long " in lines['["late"]']
    assert lines['["due"]'].endswith("next run")
    assert lines['["keyless"]'].endswith("with a new version")
    assert lines['["=1+1"]'].endswith("with a new version")
    assert VALUE not in table


def test_rejects_for_programs_are_complete(office: Office) -> None:
    """JSON and CSV have the same rows, with times in ISO 8601; field values only where they are asked for."""
    rows = {row["source_key"]: row for row in office.listed("rejects")}
    late = rows['["late"]']
    assert late["code"] == "too_long"
    assert late["reason"] == "Sentence of too_long."
    assert late["attempts"] == 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", late["since"])
    assert late["due"] > late["since"]
    assert rows['["keyless"]']["due"] is rows['["=1+1"]']["due"] is None
    text = office.told("rejects", "--csv")
    assert sorted(row["source_key"] for row in csv.DictReader(io.StringIO(text))) == ALL_REJECTS
    assert VALUE not in text + json.dumps(rows)
    assert {row["record"]["name"] for row in office.listed("rejects", "--records")} == {VALUE}
    assert VALUE in office.told("rejects", "--records")


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (("--code", "too_long", "--code", "consent"), ['["=1+1"]', '["late"]']),
        (("--key", "due"), ['["due"]']),
        (("--since", "1h"), ALL_REJECTS),
        (("--since", "2999-01-01"), []),
        (("--stream", "firms"), []),
        (("--sync", PEOPLE.sync_id, "--object", "contacts", "--account", "account-1"), ALL_REJECTS),
        (("--limit", "2"), ['["=1+1"]', '["doubt"]']),
    ],
)
def test_rejects_are_filtered(office: Office, options: tuple[str, ...], keys: list[str]) -> None:
    """By code, key, time, and by the part of the ledger."""
    assert sorted(row["source_key"] for row in office.listed("rejects", *options)) == keys


def test_a_long_list_is_cut_for_people_only(office: Office) -> None:
    """A table has 100 rows and says so; programs get all pages."""
    now = office.in_stream(lambda one: one.now_ms())
    more = [rejected(f'["N{n:04}"]', "too_long", now) for n in range(2100)]
    office.in_stream(lambda one: one.settle(more))
    result = office.run("rejects")
    assert sum(line.startswith("people") for line in result.stdout.splitlines()) == 100
    assert "more than these 100" in result.stderr
    rows = office.listed("rejects")
    assert len({row["source_key"] for row in rows}) == len(rows) == 2105


@pytest.mark.parametrize("way", [("--code", "no_code"), ("--since", "yesterday"), ("--json", "--csv")])
def test_wrong_options_are_usage_errors(local: Office, way: tuple[str, ...]) -> None:
    """Exit code 2, and a message that says what there is."""
    result = local.run("rejects", *way)
    assert result.exit_code == 2
    assert "Error:" in result.stderr


# -- retry


def test_a_retried_record_is_tried_by_the_next_run(office: Office) -> None:
    """`--all` makes everything due that may be tried again; consent and missing keys are left alone."""
    before = office.in_stream(replayed)
    assert sorted(before) == ['["due"]', '["flying"]']
    told = office.told("retry", "--all")
    assert "tries: 3 (1 were due already)" in told
    assert "new version from the source: 2" in told
    assert sorted(office.in_stream(replayed)) == ['["doubt"]', '["due"]', '["flying"]', '["late"]']
    assert "next run" in office.told("rejects", "--key", "late")


@pytest.mark.parametrize(
    ("options", "key"),
    [(("--code", "consent"), '["=1+1"]'), (("--key", "late"), '["late"]'), (("--key", "=1+1"), '["=1+1"]')],
)
def test_some_are_retried(office: Office, options: tuple[str, ...], key: str) -> None:
    """By code or key; a record without consent only where it is named."""
    assert "tries: 1 (0 were" in office.told("retry", *options)
    assert sorted(office.in_stream(replayed)) == sorted({'["due"]', '["flying"]', key})


def test_a_retry_has_to_say_which(local: Office) -> None:
    """Without a choice nothing is changed."""
    assert local.run("retry").exit_code == 2
    assert sorted(local.in_stream(replayed)) == ['["due"]', '["flying"]']


def test_a_retry_beside_a_run_changes_only_what_is_still_rejected(office: Office) -> None:
    """A run that holds the lease goes on, and what it delivers stays delivered."""

    def deliver_beside(stream: StreamLedger) -> str:
        office.told("retry", "--all")
        stream.renew()
        return stream.lookup(["[42]"])["[42]"].status.value

    assert office.in_stream(deliver_beside) == "delivered"


# -- why, history


@pytest.mark.parametrize(
    ("key", "sentences"),
    [
        (
            "42",
            ["[42], stream 'people'", "delivered at", "id id-ada@example.com, made by this sync", "Nothing is sent"],
        ),
        ("ada@example.com", ["[42], stream 'people'"]),
        ("ADA@Example.com", ["[42], stream 'people'"]),
        ("id-ada@example.com", ["[42], stream 'people'"]),
        (
            "late",
            ["after 2 attempts", "too_long: Sentence of too_long.", "by the first run after", "never cut silently"],
        ),
        ('["late"]', ["after 2 attempts"]),
        ("due", ["before it was sent", "tried by the next run", "Correct it at the source."]),
        ("keyless", ["this one cannot be delivered"]),
        ("=1+1", ["never sent again"]),
        ("flying", ["its answer is not recorded", "finds out what came of it"]),
    ],
)
def test_why_says_what_is_known_and_what_to_do(office: Office, key: str, sentences: list[str]) -> None:
    """In words, by source key, match key or id; with the last outcomes, and without field values."""
    told = office.told("why", key, "--stream", "people")
    for sentence in sentences:
        assert sentence in told
    assert VALUE not in told
    if key == "late":
        assert told.count("a brake stopped it") == 2


def test_why_shows_values_on_demand(local: Office) -> None:
    """Match key and stored fields only with `--records`."""
    assert VALUE in local.told("why", "late", "--records")
    assert "Match key    ada@example.com" in local.told("why", "42", "--stream", "people", "--records")


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ("payload_hash = NULL", ["It is sent with its next version"]),
        ("removal_at = 0", ["gone from the source since 1970-01-01", "removed by the next run"]),
        ("removal_at = 0, status = 'removed'", ["removed from the destination", "delivered anew"]),
        ("removal_at = 0, status = 'pending'", ["a removal for it left"]),
        ("created_by_us = FALSE", ["found there, not made by this sync"]),
        ("status = 'ambiguous', destination_id = NULL", ["ambiguous at", "no record is known there"]),
    ],
)
def test_why_knows_every_state(local: Office, change: str, sentences: list[str]) -> None:
    """Removals, origin, and what a person changed in the ledger."""
    local.sql(f"UPDATE deliveries SET {change} WHERE match_key = 'ada@example.com'")  # noqa: S608 - a test's own
    told = local.told("why", "42", "--stream", "people")
    assert all(sentence in told for sentence in sentences), told


def test_a_reject_without_its_content_says_so(local: Office) -> None:
    """Nothing is promised that replays cannot keep."""
    local.sql("UPDATE deliveries SET record = NULL WHERE status = 'rejected'")
    assert "its content is not stored" in local.told("why", "late")
    assert {row["due"] for row in local.listed("rejects")} == {None}


def test_an_ambiguous_key_lists_what_it_may_mean(office: Office) -> None:
    """Nobody guesses; a source key and a stream make it unique."""
    result = office.run("why", "42")
    assert result.exit_code == 2
    assert "[42] of stream 'people' to 'contacts'" in result.stderr
    assert result.stderr.count("of stream 'firms'") == 2
    assert '["42"], stream' in office.told("why", '["42"]')


def test_an_unknown_key_is_told_apart_from_an_unknown_stream(office: Office) -> None:
    """Exit code 1 and 78, with what to look at; the key itself is not repeated."""
    result = office.run("why", "nobody@example.com")
    assert result.exit_code == 1
    assert "look at the model" in result.stderr
    assert "nobody@" not in result.stderr
    result = office.run("why", "42", "--stream", "peeple")
    assert result.exit_code == 78
    assert "stream 'people' to 'contacts'" in result.stderr


def test_history_lists_outcomes_by_time(office: Office) -> None:
    """Oldest first, with how the run ended."""
    rows = office.listed("history", "late")
    assert [row["code"] for row in rows] == ["too_long", "too_long"]
    assert rows[0]["at"] <= rows[1]["at"]
    assert {row["run_ended"] for row in rows} == {"a brake stopped it: a person must look"}
    office.sql("UPDATE runs SET ended_at = NULL, exit_code = NULL")
    assert {row["run_ended"] for row in office.listed("history", "late")} == {"not ended"}


def test_history_knows_records_that_have_no_row(office: Office) -> None:
    """`ledger: rejects` keeps no row of what was delivered, but what happened before."""
    office.sql("DELETE FROM deliveries")
    assert len(office.listed("history", "late")) == 2
    assert "only its history is kept" in office.told("why", "late")


# -- runs, streams


def test_runs_are_listed_newest_first(office: Office) -> None:
    """When, how it ended in words, counts and seconds; one that never ended was killed, or still runs."""
    ledger = Ledger(Secret(office.url))
    ledger.start_run(sync_id=PEOPLE.sync_id, target="target-crm", account="account-1")
    office.sql("UPDATE runs SET started_at = started_at - 60000 WHERE exit_code = 65")
    first, second = office.listed("runs")
    assert (first["exit_code"], first["meaning"]) == (None, "killed")
    assert (second["meaning"], second["records_read"], second["seconds"]) == (
        "a brake stopped it: a person must look",
        9,
        1.25,
    )
    stream = ledger.open_stream(PEOPLE, keeps_deliveries=True)
    office.sql("UPDATE scopes SET lease_owner = 'elsewhere:1:x' WHERE scope_id = 1")
    assert office.listed("runs")[0]["meaning"] == "running"
    assert [row["run"] for row in office.listed("runs", "--limit", "1", "--stream", "people")] == [ledger.run_id]
    stream.close()
    ledger.close()


def test_streams_are_counted_by_status(office: Office) -> None:
    """Each stream with its records and its lease."""
    firms, people = office.listed("streams")
    assert (firms["stream"], firms["delivered"], firms["lease"]) == ("firms", 2, "free")
    assert (people["pending"], people["delivered"], people["rejected"], people["leaving"]) == (1, 1, 5, 0)
    office.sql("UPDATE deliveries SET removal_at = 1 WHERE match_key = 'ada@example.com'")
    office.sql("UPDATE scopes SET lease_owner = 'elsewhere:1:x', lease_until = 99999999999999 WHERE stream = 'people'")
    (people,) = office.listed("scopes", "--stream", "people")
    assert (people["leaving"], people["lease"]) == (1, "held by elsewhere:1")
    office.sql("UPDATE scopes SET lease_until = 1 WHERE stream = 'people'")
    assert office.listed("scopes", "--stream", "people")[0]["lease"] == "free: elsewhere:1 was killed"


# -- forget, purge


def test_a_forgotten_record_leaves_nothing(office: Office, tmp_path: Path) -> None:
    """Row, outcomes and stored fields are gone, from the database's files too; other records stay."""
    office.sql("DELETE FROM deliveries WHERE source_key NOT IN ('[\"late\"]', '[42]')")
    told = office.told("forget", "late", "--yes")
    assert "adopted and written once" in told
    assert office.run("why", "late").exit_code == 1
    assert office.sql("SELECT count(*) FROM outcomes WHERE source_key = '[\"late\"]'") == [(0,)]
    assert office.sql("SELECT count(*) FROM deliveries") == [(2,)]
    files = [path.read_bytes() for path in tmp_path.glob("ledger.db*")]
    assert not any(b'["late"]' in content for content in files)


def test_forgetting_asks_first(local: Office) -> None:
    """No answer, or no, leaves everything as it is."""
    for answer in (None, "n\n"):
        result = local.run("forget", "late", answer=answer)
        assert result.exit_code == 1
    assert "Forgotten" in local.told("forget", "late", answer="y\n")


@pytest.mark.parametrize(
    ("change", "warnings"),
    [
        ("created_by_us = TRUE", {"stays as it is"}),
        ("removal_at = 1", {"forgotten, it stays there"}),
        ("removal_at = 1, status = 'removed'", set()),
    ],
)
def test_forgetting_says_what_follows(local: Office, change: str, warnings: set[str]) -> None:
    """What becomes of the record at the destination is told before the question."""
    local.sql(f"UPDATE deliveries SET {change} WHERE match_key = 'ada@example.com'")  # noqa: S608 - a test's own
    told = local.run("forget", "42", "--stream", "people", answer="n\n").stdout
    assert {one for one in ("stays as it is", "forgotten, it stays there") if one in told} == warnings


def test_what_is_under_way_is_not_forgotten(office: Office) -> None:
    """A request may still be applied: exit code 75, and nothing is deleted."""
    for key in ("flying", "doubt"):
        result = office.run("forget", key, "--yes")
        assert result.exit_code == 75
        assert "may be under way" in result.stderr
        assert office.run("why", key).exit_code == 0


def test_nothing_is_forgotten_beside_a_run(office: Office) -> None:
    """A run that holds the lease may be about to send the record."""
    office.sql("UPDATE scopes SET lease_owner = 'elsewhere:1:x', lease_until = 99999999999999 WHERE stream = 'people'")
    for arguments in (("forget", "late", "--yes"), ("purge", "--payloads", "--yes")):
        result = office.run(*arguments)
        assert result.exit_code == 75
        assert "A run writes stream 'people'" in result.stderr
    assert len(office.listed("rejects", "--records")) == 5


def test_a_forgotten_key_is_adopted_by_its_next_delivery(office: Office) -> None:
    """As after a lost ledger: nothing is known of it, and nobody else owns its match value."""
    office.told("forget", "ada@example.com", "--yes")
    assert office.in_stream(lambda one: (one.lookup(["[42]"]), one.owners(["ada@example.com"]))) == ({}, {})


def test_old_history_is_purged(office: Office) -> None:
    """Outcomes, ended jobs, plans that were carried out, and runs; deliveries and what is open stay."""
    engine = sa.create_engine(office.url)
    with engine.begin() as connection:
        row = {"scope_id": 1, "run_id": "r", "verb": "create", "match_field": "email", "opened_at": 1}
        ended = [{"job_id": name, "ended_at": at, **row} for name, at in (("job-1", 1), ("job-2", None), ("job-3", 1))]
        connection.execute(sa.insert(jobs), ended)
    engine.dispose()
    ledger = Ledger(Secret(office.url), now=lambda: 1.0)
    office.plan(ledger, "plan-0", carried_out_at=1)
    ledger.close()
    assert "0 outcomes" in office.told("purge", "--older-than", "1h", "--yes")
    office.sql("UPDATE outcomes SET at = 1 WHERE source_key = '[42]'")
    office.sql("UPDATE runs SET started_at = 1")
    assert office.told("purge", "--older-than", "90d", "--yes", "--stream", "people") == (
        "Deleted: 1 outcomes, 0 jobs, 0 plans.\n"
    )
    assert office.told("purge", "--older-than", "90d", "--yes") == "Deleted: 1 outcomes, 0 jobs, 0 plans, 1 runs.\n"
    assert office.sql("SELECT count(*) FROM deliveries") == [(9,)]
    assert office.sql("SELECT job_id FROM jobs") == [("job-2",)]
    assert [row["plan"] for row in office.listed("plans", "--all")] == ["plan-1"]


def test_stored_fields_are_purged(office: Office) -> None:
    """Rejected records stay listed without their content, are no longer tried by themselves; pending ones keep it."""
    assert "deleted: 0" in office.told("purge", "--payloads", "--older-than", "1d", "--yes")
    assert "deleted: 5" in office.told("purge", "--payloads", "--yes")
    assert {row["record"] for row in office.listed("rejects", "--records")} == {None}
    office.told("retry", "--all")
    assert office.in_stream(replayed) == ['["flying"]']


def test_purging_asks_and_wants_an_age(local: Office) -> None:
    """Nothing is deleted by mistake."""
    assert local.run("purge").exit_code == 2
    assert local.run("purge", "--older-than", "0d", answer="n\n").exit_code == 1
    assert local.run("purge", "--payloads", answer="n\n").exit_code == 1
    assert len(local.listed("rejects", "--records")) == 5
    assert len(local.listed("runs")) == 1


# -- plans


def test_a_plan_is_approved_once(office: Office) -> None:
    """What it does is shown before the question; later approvals change nothing."""
    (plan,) = office.listed("plans")
    assert (plan["plan"], plan["kind"], plan["counted"], plan["state"]) == ("plan-1", "removals", 1340, "held")
    assert office.run("approve", "plan-1", answer="n\n").exit_code == 1
    assert "removes these 1,340 of 5,000 records from 'contacts'" in office.told("approve", "plan-1", "--yes")
    at = office.sql("SELECT approved_at FROM plans")
    assert "was approved at" in office.told("approve", "plan-1", "--yes")
    assert office.sql("SELECT approved_at FROM plans") == at
    assert "approved" in office.told("plans")


def test_only_what_is_held_can_be_approved(office: Office) -> None:
    """A plan that was carried out, or is unknown, ends with 1."""
    office.sql("UPDATE plans SET carried_out_at = 1")
    assert "carried out at 1970-01-01" in office.run("approve", "plan-1").stderr
    assert office.run("approve", "plan-2").exit_code == office.run("approve", "plan-1").exit_code == 1
    assert office.listed("plans") == []
    assert [row["state"] for row in office.listed("plans", "--all")] == ["carried out"]


# -- which ledger


# -- copy


@pytest.fixture(params=["to a file", "to PostgreSQL"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Office:
    """An empty database."""
    if request.param == "to a file":
        return Office(f"sqlite:///{tmp_path}/copy.db")
    server = request.getfixturevalue("postgres")
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS a_copy")
        connection.exec_driver_sql("CREATE DATABASE a_copy")
    engine.dispose()
    return Office(server.replace("/postgres?", "/a_copy?"))


def test_a_copy_knows_all_that_the_ledger_knows(office: Office, elsewhere: Office) -> None:
    """Each list is the same in both, and a run goes on with the copy: known streams and new ones."""
    told = office.told("copy", "--to", elsewhere.url, "--yes")
    assert re.search(r"Copied: 2 scopes, \d+ deliveries, 1 plans, 0 jobs, 1 runs, \d+ outcomes\.", told)
    for arguments in (("rejects", "--records"), ("history", "late"), ("runs",), ("streams",), ("plans", "--all")):
        assert elsewhere.listed(*arguments) == office.listed(*arguments)
    columns = "scope_id, source_key, match_key, destination_id, payload_hash, status, attempts, due_at, updated_at"
    rows = f"SELECT {columns}, CASE WHEN created_by_us THEN 1 ELSE 0 END FROM deliveries"  # noqa: S608 - constants
    assert sorted(map(repr, elsewhere.sql(rows))) == sorted(map(repr, office.sql(rows)))
    assert elsewhere.in_stream(replayed) == office.in_stream(replayed)
    assert elsewhere.in_stream(replayed, DEALS) == []


@pytest.mark.parametrize("part", [None, Partition(1, 2)], ids=["a run", "a worker"])
def test_a_copy_knows_when_a_killed_run_was_last_heard_of(
    office: Office, elsewhere: Office, part: Partition | None
) -> None:
    """G2: its last request may be applied until a while after that, and whoever goes on has to wait so long."""
    ledger = Ledger(Secret(office.url), now=lambda: time.time() - SOONER_MS / 1000, partition=part)
    ledger.open_stream(DEALS, keeps_deliveries=True)  # and never closed: this process counts as dead
    ledger.close()
    assert office.run("copy", "--to", elsewhere.url, "--yes").exit_code == 0
    again = Ledger(Secret(elsewhere.url), partition=part)
    last_sign_ms = again.open_stream(DEALS, keeps_deliveries=True).last_sign_ms
    again.close()
    assert abs(last_sign_ms - (again.now_ms() - SOONER_MS)) < 20_000


def test_a_run_that_slept_does_not_go_on_with_what_was_copied(office: Office, elsewhere: Office) -> None:
    """What it delivered would be unknown to the copy."""
    ledger = Ledger(Secret(office.url), now=lambda: time.time() - 3600)
    sleeping = ledger.open_stream(PEOPLE, keeps_deliveries=True)
    assert office.run("copy", "--to", elsewhere.url, "--yes").exit_code == 0
    with pytest.raises(BusyError):
        sleeping.settle([delivered('["new"]', "new@example.com")])
    sleeping.close()
    ledger.close()
    assert office.sql("SELECT count(*) FROM deliveries WHERE match_key = 'new@example.com'") == [(0,)]


def test_a_copy_is_looked_at_before_the_first_run(office: Office, elsewhere: Office) -> None:
    """PostgreSQL would take it for empty for a minute, and read all of it for each look-up."""
    assert office.run("copy", "--to", elsewhere.url, "--yes").exit_code == 0
    if elsewhere.url.startswith("postgresql"):
        [(rows,)] = elsewhere.sql("SELECT reltuples FROM pg_class WHERE oid = CAST('deliveries' AS regclass)")
        assert elsewhere.sql("SELECT count(*) FROM deliveries") == [(rows,)]


def test_every_table_is_copied_or_left_behind_on_purpose() -> None:
    """A table that a release adds has to be in one of the two lists."""
    left_behind = {"ledger_info", "rate_limits"}
    assert {table.name for table in (*COPIED, *TOO)} | left_behind == set(metadata.tables)


def test_a_ledger_is_not_copied_over_another(office: Office, elsewhere: Office) -> None:
    """A database that holds one is refused, the ledger itself too, and a copy is made once."""
    assert office.run("copy", "--to", elsewhere.url, "--yes").exit_code == 0
    for to in (elsewhere.url, office.url):
        result = office.run("copy", "--to", to, "--yes")
        assert result.exit_code == 78
        assert "holds a ledger that was used" in result.output


def test_nothing_is_copied_beside_a_run(office: Office, elsewhere: Office) -> None:
    """While a run writes a stream, a copy would be old at once."""
    office.sql("UPDATE scopes SET lease_owner = 'elsewhere:1:x', lease_until = 99999999999999 WHERE stream = 'people'")
    result = office.run("copy", "--to", elsewhere.url, "--yes")
    assert result.exit_code == 75
    assert "Stream 'people' of sync 'prod:tap-to-target-crm' is being written by another run" in result.output
    assert elsewhere.sql("SELECT count(*) FROM deliveries") == [(0,)]


def test_copying_asks_and_takes_all_or_nothing(local: Office, tmp_path: Path) -> None:
    """Without a yes nothing is made; a part of a ledger, and one of another version, are not copied."""
    to = f"sqlite:///{tmp_path}/copy.db"
    assert local.run("copy", "--to", to, answer="n\n").exit_code == 1
    assert not (tmp_path / "copy.db").exists()
    assert local.run("copy", "--to", to, "--stream", "people", "--yes").exit_code == 2
    for version, remedy in (("2", "run once, which upgrades it"), ("99", "of the release that wrote it")):
        local.sql(f"UPDATE ledger_info SET value = '{version}' WHERE name = 'schema_version'")  # noqa: S608
        result = local.run("copy", "--to", to, "--yes")
        assert result.exit_code == 78
        assert f"has version {version}" in result.output
        assert remedy in result.output


def test_the_only_ledger_of_a_project_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name the project's folder is looked into; several ledgers are listed, and one is chosen."""
    runner = CliRunner()
    result = runner.invoke(main, ["runs"])
    assert result.exit_code == 78
    assert "There is no ledger in" in result.stderr
    Office(f"sqlite:///{tmp_path}/.reverse-etl/target-crm.db").fill()
    assert runner.invoke(main, ["runs"]).exit_code == 0
    Office(f"sqlite:///{tmp_path}/.reverse-etl/target-mail.db").fill()
    result = runner.invoke(main, ["runs"])
    assert result.exit_code == 78
    assert "target-crm, target-mail" in result.stderr
    for arguments in (["runs", "--target", "target-mail"], ["--target", "target-mail", "runs"]):
        assert runner.invoke(main, arguments).exit_code == 0
    assert "no ledger of 'target-x'" in runner.invoke(main, ["runs", "--target", "target-x"]).stderr
    monkeypatch.setenv("REVERSE_ETL_LEDGER_URL", f"{tmp_path}/.reverse-etl/target-crm.db")
    assert runner.invoke(main, ["runs"]).exit_code == 0
    monkeypatch.delenv("MELTANO_PROJECT_ROOT")
    monkeypatch.delenv("REVERSE_ETL_LEDGER_URL")
    monkeypatch.chdir(tmp_path)
    assert runner.invoke(main, ["runs", "--target", "target-crm"]).exit_code == 0


def test_the_nearest_name_of_a_ledger_counts(local: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the subcommand, before it, in the environment; a plain path is a SQLite file."""
    path = local.url.removeprefix("sqlite:///")
    monkeypatch.setenv("REVERSE_ETL_LEDGER_URL", "/nowhere/env.db")
    runner = CliRunner()
    assert runner.invoke(main, ["--ledger", path, "runs"]).exit_code == 0
    assert runner.invoke(main, ["--ledger", "/nowhere/first.db", "runs", "--ledger", path]).exit_code == 0
    assert "/nowhere/env.db" in runner.invoke(main, ["runs"]).stderr
    assert runner.invoke(main, ["runs", "--ledger", path, "--target", "x"]).exit_code == 2


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("mysql://u:p4ssw0rd@h/d", "SQLite or PostgreSQL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("://", "is none"),
        ("postgresql://u:p4ssw0rd@127.0.0.1:1/d", "cannot be opened"),
        ("/nowhere/ledger.db", "There is no ledger"),
    ],
)
def test_a_wrong_ledger_is_named_without_its_password(named: str, message: str) -> None:
    """One message and an exit code."""
    result = CliRunner().invoke(main, ["--ledger", named, "runs"])
    assert result.exit_code in {1, 78}
    assert message in result.stderr
    assert "p4ssw0rd" not in result.output


def test_a_database_without_a_ledger_is_told(url: str, tmp_path: Path) -> None:
    """Another application's database is not taken for one, nor changed."""
    other = f"sqlite:///{tmp_path}/other.db"
    for place, statement in ((url, "CREATE TABLE runs (x integer)"), (other, "CREATE TABLE ledger_info (x integer)")):
        office = Office(place)
        office.sql(statement)
        result = office.run("runs")
        assert result.exit_code == 78
        assert "holds no ledger" in result.stderr


# -- reading leaves no trace


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_reading_changes_nothing(local: Office, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """The file is the same byte for byte, and no lease is taken."""
    before = (tmp_path / "ledger.db").read_bytes()
    local.told(*arguments)
    assert (tmp_path / "ledger.db").read_bytes() == before


def test_a_reader_cannot_write(office: Office) -> None:
    """The database itself refuses, whatever a defect would try."""
    engine = reading_engine(sa.make_url(office.url))
    with pytest.raises(sa.exc.DBAPIError, match=r"(?i)read.?only"), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET exit_code = 0")
    engine.dispose()


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_reading_does_not_wait_for_a_writer(local: Office, arguments: tuple[str, ...]) -> None:
    """While a run is in a transaction, what was durable before is shown."""
    writer = sqlite3.connect(local.url.removeprefix("sqlite:///"), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM deliveries")
    try:
        local.told(*arguments)
    finally:
        writer.close()


def test_a_ledger_in_a_read_only_folder_is_read(local: Office, tmp_path: Path) -> None:
    """By somebody who may write nothing: a copy on a read-only disk, or a colleague's file."""
    tmp_path.chmod(0o500)
    if not keeps_permissions(tmp_path):
        pytest.skip("root's rights cannot be given up here")
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("reverse-etl")),
            "--ledger",
            str(tmp_path / "ledger.db"),
            "rejects",
            "--csv",
        ],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=obey_permissions,
    )
    tmp_path.chmod(0o700)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.db"]
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 6


# -- other versions


def test_a_ledger_of_the_first_version_is_read(office: Office) -> None:
    """What it does not have yet is empty; what a person may change there is changed, and it keeps its version."""
    office.sql("UPDATE ledger_info SET value = '1'")
    for index in ("deliveries_leaving",):
        office.sql(f"DROP INDEX {index}")
    for column in ("removal_at", "waiting", "job_id", "former_key"):
        if column == "former_key":
            office.sql("DROP INDEX deliveries_renamed")
        office.sql(f"ALTER TABLE deliveries DROP COLUMN {column}")
    for table in ("plans", "jobs"):
        office.sql(f"DROP TABLE {table}")
    for arguments in READING:
        office.told(*arguments)
    assert len(office.listed("rejects")) == 5
    assert office.listed("streams")[1]["leaving"] == 0
    assert office.listed("plans") == []
    assert "tries: 3" in office.told("retry", "--all")
    assert "Forgotten" in office.told("forget", "late", "--yes")
    assert "deleted: 4" in office.told("purge", "--payloads", "--yes")
    assert "0 jobs, 0 plans" in office.told("purge", "--older-than", "1d", "--yes")
    assert office.sql("SELECT value FROM ledger_info WHERE name = 'schema_version'") == [("1",)]


def test_a_newer_ledger_is_read_but_not_changed(office: Office) -> None:
    """A release only adds, so it can be read; what a newer one means by it is not known, so it is not written."""
    office.sql("UPDATE ledger_info SET value = '999' WHERE name = 'schema_version'")
    for arguments in READING:
        office.told(*arguments)
    for arguments in (("retry", "--all"), ("forget", "late", "--yes"), ("approve", "plan-1", "--yes")):
        result = office.run(*arguments)
        assert result.exit_code == 1
        assert "Upgrade reverse-etl-core" in result.stderr


# -- forms


HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a,b", 'quo"te', "two\nlines", "\x1b[31mred", "\u202eabc"]


def test_csv_is_safe_for_spreadsheets() -> None:
    """No cell begins a formula, and each comes back as it was, but for the quote."""
    out = io.StringIO()
    write_csv(Listing(("a", "b"), [(text, -1) for text in HOSTILE]), out)
    rows = list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1:]
    assert [row[0].removeprefix("'") for row in rows] == HOSTILE
    assert not [row for row in rows if SPREADSHEET.match(row[0])]
    assert {row[1] for row in rows} == {"-1"}


def test_json_is_well_formed() -> None:
    """Whatever the cells hold."""
    for rows in ([], [(text, None) for text in HOSTILE], [(Json('{"x":1}'), Moment(0))]):
        out = io.StringIO()
        write_json(Listing(("a", "b"), rows), out)
        parsed = json.loads(out.getvalue())
        assert len(parsed) == len(rows)
    assert parsed == [{"a": {"x": 1}, "b": "1970-01-01T00:00:00Z"}]


def test_a_table_gives_no_orders_to_the_terminal() -> None:
    """Control characters and brackets of markup are shown, not obeyed."""
    out = io.StringIO()
    write_table(Listing(("a",), [(text,) for text in [*HOSTILE, "[bold]x[/bold]"]]), out)
    text = out.getvalue()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "[bold]x[/bold]" in text
    assert len(text.splitlines()) == len(HOSTILE) + 3


def test_an_unexpected_error_shows_no_value(local: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text may hold one: type and place are enough for a report."""
    local.sql("UPDATE deliveries SET record = 'no json' WHERE source_key = '[\"late\"]'")
    local.sql("UPDATE deliveries SET attempts = 'secret-in-a-number' WHERE source_key = '[\"late\"]'")
    monkeypatch.setenv("COLUMNS", "100")
    result = local.run("why", "late")
    assert result.exit_code == 1
    assert "Please report" in result.stderr
    assert "secret-in" not in result.output


def test_examples_are_right() -> None:
    """Each doctest of the package passes."""
    for found in pkgutil.iter_modules(command.__path__):
        assert doctest.testmod(importlib.import_module(f"{command.__name__}.{found.name}")).failed == 0


def test_the_program_is_installed() -> None:
    """Its version, and a line for each subcommand."""
    program = str(Path(sys.executable).with_name("reverse-etl"))
    told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    assert told == "reverse-etl v0.1.0\n"
    assert subprocess.run([program, "whyy"], check=False, capture_output=True).returncode == 2
    names: Any = main.commands
    assert {
        "approve",
        "copy",
        "forget",
        "history",
        "plans",
        "purge",
        "rejects",
        "retry",
        "runs",
        "scopes",
        "streams",
        "why",
    } == {*names}


def test_two_scopes_of_one_key_are_told_apart_by_stream(office: Office) -> None:
    """A key names the same person in several streams: one of them is chosen."""
    assert "stream 'firms' to 'companies'" in office.told("why", "[42]", "--stream", OTHERS.stream)
