"""The plan (`dry_run`): what a run would do, against the vendor's own API, and nothing else."""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from .mirror import MIRROR, gone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .stage import Result, Stage

FATES = {"create": "created", "update": "updated", "remove": "removed", "clear": "removed", "reject": "rejected"}


def plan(stage: Stage, rows: Iterable[Mapping[str, Any]], **config: Any) -> tuple[Result, list[dict[str, Any]]]:
    """The command as a dry run, and the lines of its plan; nothing is written meanwhile."""
    before = (stage.vendor.write_requests(), stage.vendor.side_effects(), stage.vendor.records())
    ledger = stage.root / "ledger.db"
    kept = ledger.read_bytes() if ledger.exists() else None
    result = stage.run_command(stage.messages(rows), dry_run=True, **config)
    assert result.exit_code in (0, 65), result.log
    assert result.states == []
    assert (stage.vendor.write_requests(), stage.vendor.side_effects(), stage.vendor.records()) == before
    assert (ledger.read_bytes() if ledger.exists() else None) == kept
    newest = max((stage.root / "reports").glob("*/plan.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    assert {stat.S_IMODE(one.stat().st_mode) for one in newest.parent.iterdir()} == {0o600}
    return result, [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]


def all_requests(stage: Stage) -> int:
    """Requests so far, to the vendor's API."""
    return sum(one["count"] for one in stage.vendor.control("requests?last=1")["counts"])


class BasePlan:
    """A plan reads, and the run right after it does what it says."""

    READS_PER_REQUEST: int | None = None
    """Records that one request reads; as many as one that writes, where it is not said."""

    def test_the_run_does_what_the_plan_says(self, stage: Stage) -> None:
        """Creates, updates, removals and rejections: the same counts, and the same records."""
        field, value, code = stage.vendor.invalid
        stage.run(stage.messages(stage.record(n) for n in range(40)), stream=MIRROR)
        rows = [
            *(stage.record(n, "second") for n in range(5)),
            *(stage.record(n) for n in range(5, 30)),
            *gone(stage, 38, 39, 77),
            *(stage.record(n) for n in range(40, 52)),
            stage.record(60, **{field: value}),
        ]
        result, lines = plan(stage, rows, stream=MIRROR)
        assert result.exit_code == 0, result.log
        planned = Counter(FATES[line["action"]] for line in lines)
        assert planned == {"created": 12, "updated": 5, "removed": 2, "rejected": 1}
        changes = {
            name: change for line in lines if line["action"] == "update" for name, change in line["fields"].items()
        }
        assert changes == {stage.vendor.text_field: ["first", "second"]}
        assert [line["code"] for line in lines if line["action"] == "reject"] == [code]
        done = stage.run_command(stage.messages(rows), stream=MIRROR)
        assert {name: done.totals[name] for name in planned} == planned
        assert done.totals["unchanged"] == 26

    def test_a_plan_of_an_empty_ledger_knows_what_is_there(self, stage: Stage) -> None:
        """What others made is updated, and old values are theirs; no ledger is made."""
        stage.deliver([stage.record(1, "theirs")])
        (stage.root / "ledger.db").unlink()
        for rest in stage.root.glob("ledger.db-*"):
            rest.unlink()
        _, lines = plan(stage, [stage.record(1, "ours"), stage.record(2)])
        assert {line["action"]: line["fields"][stage.vendor.text_field] for line in lines} == {
            "update": ["theirs", "ours"],
            "create": [None, "first"],
        }
        assert not (stage.root / "ledger.db").exists()

    def test_old_values_are_read_in_batches(self, stage: Stage) -> None:
        """A thousand changed records take as many requests as there are batches, beyond those of one record."""
        stage.deliver(stage.record(n) for n in range(1000))
        start = all_requests(stage)
        plan(stage, [stage.record(0, "second")])
        few = all_requests(stage)
        _, lines = plan(stage, [stage.record(n, "second") for n in range(1000)])
        many = all_requests(stage)
        assert {line["action"] for line in lines} == {"update"}
        assert {tuple(line["fields"][stage.vendor.text_field]) for line in lines} == {("first", "second")}
        per_request = self.READS_PER_REQUEST or stage.vendor.records_per_request
        assert (many - few) - (few - start) <= -(-1000 // per_request)

    def test_a_tripped_brake_is_told_with_its_way_on(self, stage: Stage) -> None:
        """G6: exit code 65 and the plan's id, with which a run carries exactly that out."""
        stage.run(stage.messages(stage.record(n) for n in range(20)), stream=MIRROR)
        result, lines = plan(stage, gone(stage, *range(12)), stream=MIRROR)
        assert (result.exit_code, Counter(line["action"] for line in lines)) == (65, {"remove": 12})
        (plan_id,) = set(re.findall(r"\b[0-9a-f]{10}\b", result.log))
        done = stage.run(stage.messages(gone(stage, *range(12))), stream=MIRROR, approve=plan_id)
        assert (done.exit_code, done.totals["removed"], len(stage.texts())) == (0, 12, 8)

    def test_values_are_masked_on_demand(self, stage: Stage) -> None:
        """G7: fields that `redact` names are masked in both files, keys of them too."""
        stage.deliver([stage.record(1, "an-old-secret")])
        hidden = [stage.vendor.text_field, stage.vendor.match_field, *stage.vendor.required]
        rows = [stage.record(1, "s3cret-city"), stage.record(2, "s3cret-town")]
        result, lines = plan(stage, rows, redact=hidden)
        assert len(lines) == 2
        shown = [path.read_text(encoding="utf-8") for path in (stage.root / "reports").glob("*-plan-*/*")]
        for text in [*shown, result.log]:
            assert "s3cret" not in text
            assert "old-secret" not in text
            assert "pl4nted" not in text
            assert '"K1' not in text
            assert "K2" not in text


class BaseDrift:
    """`compare_with: destination`: what is right already is not written again, however the destination keeps it."""

    COMPARED: ClassVar[Mapping[str, Any]] = {"compare_with": "destination"}

    def prepare(self, stage: Stage) -> Mapping[str, Any]:
        """Make fields of every type; a value for each of them."""
        raise NotImplementedError

    def meddle(self, stage: Stage, key: str) -> list[str]:
        """Change one of these fields of a record as a person at the destination would; names what a plan shows."""
        raise NotImplementedError

    def test_values_of_every_type_are_found_as_they_were_written(self, stage: Stage) -> None:
        """With the ledger and without it no write is made; after a change by another hand exactly one."""
        values = self.prepare(stage)
        full, empty = stage.record(1, **values), stage.record(2, **dict.fromkeys(values))
        first = stage.deliver([full, empty])
        assert (first.exit_code, first.codes, first.totals["created"]) == (0, {}, 2), first.error
        before = (stage.vendor.write_requests(), stage.vendor.side_effects())
        for number in (1, 2):
            _, lines = plan(stage, [full, empty], ledger_url=f"sqlite:///{stage.root}/no{number}.db", **self.COMPARED)
            assert [(line["source_key"], line["action"], line["fields"]) for line in lines] == [], lines
            fresh = {"ledger_url": f"sqlite:///{stage.root}/new.db"} if number == 2 else {}
            again = stage.deliver([full, empty], **fresh, **self.COMPARED)
            assert (again.exit_code, again.totals["unchanged"]) == (0, 2)
        assert (stage.vendor.write_requests(), stage.vendor.side_effects()) == before

        changed = self.meddle(stage, "K1")
        start = stage.vendor.write_requests()
        _, (line,) = plan(stage, [full, empty], **self.COMPARED)
        assert (line["action"], sorted(line["fields"])) == ("update", changed)
        mended = stage.deliver([full, empty], **self.COMPARED)
        assert (mended.totals["updated"], mended.totals["unchanged"]) == (1, 1), mended.codes
        assert stage.vendor.write_requests() == start + 1
        assert stage.deliver([full, empty], **self.COMPARED).totals["unchanged"] == 2
