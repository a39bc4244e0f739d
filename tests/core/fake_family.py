"""Two objects whose records point to each other and to themselves, and a target over them."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from core.fakes import Clock, Crm, FakeDestination, KilledError

from reverse_etl_core.destination import Destination
from reverse_etl_core.errors import ConfigError, ReverseETLError
from reverse_etl_core.ledger import Ledger
from reverse_etl_core.operations import RejectCode, Rejected
from reverse_etl_core.redaction import Secret
from reverse_etl_core.schema import Field, FieldType, Limits, ObjectSchema, frozen
from reverse_etl_core.target import ReverseETLTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.operations import Batch, Current, Operation, Outcome

LINKS = {
    "companies": {"parent": "companies", "contact": "people"},
    "people": {"manager": "people", "company": "companies"},
}
"""Object to its fields that point somewhere, and where."""


def family(name: str, records_per_request: int = 5, **changes: Any) -> ObjectSchema:
    """The schema of one of the objects."""
    fields = [
        Field("id", FieldType.STRING, is_creatable=False, is_updatable=False),
        Field("key", FieldType.STRING, is_key=True),
        Field("number", FieldType.INTEGER, is_key=True),
        Field("name", FieldType.STRING, max_length=20),
        *(Field(link, FieldType.STRING, max_length=18, references=(other,)) for link, other in LINKS[name].items()),
    ]
    given: dict[str, Any] = {"id_field": "id", "natural_match_field": "key", "upsert_fields": frozenset({"key"})}
    by_name = frozen({one.name: one for one in fields})
    return ObjectSchema(name, by_name, Limits(records_per_request), **(given | changes))


class FamilyDestination(Destination):
    """Refuses a record whose parent is not there before the request is.

    Attributes:
        crms: What each object holds.
        faults: What happens to each write request in turn.
        batches: What was asked to be written.
        refusals: Keys of the records whose parent was missing, each time.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.crms = {name: Crm(self.clock) for name in LINKS}
        self.faults: Iterable[str | None] = ()
        self.batches: list[Batch] = []
        self.refusals: list[str] = []

    def account(self) -> str:
        """The account's id."""
        return "account-1"

    def describe(self, object_name: str) -> ObjectSchema:
        """One of the two objects."""
        if object_name not in LINKS:
            msg = f"There is no object '{object_name}'."
            raise ConfigError(msg)
        return family(object_name)

    def read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str] = ()
    ) -> Mapping[str, Sequence[Current]]:
        """Read by match value."""
        return FakeDestination(self.crms[schema.name], schema).read(schema, key_field, keys, fields)

    def write(self, batch: Batch) -> list[Outcome]:
        """Write the records whose parents are there."""
        self.faults = iter(self.faults)
        self.batches.append(batch)
        checked = [self._checked(batch, one) for one in batch.operations]
        refused: list[Outcome] = [one for one in checked if isinstance(one, Rejected)]
        self.refusals += [one.source_key for one in refused]
        kept = tuple(one for one in checked if not isinstance(one, Rejected))
        if not kept:
            return refused
        part = msgspec.structs.replace(batch, operations=kept)
        crm = self.crms[batch.schema.name]
        return refused + FakeDestination(crm, batch.schema, [next(self.faults, None)]).write(part)

    def _checked(self, batch: Batch, operation: Operation) -> Operation | Rejected:
        fields = dict(operation.fields)
        for name, reference in batch.references.items():
            value = fields.get(name)
            parents = self.crms[reference.object_name]
            if value is None or parents.holders(reference.match_field.name, str(value)):
                continue
            if not reference.is_optional:
                return Rejected(operation.source_key, RejectCode.REFERENCE_NOT_FOUND, f"Field '{name}' names nobody.")
            del fields[name]
        return msgspec.structs.replace(operation, fields=fields)


class FamilyTarget(ReverseETLTarget):
    """Delivers to both objects; its ledger's clock stands still unless somebody turns it."""

    name = "target-family"
    config_jsonschema = ReverseETLTarget.settings()
    destination: ClassVar[FamilyDestination]

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """The fake account."""
        del config, common
        return self.destination

    def open_ledger(self, config: CommonConfig) -> Ledger:
        """By the destination's clock."""
        return Ledger(config.ledger_url, now=self.destination.clock)


def lookup(column: str, other: str, **changes: Any) -> dict[str, Any]:
    """Of a field that names another record by its key."""
    return {"from": column, "lookup": {"object": other, "match_on": "key"} | changes}


@dataclass
class Family:
    """Runs the target, one run after the other."""

    root: Path
    destination: FamilyDestination = field(default_factory=FamilyDestination)
    error: BaseException | None = None
    states: int = 0

    def streams(self, *, is_mutual: bool = False, **changes: Any) -> dict[str, Any]:
        """The settings of both streams; companies point to people only where both are to point at each other."""
        streams: dict[str, Any] = {}
        for name, links in LINKS.items():
            used = {link: other for link, other in links.items() if is_mutual or link != "contact"}
            fields = {link: lookup(link, other, **changes) for link, other in used.items()}
            streams[name] = {"match_on": "key", "fields": {"key": "key", "name": "name"} | fields}
        return streams

    def run(self, messages: Iterable[Mapping[str, Any]], **config: Any) -> int:
        """One run; its exit code."""
        settings = {
            "streams": self.streams(),
            "ledger_url": f"sqlite:///{self.root}/ledger.db",
            "report_dir": str(self.root / "reports"),
            "reconcile_grace_seconds": 0,
            "concurrency": 1,
        }
        target_class = type("OwnTarget", (FamilyTarget,), {"destination": self.destination})
        output, self.error = io.StringIO(), None
        with contextlib.redirect_stdout(output):
            try:
                text = "".join(json.dumps(one) + "\n" for one in messages)
                target_class(config=settings | config).listen(io.StringIO(text))
            except (Exception, KilledError) as error:  # noqa: BLE001 - a test looks at it
                self.error = error
        self.states = len(output.getvalue().splitlines())
        if self.error is None:
            return 0
        return self.error.exit_code if isinstance(self.error, ReverseETLError) else 1

    def report(self) -> dict[str, Any]:
        """Of the last run."""
        paths = sorted(self.root.glob("reports/*/report.json"), key=lambda one: one.stat().st_mtime_ns)
        found: dict[str, Any] = json.loads(paths[-1].read_text(encoding="utf-8"))
        return found

    def totals(self) -> dict[str, int]:
        """What the last run counted, without zeros; the counts add up."""
        totals: dict[str, int] = {name: count for name, count in self.report()["totals"].items() if count}
        assert totals.get("read", 0) == sum(count for name, count in totals.items() if name != "read")
        return totals

    def held(self, name: str) -> dict[str, Any]:
        """Key to record of one object; no key is there twice."""
        records = list(self.destination.crms[name].records.values())
        assert len({one["key"] for one in records}) == len(records)
        return {one["key"]: one for one in records}

    def rows(self) -> dict[str, dict[str, Any]]:
        """The ledger's deliveries by source key."""
        ledger = Ledger(Secret(f"sqlite:///{self.root}/ledger.db"))
        with ledger.begin() as connection:
            rows = connection.exec_driver_sql("SELECT * FROM deliveries").mappings().all()
        ledger.close()
        return {row["source_key"]: dict(row) for row in rows}


def schema(name: str, *more: str) -> dict[str, Any]:
    """A SCHEMA message of one of the streams."""
    properties: dict[str, Any] = {column: {} for column in ("key", "name", *LINKS[name], *more)}
    return {"type": "SCHEMA", "stream": name, "schema": {"properties": properties}, "key_properties": ["key"]}


def person(key: str, **values: Any) -> dict[str, Any]:
    """A RECORD of `people`."""
    return {"type": "RECORD", "stream": "people", "record": {"key": key, "name": key} | values}


def company(key: str, **values: Any) -> dict[str, Any]:
    """A RECORD of `companies`."""
    return {"type": "RECORD", "stream": "companies", "record": {"key": key, "name": key} | values}


STATE: dict[str, Any] = {"type": "STATE", "value": {"bookmarks": {"people": {"at": 1}}}}
