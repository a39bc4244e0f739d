"""Meltano's own commands around our plugins: state, selection, inheritance, environments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .accounts import HUBSPOT, Accounts
from .meltano_project import ROWS, Pipelines

if TYPE_CHECKING:
    from pathlib import Path

CRM = "dev:tap-crm-to-target-crm"
NEWS = "dev:tap-news-to-target-crm"
METADATA = {"accounts": {"selected": False}, "customers": {"replication-method": "LOG_BASED"}}
ONLY_CUSTOMERS = {"TAP_NEWS__METADATA": json.dumps(METADATA)}
"""The variable stands in place of what the file says, and is not merged with it."""
pytestmark = pytest.mark.long


@pytest.fixture
def pipelines(tmp_path: Path, accounts: Accounts) -> Pipelines:
    """A project that has not run yet."""
    return Pipelines.make(tmp_path / "project", accounts)


def refused(pipelines: Pipelines, tap: str, target: str, *options: str, **variables: str) -> None:
    """Run, and expect the tap to refuse the STATE, with the way out; nothing is written."""
    writes = pipelines.accounts.writes(HUBSPOT)
    code, output = pipelines.meltano("run", *options, tap, target, **variables)
    assert code == 1
    assert "Stream 'customers': STATE cannot be used" in output
    assert "--full-refresh" in output
    assert pipelines.accounts.writes(HUBSPOT) == writes


def test_state_is_listed_cleared_and_set(pipelines: Pipelines) -> None:
    """LOG_BASED: after `clear` all rows come again and are known; the STATE from before is no longer taken."""
    assert pipelines.run("tap-crm", "target-crm") == {"read": ROWS, "created": ROWS}
    assert CRM in pipelines.ok("state", "list")
    kept = pipelines.state(CRM)
    assert set(kept["singer_state"]["bookmarks"]) == {"customers"}
    writes = pipelines.accounts.writes(HUBSPOT)

    pipelines.ok("state", "clear", "--force", CRM)
    assert CRM not in pipelines.ok("state", "list")
    assert pipelines.run("tap-crm", "target-crm") == {"read": ROWS, "unchanged": ROWS}
    assert pipelines.accounts.writes(HUBSPOT) == writes
    assert pipelines.run("tap-crm", "target-crm") == {}

    pipelines.ok("state", "set", "--force", CRM, json.dumps(kept))
    refused(pipelines, "tap-crm", "target-crm")


def test_state_of_another_sync_is_refused(pipelines: Pipelines) -> None:
    """`copy` to another sync, and an edited token; `--full-refresh` is the way out."""
    pipelines.run("tap-crm", "target-crm")
    kept = pipelines.state(CRM)
    pipelines.ok("state", "copy", "--force", CRM, NEWS)
    refused(pipelines, "tap-news", "target-crm", **ONLY_CUSTOMERS)
    token = kept["singer_state"]["bookmarks"]["customers"]["token"]
    pipelines.ok("state", "set", "--force", CRM, json.dumps(kept).replace(token, "0" * 32))
    refused(pipelines, "tap-crm", "target-crm")
    assert pipelines.run("tap-crm", "target-crm", "--full-refresh") == {"read": ROWS, "unchanged": ROWS}


def test_state_moves_and_merges(pipelines: Pipelines) -> None:
    """`move` away and `merge` back: the run after them has nothing to do."""
    pipelines.run("tap-crm", "target-crm")
    kept = pipelines.state(CRM)
    pipelines.ok("state", "move", "--force", CRM, "dev:elsewhere")
    assert pipelines.state(CRM) == {}
    pipelines.ok("state", "merge", "--from-state-id", "dev:elsewhere", CRM)
    assert pipelines.state(CRM) == kept
    assert pipelines.run("tap-crm", "target-crm") == {}


def test_full_refresh_sends_all_and_forgets_no_removal(pipelines: Pipelines) -> None:
    """`--full-refresh`: every row again, and all are known; what is gone is removed; the next run goes on."""
    pipelines.run("tap-crm", "target-mirror")
    writes = pipelines.accounts.writes(HUBSPOT)
    pipelines.change("DELETE FROM customers WHERE id = 'C2'")
    found = pipelines.run("tap-crm", "target-mirror", "--full-refresh")
    assert found == {"read": ROWS, "unchanged": ROWS - 1, "removed": 1}
    assert pipelines.accounts.writes(HUBSPOT) == writes + 1
    assert pipelines.run("tap-crm", "target-mirror") == {}


def test_a_state_id_suffix_is_seen_by_nobody(pipelines: Pipelines) -> None:
    """Two STATEs of one sync: one ledger, and LOG_BASED refuses the one that was overtaken, until each has a name."""
    assert pipelines.run("tap-crm", "target-crm", "--state-id-suffix=a") == {"read": ROWS, "created": ROWS}
    assert pipelines.run("tap-crm", "target-crm", "--state-id-suffix=b") == {"read": ROWS, "unchanged": ROWS}
    assert {f"{CRM}:a", f"{CRM}:b"} <= set(pipelines.ok("state", "list").split())
    assert pipelines.syncs() == {CRM}
    assert pipelines.run("tap-crm", "target-crm", "--state-id-suffix=b") == {}
    refused(pipelines, "tap-crm", "target-crm", "--state-id-suffix=a")

    names = {"TAP_CRM_SYNC_ID": "crm-c", "TARGET_CRM_SYNC_ID": "c"}
    found = pipelines.run("tap-crm", "target-crm", "--state-id-suffix=c", **names)
    assert found["read"] == ROWS
    assert pipelines.syncs() == {CRM, "c"}
    assert pipelines.run("tap-crm", "target-crm", "--state-id-suffix=b") == {}


def test_environments_are_syncs_of_their_own(pipelines: Pipelines) -> None:
    """Two environments, one ledger and one account: two syncs, and the second adopts what the first created."""
    assert pipelines.run("tap-crm", "target-crm") == {"read": ROWS, "created": ROWS}
    code, output = pipelines.meltano("run", "tap-crm", "target-crm", environment="staging")
    assert (code, "took over" in output) == (0, False), output
    assert pipelines.syncs() == {CRM, CRM.replace("dev:", "staging:")}
    assert len(pipelines.accounts.live(HUBSPOT)) == ROWS
    assert pipelines.run("tap-crm", "target-crm", environment="staging") == {}
    refused(pipelines, "tap-crm", "target-crm")


def test_plugins_that_inherit_are_syncs_of_their_own(pipelines: Pipelines) -> None:
    """Two taps and two targets, each pair from one definition: other streams, other fields, other names."""
    assert pipelines.run("tap-crm", "target-crm") == {"read": ROWS, "created": ROWS}
    assert pipelines.run("tap-news", "target-people", **ONLY_CUSTOMERS) == {"read": ROWS, "updated": ROWS}
    assert pipelines.syncs() == {CRM, "dev:tap-news-to-target-people"}
    assert len(pipelines.accounts.live(HUBSPOT)) == ROWS
    assert pipelines.run("tap-crm", "target-crm") == {}


def test_objects_of_a_parent_are_merged(pipelines: Pipelines) -> None:
    """Meltano adds the parent's keys to an inheriting plugin's `streams`, and a file's to those of a variable."""
    told = pipelines.ok("config", "print", "target-both")
    streams = json.loads(told[told.index("\n{") :])["streams"]
    assert streams["customers"]["fields"] == {**HUBSPOT.fields, "jobtitle": "name"}
    variable = json.dumps({"customers": {"fields": {"customer_id": "id"}}})
    told = pipelines.ok("config", "print", "target-crm", TARGET_CRM_STREAMS=variable)
    streams = json.loads(told[told.index("\n{") :])["streams"]
    assert streams["customers"]["fields"] == HUBSPOT.fields


def test_selection_reaches_the_account(pipelines: Pipelines) -> None:
    """`meltano select`, `selected: false` and `streams` in a variable: what is left out does not arrive."""
    pipelines.ok("select", "tap-news", "--exclude", "customers", "name")
    pipelines.ok("select", "tap-news", "*", "*")
    fields = {"customers": {**HUBSPOT.stream, "fields": {"customer_id": "id", "email": "mail", "churn_risk": "score"}}}
    variables = {"TARGET_HUBSPOT_STREAMS": json.dumps(fields), **ONLY_CUSTOMERS}
    listed = pipelines.ok("select", "tap-news", "--list", **variables)
    assert ("customers.score" in listed, "customers.name" in listed.partition("Selected")[2]) == (True, False)
    assert "accounts" not in listed.partition("Selected")[2]
    assert pipelines.run("tap-news", "target-hubspot", **variables) == {"read": ROWS, "created": ROWS}
    assert {row["name"] for row in pipelines.accounts.live(HUBSPOT)} == {None}
    assert {float(row["score"]) for row in pipelines.accounts.live(HUBSPOT)} == set(range(1, ROWS + 1))


def test_commands_that_look_disturb_nothing(pipelines: Pipelines) -> None:
    """`lock`, `invoke --discover` and `config test` before `el`: the same sync as `run`, with a STATE of its own."""
    pipelines.ok("lock")
    told = pipelines.ok("invoke", "tap-crm", "--discover")
    catalog = json.loads(told[told.index("{\n") :])
    assert {one["tap_stream_id"] for one in catalog["streams"]} == {"customers", "accounts"}
    assert "Plugin configuration is valid" in pipelines.ok("config", "test", "tap-crm")
    pipelines.ok("el", "--state-id=by-hand", "tap-crm", "target-crm")
    assert len(pipelines.accounts.live(HUBSPOT)) == ROWS
    assert "customers" in pipelines.state("by-hand")["singer_state"]["bookmarks"]
    assert pipelines.syncs() == {CRM}
    assert pipelines.run("tap-crm", "target-crm") == {"read": ROWS, "unchanged": ROWS}


def test_a_catalog_that_was_edited_is_taken(pipelines: Pipelines) -> None:
    """The extra `catalog` names an edited file: a column that it deselects is not read."""
    told = pipelines.ok("invoke", "tap-news", "--discover")
    catalog = json.loads(told[told.index("{\n") :])
    catalog["streams"] = [one for one in catalog["streams"] if one["tap_stream_id"] == "customers"]
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"][-1:] == ["score"]:
            entry["metadata"]["selected"] = False
    (pipelines.project.root / "edited.json").write_text(json.dumps(catalog), encoding="utf-8")
    extra = {"TAP_NEWS__CATALOG": "edited.json", "TAP_NEWS__SELECT": json.dumps(["!customers.score", "*.*"])}
    fields = {"customers": {**HUBSPOT.stream, "fields": {"customer_id": "id", "email": "mail", "city": "name"}}}
    found = pipelines.run("tap-news", "target-hubspot", **extra, TARGET_HUBSPOT_STREAMS=json.dumps(fields))
    assert found == {"read": ROWS, "created": ROWS}
