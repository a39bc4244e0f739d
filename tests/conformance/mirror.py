"""A mirror: what is gone from the source is taken away, and nothing else (guarantees G5 and G6)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .stage import Result, Stage

REVERSE_ETL = Path(sys.executable).with_name("reverse-etl")
MIRROR = {"load_method": "mirror"}


def gone(stage: Stage, *numbers: int) -> list[dict[str, Any]]:
    """Records that are gone from the source, as a tap says so."""
    return [{stage.vendor.match_field: f"K{n}", "_sdc_deleted_at": "2026-11-21T00:00:00Z"} for n in numbers]


def mirror(stage: Stage, rows: Iterable[dict[str, Any]], *, as_command: bool = False, **config: Any) -> Result:
    """Run the target as a mirror."""
    stream = {**MIRROR, **config.pop("stream", {})}
    run = stage.run_command if as_command else stage.run
    return run(stage.messages(rows), stream=stream, **config)


def some(stage: Stage, *numbers: int, text: str = "first") -> list[dict[str, Any]]:
    """Valid records."""
    return [stage.record(n, text) for n in numbers]


def counts(result: Result) -> dict[str, int]:
    """What a run did, without what it did not do."""
    return {name: count for name, count in result.totals.items() if count}


class BaseMirror:
    """What is gone from the source is taken away, and nothing else."""

    def test_what_is_gone_is_removed_and_counted(self, stage: Stage) -> None:
        """The command removes it at the end of the input; the same input again makes no write."""
        assert mirror(stage, some(stage, 1, 2, 3, 4), as_command=True).exit_code == 0
        rows = [*gone(stage, 1), *some(stage, 2, text="second"), *gone(stage, 3)]
        result = mirror(stage, rows, as_command=True)
        assert (result.exit_code, counts(result)) == (0, {"read": 3, "updated": 1, "removed": 2}), result.log
        assert len(result.states) == 1
        assert stage.texts() == {"K2": "second", "K4": "first"}
        before = (stage.vendor.write_requests(), stage.vendor.side_effects())
        again = mirror(stage, rows)
        assert (again.exit_code, counts(again)) == (0, {"read": 3, "unchanged": 3})
        assert (stage.vendor.write_requests(), stage.vendor.side_effects()) == before

    def test_a_stream_map_lets_removals_through(self, stage: Stage) -> None:
        """A removal has only its key: expressions over other columns, a filter and `__else__` do not keep it back."""
        match, text = stage.vendor.match_field, stage.vendor.text_field
        same = {name: name for name in (match, *stage.vendor.required)}
        maps = {"people": {**same, text: f"{text}.upper()", "__filter__": f"{text} != 'other'", "__else__": None}}
        mirror(stage, some(stage, 1, 2, 3, 4, 5), stream_maps=maps)
        result = mirror(stage, gone(stage, 1), stream_maps=maps)
        assert (result.exit_code, counts(result)) == (0, {"read": 1, "removed": 1}), result.error
        assert stage.texts() == dict.fromkeys(("K2", "K3", "K4", "K5"), "FIRST")

    def test_a_key_that_a_removal_cannot_tell_stops_the_run(self, stage: Stage) -> None:
        """A key that a map computes from another column: the removal is not taken for an update."""
        match, text = stage.vendor.match_field, stage.vendor.text_field
        maps = {"people": {match: match, "key": f"md5({text})", "__key_properties__": ["key"]}}
        rows = [stage.record(1, "one"), stage.record(2, "two")]
        mirror(stage, rows, stream_maps=maps, unknown_fields="drop")
        result = mirror(stage, gone(stage, 1), stream_maps=maps, unknown_fields="drop")
        assert (result.exit_code, stage.texts()) == (1, {"K1": "one", "K2": "two"})
        assert "Stream 'people': a removal lacks a column that 'stream_maps' computes its key" in result.error

    def test_absence_is_no_removal(self, stage: Stage) -> None:
        """G6: a record that does not arrive, and an input that holds nothing, remove nothing."""
        mirror(stage, some(stage, 1, 2))
        assert counts(mirror(stage, some(stage, 1))) == {"read": 1, "unchanged": 1}
        assert counts(mirror(stage, [])) == {}
        assert set(stage.texts()) == {"K1", "K2"}

    def test_records_of_others_stay(self, stage: Stage) -> None:
        """G5: what this sync found, and what it never saw, is left alone; `remove_adopted` includes what it found."""
        stage.deliver(some(stage, 1, 2, text="theirs"), ledger_url=f"sqlite:///{stage.root}/others.db")
        mirror(stage, [*some(stage, 1, text="second"), *some(stage, 3)])
        before = stage.vendor.write_requests()
        result = mirror(stage, gone(stage, 1, 2, 9))
        assert (result.exit_code, counts(result)) == (0, {"read": 3, "unchanged": 3})
        assert stage.vendor.write_requests() == before
        assert stage.texts() == {"K1": "second", "K2": "theirs", "K3": "first"}
        assert counts(mirror(stage, gone(stage, 1, 2), remove_adopted=True)) == {
            "read": 2,
            "unchanged": 1,
            "removed": 1,
        }
        assert stage.texts() == {"K2": "theirs", "K3": "first"}

    def test_what_returns_is_there_again(self, stage: Stage) -> None:
        """With its old content too, and it can be removed again."""
        mirror(stage, some(stage, 1, 2))
        mirror(stage, gone(stage, 1))
        result = mirror(stage, some(stage, 1))
        assert (result.exit_code, result.totals["rejected"]) == (0, 0)
        assert stage.texts() == {"K1": "first", "K2": "first"}
        mirror(stage, gone(stage, 1))
        assert stage.texts() == {"K2": "first"}

    def test_gone_and_back_in_one_input_makes_no_write(self, stage: Stage) -> None:
        """The later word counts."""
        mirror(stage, some(stage, 1, 2))
        before = stage.vendor.write_requests()
        assert counts(mirror(stage, [*gone(stage, 1), *some(stage, 1)])) == {"read": 2, "unchanged": 1, "superseded": 1}
        assert stage.vendor.write_requests() == before

    def test_clear_empties_what_is_ours(self, stage: Stage) -> None:
        """`on_removed: clear`: the record stays, its mapped fields are emptied, and filled again when it returns."""
        stream = {"on_removed": "clear"}
        mirror(stage, some(stage, 1, 2), stream=stream)
        result = mirror(stage, gone(stage, 1), stream=stream)
        assert (result.exit_code, counts(result)) == (0, {"read": 1, "removed": 1})
        texts = {key: one[0].get(stage.vendor.text_field) or None for key, one in stage.vendor.records().items()}
        assert texts == {"K1": None, "K2": "first"}
        assert counts(mirror(stage, some(stage, 1), stream=stream)) == {"read": 1, "updated": 1}
        assert stage.texts() == {"K1": "first", "K2": "first"}

    def test_what_nobody_can_undo_needs_a_setting(self, stage: Stage) -> None:
        """`on_removed: delete` is refused before anything is written, but for `hard_delete: true`."""
        stream = {"on_removed": "delete"}
        mirror(stage, some(stage, 1, 2))
        before = stage.vendor.write_requests()
        refused = mirror(stage, gone(stage, 1), stream=stream, as_command=True)
        assert (refused.exit_code, refused.states) == (78, [])
        assert "'hard_delete: true'" in refused.error
        assert stage.vendor.write_requests() == before
        self.permit_deletion(stage)
        result = mirror(stage, gone(stage, 1), stream=stream, hard_delete=True)
        assert (result.exit_code, counts(result)) == (0, {"read": 1, "removed": 1})
        assert stage.texts() == {"K2": "first"}

    def test_half_gone_is_held_until_it_is_approved(self, stage: Stage) -> None:
        """G6: exit code 65 and the plan's id; `reverse-etl approve` carries out exactly that, once."""
        mirror(stage, some(stage, *range(20)))
        held = mirror(stage, [*some(stage, 0, text="second"), *gone(stage, *range(1, 11))], as_command=True)
        assert (held.exit_code, held.codes) == (65, {"brake": 10})
        assert len(stage.texts()) == 20
        found = re.search(r"'reverse-etl approve ([0-9a-f]+)'", held.error)
        assert found is not None, held.error
        more = mirror(stage, gone(stage, 11))
        assert more.exit_code == 65
        assert found[1] not in more.error
        mirror(stage, some(stage, 11))
        command = [str(REVERSE_ETL), "approve", found[1], "--yes", "--ledger", str(stage.root / "ledger.db")]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        assert mirror(stage, gone(stage, 11, 12)).exit_code == 65  # two more are another plan
        carried_out = mirror(stage, some(stage, 11, 12), as_command=True)
        assert (carried_out.exit_code, set(stage.texts())) == (0, {f"K{n}" for n in (0, *range(11, 20))})
        assert mirror(stage, gone(stage, *range(11, 16))).exit_code == 65

    def test_everything_gone_is_held(self, stage: Stage) -> None:
        """G6: an empty model removes nothing; approved by the setting, it does."""
        mirror(stage, some(stage, *range(12)))
        held = mirror(stage, gone(stage, *range(12)))
        assert (held.exit_code, len(stage.texts())) == (65, 12)
        found = re.search(r"'approve: ([0-9a-f]+)'", held.error)
        assert found is not None, held.error
        assert mirror(stage, [], approve=found[1]).exit_code == 0
        assert stage.texts() == {}

    def test_a_match_value_that_changes_is_a_rename(self, stage: Stage) -> None:
        """`source_key` says who a record is: it is renamed in place, and its old name is no removal."""
        match = stage.vendor.match_field
        stream = {"source_key": ["id"]}
        mirror(stage, [stage.record(1, id=7), stage.record(2, id=8)], stream=stream, unknown_fields="drop")
        before = self.identity(stage, "K1")
        rows = [{**stage.record(1, "second"), match: "NEW", "id": 7}, *gone(stage, 1)]
        result = stage.run(stage.messages(rows), stream={**MIRROR, **stream}, unknown_fields="drop")
        assert (result.exit_code, counts(result)) == (0, {"read": 2, "updated": 1, "unchanged": 1})
        assert stage.texts() == {"NEW": "second", "K2": "first"}
        assert self.identity(stage, "NEW") == before
        messages = stage.messages(gone(stage, 2), columns=["id"])
        result = stage.run(messages, stream={**MIRROR, **stream}, unknown_fields="drop")
        assert (counts(result), set(stage.texts())) == ({"read": 1, "removed": 1}, {"NEW"})

    def identity(self, stage: Stage, key: str) -> object:
        """What stays the same of a record that is renamed."""
        (record,) = stage.vendor.records()[key]
        return record.get("id") or record.get("Id")

    def permit_deletion(self, stage: Stage) -> None:
        """Give the target's user what it needs to delete for good."""
