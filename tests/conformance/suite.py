"""The classes that a target subclasses. Each test is a promise to users, named after its guarantee."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from .stage import state

if TYPE_CHECKING:
    from .stage import Stage

LOST_REPLY_FAULTS = ("cut_after", "502_after_commit", "429", "cut_before")


def faults(stage: Stage, probability: float) -> list[dict[str, object]]:
    """Every kind of trouble on every write, each with this probability."""
    path = stage.vendor.write_path
    return [
        {"kind": kind, "path": path, "probability": probability, "seed": seed}
        for seed, kind in enumerate(LOST_REPLY_FAULTS)
    ]


class BaseUpsert:
    """Records arrive, once each."""

    def test_every_record_arrives_once(self, stage: Stage) -> None:
        """250 new records become 250 records at the destination, in the fewest requests."""
        result = stage.deliver(stage.record(n) for n in range(250))
        assert result.totals["created"] == 250
        assert stage.texts() == {f"K{n}": "first" for n in range(250)}
        assert stage.vendor.write_requests() == stage.vendor.write_requests_for(250)

    def test_changed_records_are_updated(self, stage: Stage) -> None:
        """Only what changed is written again, to the same records."""
        stage.deliver(stage.record(n) for n in range(20))
        result = stage.deliver(stage.record(n, "second" if n < 5 else "first") for n in range(20))
        assert (result.totals["updated"], result.totals["unchanged"]) == (5, 15)
        assert sorted(stage.texts().values()) == ["first"] * 15 + ["second"] * 5

    def test_an_existing_record_is_adopted(self, stage: Stage) -> None:
        """What is at the destination already is updated, not created again, when the ledger is new."""
        stage.deliver([stage.record(1)])
        result = stage.deliver([stage.record(1, "second")], ledger_url=f"sqlite:///{stage.root}/new.db")
        assert result.totals["updated"] == 1
        assert stage.texts() == {"K1": "second"}

    def test_the_last_record_of_a_key_wins(self, stage: Stage) -> None:
        """Of several records with one key the last is delivered, and the others are counted as superseded."""
        result = stage.deliver([stage.record(1, "a"), stage.record(2), stage.record(1, "b"), stage.record(1, "c")])
        assert (result.totals["created"], result.totals["superseded"]) == (2, 2)
        assert stage.texts() == {"K1": "c", "K2": "first"}

    def test_absent_null_and_empty_are_told_apart(self, stage: Stage) -> None:
        """G8: absent leaves the field alone, null clears it."""
        text, match = stage.vendor.text_field, stage.vendor.match_field
        stage.deliver([stage.record(n) for n in range(3)])
        absent = {match: "K0", **{name: value for name, value in stage.record(0).items() if name != text}}
        stage.run(stage.messages([absent, stage.record(1, None), stage.record(2, "")]))
        values = {key: found[0].get(text) for key, found in stage.vendor.records().items()}
        assert values["K0"] == "first"
        assert values["K1"] in (None, "")
        assert values["K2"] in (None, "")

    def test_update_never_creates(self, stage: Stage) -> None:
        """`load_method: update` rejects what is not there as `not_found`."""
        stage.deliver([stage.record(1)])
        result = stage.deliver([stage.record(1, "second"), stage.record(2)], stream={"load_method": "update"})
        assert (result.totals["updated"], result.codes) == (1, {"not_found": 1})
        assert stage.texts() == {"K1": "second"}

    def test_create_never_updates(self, stage: Stage) -> None:
        """`load_method: create` leaves what is there alone and rejects it as `already_exists`."""
        stage.deliver([stage.record(1)])
        config = {"stream": {"load_method": "create"}, "ledger_url": f"sqlite:///{stage.root}/new.db"}
        result = stage.deliver([stage.record(1, "second"), stage.record(2)], **config)
        assert (result.totals["created"], result.codes) == (1, {"already_exists": 1})
        assert stage.texts() == {"K1": "first", "K2": "first"}

    def test_a_changed_match_value_updates_in_place(self, stage: Stage) -> None:
        """A record that is known by its source key keeps its identity when its match value changes."""
        keyed = {"key_properties": ["id"], "columns": ["id"]}
        config = {"unknown_fields": "drop"}
        stage.run(stage.messages([stage.record(1, id=7)], **keyed), **config)
        result = stage.run(
            stage.messages([{**stage.record(1, "second"), stage.vendor.match_field: "NEW", "id": 7}], **keyed), **config
        )
        assert result.totals["updated"] == 1
        assert stage.texts() == {"NEW": "second"}

    def test_a_record_deleted_at_the_destination_is_created_again(self, stage: Stage) -> None:
        """L6: the ledger never overrules the destination."""
        stage.deliver([stage.record(1), stage.record(2)])
        self.delete(stage, "K1")
        result = stage.deliver([stage.record(1, "second"), stage.record(2, "second")])
        assert result.totals["rejected"] == 0
        assert stage.texts() == {"K1": "second", "K2": "second"}

    def delete(self, stage: Stage, match_value: str) -> None:
        """Delete a record as a person at the destination would."""
        raise NotImplementedError


class BaseRejects:
    """One bad record is one reject."""

    def test_one_bad_record_among_a_hundred_is_rejected_alone(self, stage: Stage) -> None:
        """99 arrive, one is rejected with its code, and the run ends well."""
        field, value, code = stage.vendor.invalid
        rows = [stage.record(n, **({field: value} if n == 50 else {})) for n in range(100)]
        result = stage.deliver(rows)
        assert (result.exit_code, result.totals["created"], result.codes) == (0, 99, {code: 1})
        assert len(result.states) == 1

    def test_a_mended_record_is_delivered(self, stage: Stage) -> None:
        """A newer version of a rejected record takes its place."""
        field, value, _ = stage.vendor.invalid
        stage.deliver([stage.record(1, **{field: value})])
        result = stage.deliver([stage.record(1)])
        assert result.totals["created"] == 1
        assert stage.texts() == {"K1": "first"}

    def test_a_known_reject_costs_no_call(self, stage: Stage) -> None:
        """G4: the same bad record again is rejected again, without a write."""
        field, value, _ = stage.vendor.invalid
        rows = [stage.record(1, **{field: value}), stage.record(2)]
        stage.deliver(rows)
        before = stage.vendor.write_requests()
        result = stage.deliver(rows)
        assert (result.totals["rejected"], result.totals["unchanged"]) == (1, 1)
        assert stage.vendor.write_requests() == before

    def test_two_records_with_one_match_value_are_a_duplicate_key(self, stage: Stage) -> None:
        """The second source record that claims a match value is rejected; the first keeps it."""
        keyed = {"key_properties": ["id"], "columns": ["id"]}
        rows = [stage.record(1, "one", id=1), stage.record(1, "two", id=2)]
        result = stage.run(stage.messages(rows, **keyed), unknown_fields="drop")
        assert result.codes == {"duplicate_key": 1}
        assert stage.texts() == {"K1": "one"}

    def test_a_blank_key_is_missing_and_never_sent(self, stage: Stage) -> None:
        """Null and blank match values are rejected as `missing_key`."""
        match = stage.vendor.match_field
        rows = [{**stage.record(1), match: None}, {**stage.record(2), match: "  "}, stage.record(3)]
        result = stage.deliver(rows)
        assert result.codes == {"missing_key": 2}
        assert set(stage.texts()) == {"K3"}

    @pytest.mark.parametrize("load_method", ["upsert", "create"])
    def test_a_key_with_a_control_character_is_one_reject(self, stage: Stage, load_method: str) -> None:
        """It spoils no query: the others arrive, and a rerun ends as well."""
        match = stage.vendor.match_field
        rows = [{**stage.record(1), match: "K\x001"}, {**stage.record(2), match: "K\x1a2"}, stage.record(3)]
        for _ in range(2):
            result = stage.deliver(rows, stream={"load_method": load_method})
            assert (result.exit_code, result.totals["rejected"]) == (0, 2)
        assert set(stage.texts()) == {"K3"}

    def test_mass_rejection_stops_the_run(self, stage: Stage) -> None:
        """G6: past `max_rejected_percent` the run stops with 65, and no STATE leaves."""
        field, value, code = stage.vendor.invalid
        rows = [stage.record(n, **({field: value} if n % 2 else {})) for n in range(200)]
        result = stage.deliver(rows)
        assert (result.exit_code, result.states) == (65, [])
        assert stage.vendor.write_requests() == 0
        assert result.codes == {code: 100, "brake": 100}
        again = stage.deliver(rows)
        assert (again.exit_code, again.states, stage.vendor.write_requests()) == (65, [], 0)

    def test_no_message_holds_a_value(self, stage: Stage) -> None:
        """G7: neither log nor report of a run with rejects holds a field value or the credential."""
        field, _, _ = stage.vendor.invalid
        secret = "s3cret-value-of-a-customer"
        result = stage.run_command(stage.messages([stage.record(1, secret, **{field: f"{secret}@nowhere@x"})]))
        assert secret not in result.log + json.dumps(result.report)
        assert not [value for value in stage.vendor.settings.values() if "token" in str(value) and value in result.log]


class BaseRerun:
    """A rerun is free."""

    def test_a_second_run_makes_no_write(self, stage: Stage) -> None:
        """G4: the same input again makes no write call and sets nothing off at the destination."""
        rows = [stage.record(n) for n in range(120)]
        stage.deliver(rows)
        before = (stage.vendor.write_requests(), stage.vendor.side_effects())
        result = stage.deliver(rows)
        assert result.totals["unchanged"] == 120
        assert (stage.vendor.write_requests(), stage.vendor.side_effects()) == before

    def test_a_few_changes_in_a_long_stream_fill_whole_requests(self, stage: Stage) -> None:
        """Changes wait for each other across chunks: 30 in 3,000 records are as few requests as 30 alone."""
        stage.deliver(stage.record(n) for n in range(3000))
        before = stage.vendor.write_requests()
        stage.deliver(stage.record(n, "second" if n % 100 == 0 else "first") for n in range(3000))
        assert stage.vendor.write_requests() - before == stage.vendor.write_requests_for(30)

    def test_state_leaves_at_checkpoints(self, stage: Stage) -> None:
        """STATE is released during the load, each only after the records before it."""
        messages = [stage.schema()]
        for part in range(5):
            rows = range(part * 100, part * 100 + 100)
            messages += [{"type": "RECORD", "stream": stage.stream, "record": stage.record(n)} for n in rows]
            messages.append(state(part))
        result = stage.run(messages, checkpoint_records=200)
        positions = [one["bookmarks"]["people"]["at"] for one in result.states]
        assert positions[-1] == 4
        assert len(positions) >= 3


class BaseFaults:
    """Trouble on the way changes nothing of the result."""

    def test_lost_replies_and_refusals_double_nothing(self, stage: Stage) -> None:
        """G2, G3: with 5 % each of lost replies, 502 after commit, 429 and cut connections all arrive once."""
        stage.vendor.faults(faults(stage, 0.05))
        result = stage.deliver(stage.record(n) for n in range(2000))
        assert result.exit_code == 0
        assert len(stage.texts()) == 2000
        assert sum(result.totals.values()) == 2 * result.totals["read"] == 4000

    def test_creates_survive_lost_replies(self, stage: Stage) -> None:
        """G2 where the API does not upsert: a create whose reply is lost is looked for before it is sent again."""
        stage.vendor.faults(faults(stage, 0.1))
        result = stage.deliver((stage.record(n) for n in range(1000)), stream={"load_method": "create"})
        assert (result.exit_code, result.totals["created"]) == (0, 1000)
        assert len(stage.texts()) == 1000

    def test_an_unreachable_host_loses_nothing(self, stage: Stage) -> None:
        """When the destination stops answering the run fails, no STATE leaves, and the next run delivers."""
        stage.deliver([stage.record(1)])
        rule = {"kind": "cut_before", "path": stage.vendor.write_path}
        stage.vendor.faults([rule])
        failed = stage.deliver([stage.record(1, "second")])
        assert (failed.exit_code, failed.states, failed.codes) == (1, [], {"stopped": 1})
        stage.vendor.faults([])
        assert stage.deliver([stage.record(1, "second")]).exit_code == 0
        assert stage.texts() == {"K1": "second"}


class BaseLedger:
    """The ledger keeps what it says."""

    def test_every_record_has_its_row(self, stage: Stage) -> None:
        """One row per record: delivered with its id, rejected with its reason and content."""
        field, value, code = stage.vendor.invalid
        stage.deliver([stage.record(1), stage.record(2, **{field: value})])
        with sa.create_engine(f"sqlite:///{stage.root}/ledger.db").connect() as connection:
            rows = connection.execute(
                sa.text("SELECT status, destination_id, error_code, record FROM deliveries ORDER BY source_key")
            ).all()
        assert [(row.status, row.error_code) for row in rows] == [("delivered", None), ("rejected", code)]
        assert rows[0].destination_id
        assert rows[0].record is None
        assert json.loads(rows[1].record)[field] == value

    def test_rejects_mode_keeps_only_rejects(self, stage: Stage) -> None:
        """`ledger: rejects` holds no row of a delivered record."""
        field, value, _ = stage.vendor.invalid
        stage.deliver([stage.record(1), stage.record(2, **{field: value})], ledger="rejects")
        with sa.create_engine(f"sqlite:///{stage.root}/ledger.db").connect() as connection:
            statuses = connection.scalars(sa.text("SELECT status FROM deliveries")).all()
        assert statuses == ["rejected"]
        assert set(stage.texts()) == {"K1"}

    def test_a_ledger_of_an_earlier_release_is_carried_on(self, stage: Stage) -> None:
        """Columns that came later are added when an older ledger is opened; what it remembers stays."""
        stage.deliver([stage.record(1)])
        with sa.create_engine(f"sqlite:///{stage.root}/ledger.db").begin() as connection:
            for name in connection.scalars(
                sa.text("SELECT name FROM sqlite_master WHERE sql LIKE '%former_key%'")
            ).all():
                if name != "deliveries":
                    connection.execute(sa.text(f'DROP INDEX "{name}"'))
            for column in ("former_key", "in_doubt_until"):
                connection.execute(sa.text(f"ALTER TABLE deliveries DROP COLUMN {column}"))
            connection.execute(sa.text("UPDATE ledger_info SET value = '1' WHERE name = 'schema_version'"))
        before = stage.vendor.write_requests()
        assert stage.deliver([stage.record(1)]).totals["unchanged"] == 1
        assert stage.vendor.write_requests() == before


class BaseSingerInput:
    """Whatever arrives on stdin."""

    def test_a_broken_line_keeps_what_came_before(self, stage: Stage) -> None:
        """Records before a malformed line are delivered and their STATE leaves; the run fails and names the line."""
        messages = stage.messages([stage.record(1), stage.record(2)])
        result = stage.run([*messages, '{"type": "RECORD", "stre'])
        assert (result.exit_code, len(result.states)) == (1, 1)
        assert "Line 5" in result.error
        assert set(stage.texts()) == {"K1", "K2"}

    def test_an_empty_stream_is_fine(self, stage: Stage) -> None:
        """A SCHEMA without records ends well and writes nothing."""
        result = stage.run([stage.schema(), state(0)])
        assert (result.exit_code, result.totals["read"], len(result.states)) == (0, 0, 1)

    def test_batch_messages_are_refused(self, stage: Stage) -> None:
        """BATCH would bypass validation: the run fails and names the tap's setting."""
        result = stage.run([stage.schema(), {"type": "BATCH", "stream": stage.stream, "encoding": {}, "manifest": []}])
        assert result.exit_code == 1
        assert "batch_config" in result.error

    def test_activate_version_removes_nothing(self, stage: Stage) -> None:
        """ACTIVATE_VERSION is ignored."""
        stage.deliver([stage.record(1)])
        version = {"type": "ACTIVATE_VERSION", "stream": stage.stream, "version": 2}
        assert stage.run([stage.schema(), version]).exit_code == 0
        assert set(stage.texts()) == {"K1"}

    def test_a_removed_record_is_left_alone(self, stage: Stage) -> None:
        """A record with `_sdc_deleted_at` is neither written nor removed in upsert mode."""
        stage.deliver([stage.record(1)])
        gone = {stage.vendor.match_field: "K1", "_sdc_deleted_at": "2026-11-21T00:00:00Z"}
        result = stage.run(stage.messages([gone]))
        assert (result.totals["unchanged"], stage.texts()) == (1, {"K1": "first"})

    def test_a_missing_key_property_is_the_taps_fault(self, stage: Stage) -> None:
        """A record without its key property is rejected; all others arrive, and the run fails and names it."""
        rows = [{stage.vendor.text_field: "x"}, stage.record(1)]
        result = stage.run(stage.messages(rows))
        assert result.exit_code == 1
        assert stage.vendor.match_field in result.error
        assert result.codes == {"missing_key": 1}
        assert set(stage.texts()) == {"K1"}
        assert len(result.states) == 1

    def test_values_that_are_not_json_are_one_reject(self, stage: Stage) -> None:
        """NaN and broken text in a record, as Python writes them, reject that record and no other."""
        record = json.dumps(stage.record(1))
        broken = [
            record.replace('"first"', "NaN"),
            record.replace('"first"', '"\\ud800"').replace("K1", "K2"),
        ]
        lines = [f'{{"type": "RECORD", "stream": "{stage.stream}", "record": {one}}}' for one in broken]
        *start, end = stage.messages([stage.record(3)])
        result = stage.run([*start, *lines, end])
        assert (result.exit_code, result.codes) == (0, {"invalid_value": 2})
        assert set(stage.texts()) == {"K3"}
        assert stage.run([*start, *lines, end]).totals["rejected"] == 2
        assert set(stage.texts()) == {"K3"}

    def test_numbers_of_absurd_size_are_one_reject(self, stage: Stage) -> None:
        """A billion digits and integers that Python does not read are rejected, and nobody else."""
        record = json.dumps(stage.record(1))
        absurd = [record.replace('"first"', "1e999999999"), record.replace('"first"', "9" * 5000).replace("K1", "K2")]
        lines = [f'{{"type": "RECORD", "stream": "{stage.stream}", "record": {one}}}' for one in absurd]
        *start, end = stage.messages([stage.record(3)])
        result = stage.run([*start, *lines, end])
        assert (result.exit_code, result.codes) == (0, {"invalid_value": 2})
        assert set(stage.texts()) == {"K3"}

    def test_stream_maps_lead_to_the_same_result(self, stage: Stage) -> None:
        """A stream map takes the SDK's way, and the records arrive all the same."""
        maps = {stage.stream: {stage.vendor.text_field: f"{stage.vendor.text_field}.upper()"}}
        result = stage.deliver([stage.record(1)], stream_maps=maps)
        assert (result.exit_code, stage.texts()) == (0, {"K1": "FIRST"})

    @pytest.mark.parametrize("maps", [{"shop-orders": None}, {"people": {}, "__else__": None}])
    def test_a_stream_that_a_map_drops_needs_no_object(self, stage: Stage, maps: dict[str, Any]) -> None:
        """`null` for a stream, or for all others: it is not looked for at the destination."""
        more = [{**stage.schema(), "stream": "shop-orders"}]
        more.append({"type": "RECORD", "stream": "shop-orders", "record": stage.record(2)})
        # a copy: the SDK takes `__else__` out of what it is given
        result = stage.run([*more, *stage.messages([stage.record(1)])], stream_maps=dict(maps))
        assert (result.exit_code, stage.texts()) == (0, {"K1": "first"}), result.error


class BaseRefusals:
    """Wrong settings are refused before anything is written, with the remedy."""

    def refused(self, stage: Stage, *words: str, **config: object) -> None:
        """Run with these settings and expect exit code 78, the words, and no write."""
        result = stage.run(stage.messages([stage.record(1)]), **config)
        assert result.exit_code == 78, result.error
        for word in words:
            assert word in result.error
        assert stage.vendor.write_requests() == 0
        assert result.states == []

    def test_unknown_object(self, stage: Stage) -> None:
        """An object that the account does not have is named."""
        self.refused(stage, "no_such_object", stream={"object": "no_such_object"})

    def test_a_stream_that_nobody_configured(self, stage: Stage) -> None:
        """A tap has one stream more than `streams`: the message names it, and the two ways out."""
        more = {**stage.schema(), "stream": "shop-orders"}
        result = stage.run([*stage.messages([stage.record(1)]), more])
        assert result.exit_code == 78
        assert "Stream 'shop-orders' is not in 'streams'" in result.error
        assert "deselect it in the tap" in result.error

    def test_a_map_without_the_key(self, stage: Stage) -> None:
        """A stream map that drops the key column is a setting to correct, and the column is named."""
        maps = {stage.stream: {stage.vendor.text_field: stage.vendor.text_field, "__else__": None}}
        self.refused(stage, "'stream_maps'", f"'{stage.vendor.match_field}' was not detected", stream_maps=maps)

    def test_unknown_field(self, stage: Stage) -> None:
        """A column without a field is named, with the setting that drops it."""
        result = stage.run(stage.messages([stage.record(1, no_such_field=1)]))
        assert result.exit_code == 78
        assert "no_such_field" in result.error
        assert "unknown_fields" in result.error

    def test_match_on_a_field_that_is_not_unique(self, stage: Stage) -> None:
        """A match field whose values may repeat is refused, and the unique ones are named."""
        self.refused(
            stage, stage.vendor.text_field, stage.vendor.match_field, stream={"match_on": stage.vendor.text_field}
        )

    def test_all_bad_settings_at_once(self, stage: Stage) -> None:
        """Every bad setting is named in one error."""
        self.refused(
            stage,
            "max_rejected_percent",
            "ledger",
            "load_method",
            max_rejected_percent=200,
            ledger="some",
            load_method="guess",
        )

    def test_a_misspelt_setting(self, stage: Stage) -> None:
        """A setting that nobody knows is refused with the closest one: a brake must not be missing unnoticed."""
        self.refused(stage, "max_rejectd", "Did you mean 'max_rejected'", max_rejectd=1)

    def test_a_ledger_that_cannot_be_opened(self, stage: Stage) -> None:
        """The ledger's place is named, and nothing is written without it."""
        self.refused(stage, "/proc/no/ledger.db", ledger_url="sqlite:////proc/no/ledger.db")

    def test_a_later_stream(self, stage: Stage) -> None:
        """What is wrong with any configured stream is said before the first one is written, all of it at once."""
        match = stage.vendor.match_field
        good = {"object": stage.vendor.object_name, "match_on": match}
        bad = {"object": stage.vendor.object_name, "fields": {"no_such_field": "x", match: "id"}}
        streams = {stage.stream: good, "other": bad, "third": {"object": "no_such_object"}}
        self.refused(stage, "no_such_field", "no_such_object", streams=streams)
