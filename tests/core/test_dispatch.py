"""One stream to several objects: a column of each record names its object."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import sqlalchemy as sa
from core.fakes import Crm, FakeDestination, people

from reverse_etl_core.errors import ConfigError, QuotaExhaustedError, ReverseETLError
from reverse_etl_core.target import ReverseETLTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination
    from reverse_etl_core.operations import Batch, Current, Outcome
    from reverse_etl_core.schema import ObjectSchema

SECRET = "s3cret-of-a-customer"
NAMES = {"news": "news", "Newsletter": "news", "press": "press", "7": "7"}
"""An object's name as people write it, to the object."""


class ListsDestination(FakeDestination):
    """An account with several objects of one kind."""

    def __init__(self, lists: Lists) -> None:
        super().__init__(Crm())
        self.lists = lists

    def describe(self, object_name: str) -> ObjectSchema:
        """One of the objects that there are."""
        self.lists.described.append(object_name)
        if object_name not in self.lists.names:
            raise ConfigError("No such list.")
        return replace(people(is_native=True, records_per_request=100), name=self.lists.names[object_name])

    def read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str] = ()
    ) -> Mapping[str, Sequence[Current]]:
        """Read from one object."""
        self.crm = self.lists.crms[schema.name]
        return super().read(schema, key_field, keys, fields)

    def write(self, batch: Batch) -> list[Outcome]:
        """Write to one object."""
        if batch.schema.name in self.lists.down:
            raise QuotaExhaustedError("Used up.")
        self.crm = self.lists.crms[batch.schema.name]
        return super().write(batch)


@dataclass
class Lists:
    """What the account holds, and which objects take nothing."""

    names: dict[str, str] = field(default_factory=lambda: dict(NAMES))
    crms: dict[str, Crm] = field(default_factory=lambda: {name: Crm() for name in [*NAMES.values(), "late"]})
    down: set[str] = field(default_factory=set)
    described: list[str] = field(default_factory=list)


class ListsTarget(ReverseETLTarget):
    """Delivers to the account."""

    name = "target-lists"
    config_jsonschema = ReverseETLTarget.settings()
    lists: ClassVar[Lists] = Lists()

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """The fake account."""
        del config, common
        return ListsDestination(self.lists)


@dataclass
class Stage:
    """Runs the target again and again on one ledger."""

    root: Path
    lists: Lists = field(default_factory=Lists)
    error: ReverseETLError | None = None
    states: int = 0

    def run(self, *records: Mapping[str, Any], keys: Sequence[str] = ("n",), **config: Any) -> None:
        """One run over the records, with a STATE at the end."""
        columns = {name for one in records for name in one if not name.startswith("_sdc_")} | {"n", "key", "list"}
        schema = {"properties": {name: {} for name in columns - {"n"} | set(keys)}}
        messages: list[Any] = [{"type": "SCHEMA", "stream": "people", "schema": schema, "key_properties": list(keys)}]
        messages += [{"type": "RECORD", "stream": "people", "record": one} for one in records]
        messages.append({"type": "STATE", "value": {"at": 1}})
        self.listen(messages, **config)

    def listen(self, messages: Iterable[Mapping[str, Any]], **config: Any) -> None:
        """One run over messages."""
        stream = {"object_from": "list", "match_on": "key", "unknown_fields": "drop"}
        given: dict[str, Any] = {
            "streams": {"people": stream},
            "ledger_url": f"sqlite:///{self.root}/l.db",
            "report_dir": str(self.root / "reports"),
            "reconcile_grace_seconds": 0,
            "max_rejected_percent": 100,
        }
        text = "".join(json.dumps(one) + "\n" for one in messages)
        target = type("OwnTarget", (ListsTarget,), {"lists": self.lists})
        output, self.error = io.StringIO(), None
        with contextlib.redirect_stdout(output):
            try:
                target(config=given | config).listen(io.StringIO(text))
            except ReverseETLError as error:
                self.error = error
        self.states = len(output.getvalue().splitlines())

    def contents(self) -> dict[str, list[str]]:
        """Names at the destination, by object."""
        held = {
            name: sorted(str(one.get("name")) for one in crm.records.values()) for name, crm in self.lists.crms.items()
        }
        return {name: names for name, names in held.items() if names}

    def counts(self) -> dict[str, int]:
        """What became of the records of the last run, without zeros."""
        stream = self.report()["streams"]["people"]
        return {name: count for name, count in stream["counts"].items() if count}

    def report(self) -> dict[str, Any]:
        """The newest report."""
        paths = sorted(self.root.glob("reports/*/report.json"), key=lambda one: one.stat().st_mtime_ns)
        found: dict[str, Any] = json.loads(paths[-1].read_text(encoding="utf-8"))
        return found

    def rows(self) -> list[tuple[str, str, str]]:
        """The ledger: object, source key, status."""
        engine = sa.create_engine(f"sqlite:///{self.root}/l.db")
        query = "SELECT object, source_key, status FROM deliveries JOIN scopes USING (scope_id) ORDER BY 1, 2"
        with engine.begin() as connection:
            rows = [tuple(row) for row in connection.exec_driver_sql(query)]
        engine.dispose()
        return rows  # type: ignore[return-value]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Empty objects."""
    return Stage(tmp_path)


def row(n: int, name: str, of: Any) -> dict[str, Any]:
    """A record."""
    return {"n": n, "key": f"k{n}", "name": name, "list": of}


def test_each_record_goes_to_the_object_that_it_names(stage: Stage) -> None:
    """By name or id, in any spelling that the destination knows; the counts add up per stream (G1)."""
    stage.run(row(1, "ada", "news"), row(2, "bob", "press"), row(3, "eve", " Newsletter "), row(4, "kim", 7))
    assert stage.error is None
    assert stage.contents() == {"news": ["ada", "eve"], "press": ["bob"], "7": ["kim"]}
    assert stage.counts() == {"read": 4, "created": 4}
    assert stage.report()["streams"]["people"]["object"] == "news, press, 7"
    assert stage.states == 1


def test_a_rerun_is_free(stage: Stage) -> None:
    """G4: each object has its own part of the ledger."""
    rows = [row(1, "ada", "news"), row(2, "bob", "press")]
    stage.run(*rows)
    writes = sum(len(crm.writes) for crm in stage.lists.crms.values())
    stage.run(*rows)
    assert stage.counts() == {"read": 2, "unchanged": 2}
    assert sum(len(crm.writes) for crm in stage.lists.crms.values()) == writes


@pytest.mark.parametrize("of", ["nowhere", "", "  ", None, True, 1.5, ["news"], {"a": SECRET}])
def test_a_record_that_names_no_object_is_rejected(stage: Stage, of: Any) -> None:
    """As `invalid_value`, with the column in the reason; nobody else is kept from arriving (G3)."""
    stage.run(row(1, SECRET, of), row(2, "bob", "press"))
    assert stage.error is None
    assert stage.counts() == {"read": 2, "created": 1, "rejected": 1}
    assert stage.report()["streams"]["people"]["codes"] == {"invalid_value": 1}
    assert stage.states == 1
    engine = sa.create_engine(f"sqlite:///{stage.root}/l.db")
    with engine.begin() as connection:
        (error,) = connection.exec_driver_sql("SELECT error FROM deliveries WHERE status = 'rejected'").scalars()
    engine.dispose()
    assert "'list'" in error
    assert SECRET not in error


def test_a_rejected_record_is_counted_again_but_not_written_again(stage: Stage) -> None:
    """The same record in the next run stays rejected, also without a key; it is asked for once per run."""
    for keys in (("n",), ()):
        for _ in range(2):
            stage.run(row(1, "ada", "nowhere"), row(2, "bob", "nowhere"), keys=keys)
            assert stage.counts() == {"read": 2, "rejected": 2}
    assert len([one for one in stage.rows() if one[0] == ""]) == 4
    assert stage.lists.described.count("nowhere") == 4


def test_an_object_that_appears_gets_its_records(stage: Stage) -> None:
    """A record that named no object is delivered by a later run, without being sent again by the tap."""
    stage.run(row(1, "ada", "late"), row(2, "bob", "nowhere"))
    stage.lists.names["late"] = "late"
    stage.run(row(3, "eve", "news"))
    assert stage.contents() == {"late": ["ada"], "news": ["eve"]}
    assert stage.counts() == {"read": 1, "created": 1}
    assert stage.report()["streams"]["people"]["retried"] == {"created": 1, "rejected": 1}
    assert [one for one in stage.rows() if one[2] == "rejected"] == [("", "[2]", "rejected")]


def test_a_corrected_record_is_not_tried_in_its_earlier_form(stage: Stage) -> None:
    """A newer version that names an object replaces the one that named none."""
    stage.run(row(1, "old", "late"))
    stage.run(row(1, "new", "news"))
    stage.lists.names["late"] = "late"
    stage.run()
    assert stage.contents() == {"news": ["new"]}
    assert [one[2] for one in stage.rows()] == ["delivered"]


def test_a_record_that_moves_is_not_tried_where_it_was_refused(stage: Stage) -> None:
    """What one object refused is forgotten once the record names another one."""
    stage.run(row(1, "bad", "news"), row(2, "bad too", "news"))
    stage.run(row(1, "ada", "press"))
    assert stage.rows() == [("news", "[2]", "rejected"), ("press", "[1]", "delivered")]


def test_the_last_version_of_a_chunk_counts(stage: Stage) -> None:
    """Whichever object the others named, or none."""
    stage.run(row(1, "a", "news"), row(1, "b", "nowhere"), row(1, "c", "press"), row(2, "d", "news"), row(2, "e", ""))
    assert stage.contents() == {"press": ["c"]}
    assert stage.counts() == {"read": 5, "created": 1, "superseded": 3, "rejected": 1}


def test_what_an_error_leaves_behind_is_deferred(stage: Stage) -> None:
    """G1, G3: when one object stops the run, everything is accounted for, no STATE leaves, and the next run goes on."""
    stage.lists.down = {"press"}
    rows = [row(n, f"p{n}", ("news", "press", "7")[n % 3]) for n in range(900)]
    stage.run(*rows)
    assert stage.error is not None
    assert stage.error.exit_code == 75
    assert sum(stage.counts().values()) == 2 * 900
    assert stage.states == 0
    stage.lists.down = set()
    stage.run(*rows)
    assert stage.error is None
    assert {name: len(names) for name, names in stage.contents().items()} == {"news": 300, "press": 300, "7": 300}


def test_open_records_of_objects_that_nobody_names_are_delivered(stage: Stage) -> None:
    """What a run left under way is delivered by the next one, whatever its input."""
    stage.lists.down = {"press"}
    stage.run(row(1, "ada", "press"))
    stage.lists.down = set()
    stage.run(row(2, "bob", "news"))
    assert stage.contents() == {"news": ["bob"], "press": ["ada"]}


def test_an_object_that_is_gone_stops_nobody(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Its open records stay in the ledger, and the log names it."""
    stage.run(row(1, "bad", "press"))
    del stage.lists.names["press"]
    stage.run(row(2, "bob", "news"))
    assert stage.error is None
    assert stage.contents() == {"news": ["bob"]}
    assert "'press'" in caplog.text


def test_too_many_records_without_an_object_stop_the_run(stage: Stage) -> None:
    """G6: the brake looks at the whole stream."""
    stage.run(*(row(n, "x", "nowhere" if n % 4 else "news") for n in range(20)), max_rejected_percent=50)
    assert stage.error is not None
    assert stage.error.exit_code == 65


def test_removed_records_without_an_object_are_left_alone(stage: Stage) -> None:
    """A removal holds its key and often nothing else."""
    stage.run(row(1, "ada", "news"))
    stage.run({"n": 1, "_sdc_deleted_at": "2026-01-01T00:00:00Z"})
    assert stage.counts() == {"read": 1, "unchanged": 1}
    assert stage.contents() == {"news": ["ada"]}


def test_a_schema_that_changes_keeps_the_order(stage: Stage) -> None:
    """What came before it is settled first."""
    schema = {"type": "SCHEMA", "stream": "people", "key_properties": ["n"]}
    properties: dict[str, Any] = {"n": {}, "key": {}, "name": {}, "list": {}}
    record = {"type": "RECORD", "stream": "people"}
    stage.listen(
        [
            {**schema, "schema": {"properties": properties}},
            {**record, "record": row(1, "old", "news")},
            {**schema, "schema": {"properties": properties | {"score": {}}}},
            {**record, "record": row(1, "new", "news") | {"score": 1}},
        ]
    )
    assert stage.error is None
    assert stage.contents() == {"news": ["new"]}
    assert stage.counts() == {"read": 2, "created": 1, "updated": 1}


def test_what_is_not_json_names_no_object_or_its_own(stage: Stage) -> None:
    """NaN in the column names nothing; elsewhere it is a bad value of the object's field."""
    nan = float("nan")
    stage.run(row(1, "ada", nan), row(2, "bob", "news") | {"score": nan}, row(3, "eve", "news"))
    assert stage.counts() == {"read": 3, "created": 1, "rejected": 2}


def test_a_column_that_is_not_there_is_refused(stage: Stage) -> None:
    """Nothing is sent, and the setting is named."""
    stage.run(row(1, "ada", "news"), streams={"people": {"object_from": "listt", "match_on": "key"}})
    assert isinstance(stage.error, ConfigError)
    assert "'listt'" in str(stage.error)
    assert stage.contents() == {}


def test_an_object_and_a_column_are_one_too_many(stage: Stage) -> None:
    """One of the two is meant."""
    stage.run(streams={"people": {"object_from": "list", "object": "news"}})
    assert isinstance(stage.error, ConfigError)
    assert "'streams.people.object_from'" in str(stage.error)


def test_the_column_itself_is_not_a_field(stage: Stage) -> None:
    """Without `fields` it is left out, so that it is no unknown field."""
    columns: dict[str, Any] = {"key": {}, "name": {}, "list": {}}
    schema = {"type": "SCHEMA", "stream": "people", "key_properties": ["key"], "schema": {"properties": columns}}
    record = {"type": "RECORD", "stream": "people", "record": {"key": "a", "name": "ada", "list": "news"}}
    stage.listen([schema, record], streams={"people": {"object_from": "list", "match_on": "key"}})
    assert stage.error is None
    assert stage.contents() == {"news": ["ada"]}
