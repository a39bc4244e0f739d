"""The ledger in front of another one: everything is read, nothing is written, nobody has to wait."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from core.fakes import people
from core.old_ledgers import make_version_1
from core.test_plan import Stage, gone, row

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.ledger import Ledger, Scope, Settlement, Status
from reverse_etl_core.ledger.rehearsed import RehearsedLedger, existing
from reverse_etl_core.ledger.rows import WAITING_NEW, Intent
from reverse_etl_core.partitions import Partition
from reverse_etl_core.redaction import Secret
from reverse_etl_core.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.fakes import Clock

SCOPE = Scope("sync", "account-1", "people", "people")
SETTLED = [
    Settlement("a", Status.DELIVERED, "created", match_key="ka", destination_id="1", payload_hash=b"1"),
    Settlement("b", Status.REJECTED, "rejected", error_code="too_long", record="{}", due_at=0, attempts=1),
    Settlement("c", Status.DELIVERED, "created", match_key="kc", destination_id="3", created_by_us=True),
]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An empty destination."""
    return Stage(tmp_path)


def rehearsed(url: str, clock: Clock, told: list[Any] | None = None) -> RehearsedLedger:
    """A plan's ledger."""
    heard = [] if told is None else told
    base = existing(Secret(url), now=clock)
    return RehearsedLedger(base, lambda *some: heard.append(some), now=clock)


def contents(url: str) -> dict[str, list[Any]]:
    """All rows of a ledger."""
    engine = sa.create_engine(url)
    tables = sa.MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        found = {
            name: sorted(map(repr, connection.execute(sa.select(one)).all())) for name, one in tables.tables.items()
        }
    engine.dispose()
    return found


def test_what_is_settled_stands_in_front_and_is_forgotten(url: str, opened: Callable[[], Ledger], clock: Clock) -> None:
    """Look-ups, owners, removals and counts see the plan's own word first; the real ledger keeps every row."""
    real = opened().open_stream(SCOPE, keeps_deliveries=True)
    real.settle(SETTLED)
    real.close()
    before = contents(url)
    told: list[Any] = []
    ledger = rehearsed(url, clock, told)
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    assert {key: one.status for key, one in stream.lookup(["a", "b", "c", "d"]).items()} == {
        "a": Status.DELIVERED,
        "b": Status.REJECTED,
        "c": Status.DELIVERED,
    }
    assert [[one.source_key for one in page] for page in stream.replayable()] == [["b"]]
    assert (stream.count_held(), stream.count_leaving()) == (2, 0)
    stream.settle(
        [
            Settlement("a", Status.DELIVERED, "updated", match_key="new", destination_id="1"),
            Settlement("b", Status.DELIVERED, "created", match_key="kb", destination_id="planned:1"),
            Settlement("d", Status.DELIVERED, "created", match_key="ka", destination_id="planned:2"),
        ]
    )
    assert stream.owners(["ka", "new", "kc", "kb"]) == {"ka": "d", "new": "a", "kc": "c", "kb": "b"}
    stream.spool(["c"], 10)
    assert [[one.source_key for one in page] for page in stream.leaving()] == [["c"]]
    assert (stream.count_held(), stream.count_leaving(), stream.latest_leaving()) == (4, 1, 10)
    stream.keep(["c"])
    assert stream.count_leaving() == 0
    assert [(scope, one.source_key, is_replay) for scope, one, is_replay in told] == [
        (SCOPE, "a", False),
        (SCOPE, "b", True),
        (SCOPE, "d", False),
    ]
    assert ledger.planned("people", ["ka", "kb", "kd"]) == {"ka", "kb"}
    stream.close()
    ledger.close()
    assert contents(url) == before


def test_nobody_waits_for_a_run_that_goes_on(url: str, opened: Callable[[], Ledger], clock: Clock) -> None:
    """Another run has the lease, and a transaction in which it writes."""
    real = opened()
    stream = real.open_stream(SCOPE, keeps_deliveries=True)
    stream.settle(SETTLED)
    with real.begin() as connection:
        connection.execute(sa.text("UPDATE deliveries SET attempts = 7"))
        ledger = rehearsed(url, clock)
        one = ledger.open_stream(SCOPE, keeps_deliveries=True)
        assert one.lookup(["a"])["a"].attempts == 0
        one.settle(SETTLED)
        one.close()
        ledger.close()
    stream.renew()  # its lease is untouched
    stream.close()


def test_an_empty_database_is_no_ledger_yet(url: str, clock: Clock, tmp_path: Path) -> None:
    """A plan before the first run: nothing is made in it. Another database than a ledger is refused."""
    if url.startswith("sqlite"):
        (tmp_path / "ledger.db").touch()
    assert existing(Secret(url), now=clock) is None
    assert contents(url) == {}
    with sa.create_engine(url).begin() as connection:
        connection.execute(sa.text("CREATE TABLE other (n INTEGER)"))
    with pytest.raises(ConfigError, match="holds no ledger"):
        existing(Secret(url), now=clock)


def test_a_worker_plans_its_own_part(url: str, clock: Clock) -> None:
    """What waits for another worker is not replayed nor removed, and of what is held each has a share."""
    parts = [Partition(index, 2) for index in range(2)]
    for part, keys in zip(parts, ("ab", "cde"), strict=True):
        real = Ledger(Secret(url), now=clock, partition=part)
        stream = real.open_stream(SCOPE, keeps_deliveries=True)
        bad = [Settlement(f"bad {key}", Status.REJECTED, "rejected", record="{}", due_at=0) for key in keys]
        good = [Settlement(key, Status.DELIVERED, "created", match_key=key, destination_id=key) for key in keys]
        stream.settle([*bad, *good])
        stream.spool(list(keys), 10)
        stream.close()
        real.close()
    found = {}
    for part in [*parts, Partition()]:
        ledger = RehearsedLedger(existing(Secret(url), now=clock), lambda *_: None, now=clock, part=part)
        one = ledger.open_stream(SCOPE, keeps_deliveries=True)
        replayed = [row.source_key for page in one.replayable() for row in page]
        found[str(part)] = (len(replayed), one.count_leaving(), one.count_held(), len(one.lookup(["a", "c"])))
        ledger.close()
    assert found == {"0/2": (2, 2, 3, 2), "1/2": (3, 3, 3, 2), "0/1": (5, 5, 5, 2)}


def test_what_is_under_way_counts_as_over(url: str, opened: Callable[[], Ledger], clock: Clock) -> None:
    """A plan waits for no grace period: a run would wait, and then do this."""
    real = opened().open_stream(SCOPE, keeps_deliveries=True)
    real.intend([Intent("a", "ka", None, created_by_us=True, attempts=1, record="{}")])
    ledger = rehearsed(url, clock)
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    ((one,),) = stream.replayable()
    assert (one.status, one.intent_at, one.in_doubt_until, stream.last_sign_ms) == (Status.PENDING, None, None, 0)
    assert stream.unfinished_jobs() == []
    ledger.close()


def test_one_that_waits_for_its_parent_is_told_once(url: str, opened: Callable[[], Ledger], clock: Clock) -> None:
    """When it is delivered, or when it has waited in vain."""
    opened()
    told: list[Any] = []
    ledger = rehearsed(url, clock, told)
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    waiting = {"error_code": "reference_not_found", "record": "{}", "waiting": WAITING_NEW, "due_at": 0}
    stream.settle([Settlement(key, Status.REJECTED, "rejected", **waiting) for key in ("a", "b")])
    assert told == []
    stream.settle([Settlement("a", Status.DELIVERED, "created", match_key="ka", destination_id="planned:1")])
    stream.stop_waiting(lambda _: 0)
    assert [(one.source_key, one.outcome, one.error_code) for _, one, _ in told] == [
        ("a", "created", None),
        ("b", "rejected", "reference_not_found"),
    ]
    ledger.close()


def test_a_ledger_of_the_first_release_is_planned_with(tmp_path: Path, clock: Clock) -> None:
    """Columns that came later are taken as null, and are not added."""
    url = f"sqlite:///{tmp_path}/old.db"
    make_version_1(url)
    before = (tmp_path / "old.db").read_bytes()
    with sa.create_engine(url).connect() as connection:
        scope = Scope(*connection.execute(sa.text("SELECT sync_id, account, object, stream FROM scopes")).one())
    ledger = rehearsed(url, clock)
    assert ledger.knows_sync(scope.sync_id, scope.account)
    stream = ledger.open_stream(scope, keeps_deliveries=True)
    keys = [one.source_key for page in stream.replayable() for one in page]
    assert stream.lookup(keys).keys() == set(keys)
    assert stream.count_held() == 5
    assert stream.count_leaving() == 0
    assert stream.plans.approved("removals", "x") == {}
    assert not stream.plans.is_carried_out("x")
    stream.spool(keys, 5)
    assert stream.count_leaving() == len(keys)
    stream.close()
    ledger.close()
    assert (tmp_path / "old.db").read_bytes() == before


def test_the_temporary_ledger_is_gone(tmp_path: Path, clock: Clock) -> None:
    """Nothing is left of it, and no ledger appears where there is none."""
    ledger = rehearsed(f"sqlite:///{tmp_path}/none.db", clock)
    folder = Path(ledger._folder.name)
    assert folder.is_dir()
    assert ledger.syncs("account-1") == []
    ledger.close()
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_changes_are_dropped_once_a_record_is_settled() -> None:
    """G9: what is kept of a plan is what is under way."""
    rehearsal = Rehearsal()
    rehearsal.would_change(people(), "a", {"name": ("x", "y")})
    settlement = Settlement("a", Status.DELIVERED, "updated")
    first, again = (rehearsal.line(SCOPE, settlement, is_replay=False) for _ in range(2))
    assert first is not None
    assert again is not None
    assert (first.fields, again.fields) == ({"name": ("x", "y")}, {})


def test_a_sync_that_the_ledger_does_not_know_is_told(stage: Stage) -> None:
    """A plan for another `sync_id` takes every record for a new one: the log names those that there are."""
    assert stage.run([row(1)], sync_id="mine") == 0
    assert stage.plan([row(1)], sync_id="other") == 0
    (told,) = [line for line in stage.log if "knows nothing of sync 'other'" in line]
    assert "'mine'" in told
    assert stage.plan([row(1)], sync_id="mine") == 0
    assert not [line for line in stage.log if "knows nothing" in line]


def test_rejects_of_earlier_runs_new_ones_and_known_ones(stage: Stage) -> None:
    """A line for each new rejection; a known one is counted; what is cured by other settings is a replay."""
    assert stage.run([row(1, name="x" * 30), row(2, name="x" * 25), row(3)]) == 0
    rows = [row(1, name="x" * 30), row(3), row(4, name="x" * 40), row(5, ""), row(3, "k9")]
    assert stage.plan(rows) == 0
    assert [(line["source_key"], line["action"], line["code"]) for line in stage.lines()] == [
        ("[4]", "reject", "too_long"),
        ("[5]", "reject", "missing_key"),
        ("[3]", "update", ""),
    ]
    assert stage.table == {"create": 0, "update": 1, "unchanged": 0, "remove": 0, "reject": 3, "other": 1}
    assert "people: reject: 2 too_long, 1 missing_key" in stage.log
    fields = {"key": "key", "name": {"value": "cured"}}
    assert stage.plan([row(3)], stream={"fields": fields}) == 0
    replayed = [(line["source_key"], line["action"]) for line in stage.lines() if line["is_replay"]]
    assert replayed == [("[1]", "create"), ("[2]", "create")]
    assert stage.run([row(3)], stream={"fields": fields}) == 0
    assert {one["name"] for one in stage.crm.records.values()} == {"cured"}
    assert len(stage.crm.records) == 3


def test_a_row_that_a_killed_run_left_is_planned(stage: Stage) -> None:
    """It is a replay: read, and then created or updated as a run would."""
    assert stage.run([row(1), row(2)]) == 0
    with sa.create_engine(f"sqlite:///{stage.root}/l.db").begin() as connection:
        record = json.dumps({"key": "k1", "name": "newer"})
        left = {"record": record, "at": 1}
        query = "UPDATE deliveries SET status='pending', payload_hash=NULL, record=:record, intent_at=:at"
        connection.execute(sa.text(f"{query} WHERE source_key='[1]'"), left)
    assert stage.plan([row(2)]) == 0
    (line,) = stage.lines()
    assert (line["source_key"], line["action"], line["is_replay"]) == ("[1]", "update", True)
    assert line["fields"] == {"name": ["x", "newer"]}
    assert stage.run([row(2)]) == 0
    assert [one["name"] for one in stage.crm.records.values()] == ["newer", "x"]


def test_without_deliveries_every_record_is_looked_at(stage: Stage) -> None:
    """`ledger: rejects`: what is there already is an update without fields, as a run would write it again."""
    few = {"ledger": "rejects", "load_method": "upsert"}
    assert stage.run([row(1), row(2)], **few) == 0
    assert stage.plan([row(1), row(2, name="y"), row(3)], **few) == 0
    assert [(line["action"], line["fields"]) for line in stage.lines()] == [
        ("update", {}),
        ("update", {"name": ["x", "y"]}),
        ("create", {"key": [None, "k3"], "name": [None, "x"]}),
    ]
    assert stage.run([row(1), row(2, name="y"), row(3)], **few) == 0
    assert stage.totals() == {"read": 3, "created": 1, "updated": 2}


def test_rejections_of_a_plan_are_approved_by_its_id(stage: Stage) -> None:
    """G6: a run that names the id takes these codes and no others, and once; the plan was saved nowhere."""
    bad = [row(n, name="x" * 30) for n in range(20)]
    rows = [*bad, *(row(n) for n in range(20, 40)), row(50, ""), row(51, "")]
    limit = {"max_rejected_percent": 10, "checkpoint_records": 1}
    assert stage.plan(rows, **limit) == 65
    (plan_id,) = {line.split("'approve: ")[1].split("'")[0] for line in _sentences(stage)}
    assert not (stage.root / "l.db").exists()
    assert stage.run(rows, **limit) == 65
    other = [{**one, "score": "none"} for one in rows[20:40]]
    assert stage.run([*rows[:20], *other], **limit, approve=plan_id) == 65
    assert stage.run([*bad, {"state": 1}, *rows[20:]], **limit, approve=plan_id) == 0
    assert stage.totals()["rejected"] == 22
    assert stage.run(rows, **limit, approve=plan_id) == 65


def _sentences(stage: Stage) -> list[str]:
    """What brakes would say."""
    text = " ".join(line.strip() for line in stage.log)
    return ["'approve: " + one for one in text.split("'approve: ")[1:]]


def test_removals_that_wait_in_the_ledger_are_planned(stage: Stage) -> None:
    """What a brake held before is part of the plan, and its id is the same."""
    assert stage.run([row(n) for n in range(20)]) == 0
    assert stage.run([gone(n) for n in range(12)]) == 65
    assert stage.plan([row(19, name="y")]) == 65
    assert sorted(line["action"] for line in stage.lines()) == ["remove"] * 12 + ["update"]
    assert {line["is_replay"] for line in stage.lines() if line["action"] == "remove"} == {True}
    assert stage.plan([row(0)]) == 65
    assert len(stage.lines()) == 11
