"""A destination in memory that keeps no promise by itself: it creates whatever it is told, as often as it is told."""

from __future__ import annotations

import contextlib
import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from reverse_etl_core.brakes import RejectionBrake, RemovalBrake
from reverse_etl_core.destination import Destination
from reverse_etl_core.errors import (
    BatchRefusedError,
    QuotaExhaustedError,
    ReverseETLError,
    TransportError,
    UnknownOutcomeError,
)
from reverse_etl_core.holding import PlanHolder
from reverse_etl_core.ledger import Ledger, Scope, StreamLedger
from reverse_etl_core.ledger.tables import metadata
from reverse_etl_core.operations import (
    Batch,
    Current,
    DeferCode,
    Missing,
    Operation,
    Outcome,
    RejectCode,
    Rejected,
    Removed,
    Unanswered,
    Verb,
    Written,
)
from reverse_etl_core.pipeline import Pipeline
from reverse_etl_core.redaction import Secret
from reverse_etl_core.routing import Promise, Route, compile_route
from reverse_etl_core.schema import Field, FieldType, Limits, ObjectSchema, RemovalWay, frozen
from reverse_etl_core.sending import Crew
from reverse_etl_core.stream_config import FieldConfig, LookupConfig, StreamConfig
from reverse_etl_core.tally import Tally
from reverse_etl_core.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from core.fake_jobs import FakeJobs

    from reverse_etl_core.emails import EmailRules

FIELDS = (
    Field("id", FieldType.STRING, is_creatable=False, is_updatable=False, is_key=True),
    Field("key", FieldType.STRING, is_key=True),
    Field("email", FieldType.EMAIL, is_key=True, is_case_sensitive=False),
    Field("name", FieldType.STRING, max_length=20),
    Field("score", FieldType.INTEGER),
    Field("price", FieldType.NUMBER),
    Field("since", FieldType.DATE),
    Field("seen_at", FieldType.DATETIME),
    Field("is_active", FieldType.BOOLEAN),
    Field("plan", FieldType.OPTION, options=("free", "pro")),
    Field("tags", FieldType.OPTIONS, options=("a", "b")),
    Field("labels", FieldType.OPTIONS),
    Field("total", FieldType.NUMBER, is_creatable=False, is_updatable=False),
)

GRACE_S = 60.0
ANY_REMOVALS = RemovalBrake(None, 100)
ALL_KEPT = Promise()


def people(*, is_native: bool = False, records_per_request: int = 3, **changes: Any) -> ObjectSchema:
    """The schema of the only object, `people`."""
    given: dict[str, Any] = {
        "fields": frozen({one.name: one for one in FIELDS}),
        "limits": Limits(records_per_request),
        "id_field": "id",
        "natural_match_field": "email",
        "upsert_fields": frozenset({"key", "email"} if is_native else ()),
        "removals": (RemovalWay("archive", records_per_request), RemovalWay("delete", 1, is_final=True)),
    }
    return ObjectSchema("people", **(given | changes))


def route(  # the defaults are those of most tests
    schema: ObjectSchema | None = None,
    *,
    load_method: str = "upsert",
    match_on: str | None = "key",
    columns: Sequence[str] = ("n", "key", "name"),
    keys: Sequence[str] = ("n",),
    fields: Mapping[str, str | FieldConfig] | None = None,
    lookups: Mapping[str, LookupConfig] | None = None,
    parents: Mapping[str, ObjectSchema] | None = None,
    promise: Promise = ALL_KEPT,
    emails: EmailRules | None = None,
    **settings: Any,
) -> Route:
    """The way of stream `people` to object `people`."""
    schema = schema or people()
    if fields is None:
        fields = {name: name for name in columns if name in schema.fields}
    wanted = {
        name: one if isinstance(one, FieldConfig) else FieldConfig(one, (lookups or {}).get(name))
        for name, one in fields.items()
    }
    config = StreamConfig("people", match_on, load_method, wanted, "fail", **settings)
    singer = {"properties": {name: {} for name in columns}}
    return compile_route("people", singer, keys, config, schema, parents=parents or {}, promise=promise, emails=emails)


class KilledError(BaseException):
    """Stands for `kill -9`: nothing of ours may catch it."""


@dataclass
class Clock:
    """Time that passes only when somebody waits."""

    now_s: float = 1_800_000_000.0

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now_s

    def wait(self, seconds: float) -> bool:
        """Let time pass; nobody asks the run to stop."""
        self.now_s += seconds
        return False


@dataclass
class Crm:
    """What a destination holds: records by id, and requests that it has taken but not yet applied.

    Attributes:
        others: Further match values by which a record is found, by its id; what it had before a change too.
    """

    clock: Clock = field(default_factory=Clock)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    late: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    writes: list[tuple[Verb, int]] = field(default_factory=list)
    finds: int = 0
    refuses_removals: bool = False
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.RLock = field(default_factory=threading.RLock)
    others: dict[str, set[str]] = field(default_factory=dict)

    def catch_up(self, *, everything: bool = False) -> None:
        """Apply the late requests whose time has come."""
        due = [one for one in self.late if everything or one[0] <= self.clock()]
        self.late = [one for one in self.late if one not in due]
        for _, apply in due:
            apply()

    def holders(self, match_field: str | None, match_key: str) -> list[str]:
        """Ids of the records with a match value, compared as the schema says, or with that id."""
        if match_field in (None, "id"):
            return [match_key] if match_key in self.records else []
        fold = str.lower if match_field == "email" else str
        return [
            one
            for one, fields in self.records.items()
            if fold(str(fields.get(match_field))) == match_key or match_key in self.others.get(one, ())
        ]

    def remove(self, operation: Operation) -> Outcome:
        """Take a record away."""
        if self.refuses_removals:
            return Rejected(operation.source_key, RejectCode.PERMISSION, "It may not be removed.")
        self.records.pop(str(operation.destination_id), None)
        return Removed(operation.source_key)

    def apply(self, batch: Batch, operation: Operation) -> Outcome:
        """Apply one operation."""
        fields = dict(operation.fields)
        if str(fields.get("name", "")).startswith("bad"):
            return Rejected(operation.source_key, RejectCode.VALIDATION_RULE, "A rule refuses it.", "RULE_1")
        if batch.verb is Verb.REMOVE:
            return self.remove(operation)
        if batch.verb is Verb.UPDATE:
            if operation.destination_id not in self.records:
                return Missing(operation.source_key)
            self.records[str(operation.destination_id)].update(fields)
            return Written(operation.source_key, str(operation.destination_id), created=False)
        held = self.holders(batch.match_field, operation.match_key) if batch.verb is Verb.UPSERT else []
        if held:
            if held[0] in self.others:
                self.others[held[0]].add(str(self.records[held[0]].get(batch.match_field)))
            self.records[held[0]].update(fields)
            return Written(operation.source_key, held[0], created=False)
        new_id = str(next(self.ids))
        self.records[new_id] = fields
        return Written(operation.source_key, new_id, created=True)


FAULTS = (
    "lost before",
    "lost after",
    "late",
    "unanswered",
    "unanswered after",
    "refused",
    "quota",
    "down",
    "late, repeated",
)
"""What may happen to one write request; `None` stands for nothing. `kill before`, `kill after` and `kill late` too."""


class FakeDestination(Destination):
    """One account over a `Crm`.

    Args:
        crm: What it holds.
        schema: Of `people`.
        faults: What happens to each write request in turn; nothing once they are used up.
        latency_s: How late a late request is applied.
        traffic: Told of attempts without an answer, as the transport tells it.
    """

    def __init__(
        self,
        crm: Crm,
        schema: ObjectSchema | None = None,
        faults: Iterable[str | None] = (),
        *,
        latency_s: float = 50.0,
        traffic: Traffic | None = None,
    ) -> None:
        self.crm = crm
        self.schema = schema or people()
        self.faults = iter(faults)
        self.latency_s = latency_s
        self.traffic = traffic or Traffic()

    def account(self) -> str:
        """The account's id."""
        return "account-1"

    def describe(self, object_name: str) -> ObjectSchema:
        """The only object, by any name."""
        del object_name
        return self.schema

    def read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str] = ()
    ) -> Mapping[str, Sequence[Current]]:
        """Read by match value, or by id."""
        assert len(keys) <= schema.limits.records_per_request
        with self.crm.lock:
            self.crm.finds += 1
            self.crm.catch_up()
            found = {key: self.crm.holders(key_field, key) for key in keys}
            return {key: [self._shown(one, fields) for one in ids] for key, ids in found.items() if ids}

    def _shown(self, record_id: str, fields: Sequence[str]) -> Current:
        record = self.crm.records[record_id]
        return Current(record_id, {name: record.get(name) for name in fields})

    def write(self, batch: Batch) -> list[Outcome]:
        """Apply a batch, or let something happen to it."""
        assert 1 <= len(batch.operations) <= batch.schema.limits.records_per_request
        with self.crm.lock:
            self.crm.catch_up()
            self.crm.writes.append((batch.verb, len(batch.operations)))
            return self._write(batch, next(self.faults, None))

    def _write(self, batch: Batch, fault: str | None) -> list[Outcome]:
        first, *others = batch.operations
        if any(dict(one.fields).get("name") == "poison" for one in batch.operations):
            raise BatchRefusedError("Something in it.", code=RejectCode.INVALID_VALUE, vendor_code="POISON")
        if fault == "unanswered":
            return [Unanswered(first.source_key), *self._apply(batch, others)]
        if fault == "unanswered after":
            return [Unanswered(first.source_key), *self._apply(batch, batch.operations)[1:]]
        if fault == "refused" and others:
            raise BatchRefusedError("Something in it.", code=RejectCode.INVALID_VALUE)
        if fault in {"late", "kill late"} or (fault == "late, repeated" and batch.verb is not Verb.CREATE):
            self.traffic.became_uncertain()
            self.crm.late.append((self.crm.clock() + self.latency_s, lambda: self._apply(batch, batch.operations)))
        outcomes = self._apply(batch, batch.operations) if fault in {"lost after", "kill after"} else []
        _fail(fault)
        return outcomes or self._apply(batch, batch.operations)

    def _apply(self, batch: Batch, operations: Iterable[Operation]) -> list[Outcome]:
        return [self.crm.apply(batch, one) for one in operations]


def _fail(fault: str | None) -> None:
    if fault in {"kill before", "kill after", "kill late"}:
        raise KilledError
    if fault in {"lost before", "lost after", "late"}:
        raise UnknownOutcomeError("No usable answer.")
    if fault == "quota":
        raise QuotaExhaustedError("Used up.")
    if fault == "down":
        raise TransportError("Not reached.")


def keeping_books_with(kind: type[StreamLedger]) -> type[Ledger]:
    """A ledger whose parts are of another kind, for control experiments."""

    class OtherLedger(Ledger):
        def open_stream(self, scope: Scope, *, keeps_deliveries: bool) -> StreamLedger:
            one = super().open_stream(scope, keeps_deliveries=keeps_deliveries)
            sign = one.last_sign_ms
            return kind(self, one._scope_id, one._epoch, keeps_deliveries=keeps_deliveries, last_sign_ms=sign)

    return OtherLedger


@dataclass
class World:
    """One sync of one stream through several runs: the destination, the ledger's file, what is acknowledged.

    Attributes:
        path: Of the ledger.
        route: Of the stream.
        ledger_class: Exchanged by control experiments.
        jobs: The destination's, through all runs.
    """

    path: Path
    route: Route
    crm: Crm = field(default_factory=Crm)
    ledger_class: type[Ledger] = Ledger
    keeps_deliveries: bool = True
    jobs: FakeJobs | None = None
    max_percent: float = 100.0
    removal_brake: RemovalBrake = ANY_REMOVALS
    approved: str = ""
    tally: Tally = field(default_factory=Tally)
    error: BaseException | None = None

    def open(self) -> Ledger:
        """Open the ledger."""
        return self.ledger_class(Secret(f"sqlite:///{self.path}"), now=self.crm.clock)

    @contextlib.contextmanager
    def pipeline(self, faults: Iterable[str | None] = (), **changes: Any) -> Any:
        """A pipeline over this world; it has replayed what earlier runs left."""
        ledger = self.open()
        crew: Crew[Any, Any] = Crew(1)
        scope = Scope("sync", "account-1", "people", "people")
        self.tally, traffic = Tally(), Traffic()
        destination = FakeDestination(self.crm, self.route.schema, faults, traffic=traffic)
        destination.jobs = self.jobs
        stream_ledger = ledger.open_stream(scope, keeps_deliveries=self.keeps_deliveries)
        given: dict[str, Any] = {
            "destination": destination,
            "ledger": stream_ledger,
            "crew": crew,
            "tally": self.tally,
            "brakes": (RejectionBrake(None, self.max_percent), self.removal_brake),
            "holder": PlanHolder("people", stream_ledger.plans, self.approved),
            "grace_ms": int(GRACE_S * 1000),
            "wait": self.crm.clock.wait,
            "traffic": traffic,
        }
        try:
            pipeline = Pipeline(self.route, **(given | changes))
            pipeline.replay()
            yield pipeline
        finally:
            crew.close()
            ledger.close()

    def run(
        self, chunks: Iterable[Sequence[Mapping[str, Any]]], faults: Iterable[str | None] = (), **changes: Any
    ) -> bool:
        """One run of a target; true when its STATE may leave. Every record read has a fate unless it was killed."""
        self.error = None
        try:
            with self.pipeline(faults, **changes) as pipeline:
                try:
                    for chunk in chunks:
                        pipeline.deliver([msgspec.Raw(msgspec.json.encode(one)) for one in chunk])
                    pipeline.flush()
                    pipeline.check_removals()
                    pipeline.remove()
                except ReverseETLError as error:
                    self.error = error
                    pipeline.abandon(DeferCode.STOPPED, 0)
                pipeline.tally.verify("people")
                pipeline.close()
        except KilledError as error:
            self.error = error
        except ReverseETLError as error:  # while it replayed
            self.error = error
        return self.error is None

    def table(self, name: str) -> list[dict[str, Any]]:
        """A table of the ledger."""
        ledger = self.open()
        with ledger.begin() as connection:
            rows = connection.execute(sa.select(metadata.tables[name])).mappings().all()
        ledger.close()
        return [dict(row) for row in rows]

    def rows(self) -> dict[str, dict[str, Any]]:
        """The ledger's deliveries by source key."""
        return {row["source_key"]: row for row in self.table("deliveries")}

    def contents(self, *names: str) -> list[tuple[Any, ...]]:
        """Fields of the destination's records, once everything late has arrived."""
        self.crm.catch_up(everything=True)
        return sorted(tuple(one.get(name) for name in names) for one in self.crm.records.values())
