"""No second welcome mail: the simulator's journal proves it for reruns, lost replies and kills of the run (G2, G4)."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.stage import Stage

    from .conftest import MailchimpVendor, Person

MAIL = {"subscribed": "welcome_mail", "pending": "confirmation_mail"}
BATCH = "/3.0/lists/demo0000aa"


def one_each(count: int) -> Counter[str]:
    """One mail for each of the suite's keys."""
    return Counter({f"K{n}": 1 for n in range(count)})


def mails(vendor: MailchimpVendor) -> Counter[str]:
    """Mails of any kind by key."""
    return vendor.events(*MAIL.values())


def rows(stage: Stage, count: int, text: str = "first") -> Iterable[Mapping[str, Any]]:
    """Records with a merge field and a tag."""
    return (stage.record(n, text, LTV=n, tags=["crm: customer"]) for n in range(count))


@pytest.mark.parametrize("status", list(MAIL))
def test_g4_reruns_send_no_mail(stage: Stage, vendor: MailchimpVendor, status: str) -> None:
    """The same input again, changed records, and a ledger that got lost: one mail per new member, ever."""
    config = {"status_if_new": status}
    stage.deliver(rows(stage, 600), **config)
    stage.deliver(rows(stage, 600), **config)
    stage.deliver(rows(stage, 600, "second"), **config)
    stage.deliver(rows(stage, 700, "third"), ledger_url=f"sqlite:///{stage.root}/new.db", **config)
    assert mails(vendor) == vendor.events(MAIL[status]) == one_each(700)


@pytest.mark.parametrize("status", list(MAIL))
@pytest.mark.parametrize("load_method", ["upsert", "create"])
@pytest.mark.parametrize("kind", ["502_after_commit", "cut_after", "truncated"])
def test_lost_replies_send_no_second_mail(
    stage: Stage, vendor: MailchimpVendor, kind: str, load_method: str, status: str
) -> None:
    """Every third reply is lost after the members were written; each of them got one mail."""
    vendor.faults([{"kind": kind, "path": BATCH, "probability": 0.34, "seed": 3}])
    config = {"stream": {"load_method": load_method}, "status_if_new": status}
    result = stage.deliver((stage.record(n) for n in range(1200)), **config)
    assert (result.exit_code, result.totals["rejected"]) == (0, 0)
    assert mails(vendor) == one_each(1200)


def test_a_lost_reply_to_a_question_asks_no_second_time(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """Writing `pending` sends a mail each time, so it is not repeated: the next look shows that it was applied."""
    for n in range(3):
        person.add(f"K{n}", "unsubscribed")
    vendor.faults([{"kind": "cut_after", "path": BATCH, "after": 1, "times": 1}])
    records = [stage.record(n, status="subscribed") for n in range(3)]
    result = stage.deliver(records, resubscribe="pending")
    assert (result.exit_code, result.totals["updated"]) == (0, 3)
    assert set(vendor.statuses().values()) == {"pending"}
    assert mails(vendor) == one_each(3)


def test_a_lost_reply_to_a_revival_sends_no_second_mail(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """An archived member that comes back is welcomed once."""
    person.add("K1", "transactional")
    person.archive("K1")
    vendor.faults([{"kind": "502_after_commit", "path": "*/members/*", "method": "PATCH", "times": 1}])
    stage.deliver([stage.record(1)], revive_archived=True)
    assert vendor.statuses() == {"K1": "subscribed"}
    assert mails(vendor) == {"K1": 1}


def test_members_count_as_created_whatever_follows(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """A new member whose tags cannot be brought in order at once is written again, and still was created."""
    person.add("OLD", tags=["crm: lead"])
    person.add("OLDER", tags=["crm: lead"])
    vendor.faults([{"kind": "500", "path": "*/segments/*", "times": 4}])
    keys = ("OLD", "OLDER", "NEW")
    result = stage.deliver(({"email_address": key, "tags": ["crm: customer"]} for key in keys), tag_prefix="crm: ")
    assert (result.totals["created"], result.totals["updated"]) == (1, 2)
    assert person.tags("OLD") == person.tags("NEW") == ["crm: customer"]


def kill_now_and_then(stage: Stage, messages: list[Any], kills: int, **config: Any) -> int:
    """Run the target as a command and kill it at random moments, then let it end; how often it was killed."""
    path = stage.root / "config.json"
    path.write_text(json.dumps(stage.config(**config)), encoding="utf-8")
    source = stage.root / "input"
    source.write_text("".join(json.dumps(one) + "\n" for one in messages), encoding="utf-8")
    dice = random.Random(4)  # noqa: S311 - a test's dice
    killed = 0
    for number in range(kills + 1):
        with source.open("rb") as stdin:
            run = subprocess.Popen(
                [sys.executable, "-m", stage.vendor.module, "--config", str(path)],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            if number < kills:
                killed += _kill_in_flight(stage, run, dice.uniform(0.0, 0.15))
            assert run.wait(timeout=120) in (0, -9), run.stderr and run.stderr.read().decode()
            assert run.stderr is not None
            run.stderr.close()
    return killed


def _kill_in_flight(stage: Stage, run: subprocess.Popen[bytes], later_s: float) -> bool:
    """Wait for a further write to arrive, and kill the run a little later, with others in flight."""
    seen = stage.vendor.write_requests()
    while run.poll() is None and stage.vendor.write_requests() == seen:
        time.sleep(0.005)
    time.sleep(later_s)
    run.kill()
    return run.wait() == -9


def _survives_kills(stage: Stage, vendor: MailchimpVendor, *, count: int, kills: int, status: str) -> None:
    vendor.faults([{"kind": "latency", "path": BATCH, "method": "POST", "seconds": 0.05, "jitter_seconds": 0.05}])
    messages = stage.messages(rows(stage, count))
    killed = kill_now_and_then(stage, messages, kills, status_if_new=status, reconcile_grace_seconds=1, concurrency=2)
    assert killed >= kills // 2
    assert mails(vendor) == vendor.events(MAIL[status]) == one_each(count)
    assert len(vendor.records()) == count


def test_kills_of_the_run_send_no_second_mail(stage: Stage, vendor: MailchimpVendor) -> None:
    """`kill -9` with batches in flight: whatever was applied meanwhile, each member got one mail."""
    _survives_kills(stage, vendor, count=6000, kills=2, status="pending")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_thirty_kills_of_the_run_send_no_second_mail(stage: Stage, vendor: MailchimpVendor) -> None:
    """The same, thirty times in one load."""
    _survives_kills(stage, vendor, count=60_000, kills=30, status="subscribed")
