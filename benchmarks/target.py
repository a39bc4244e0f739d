"""The target side, measured as whole processes: stock SDK sink, ours, and what the ledger costs.

    python benchmarks/target.py --records 1000000

Every variant reads the same Singer file. Delivery is a no-op in all of them, so that nothing but reading,
validation and (where named) the ledger is measured. Ratios count; absolute seconds are one machine's.

- `stock`: a target as the SDK's template writes it: JSON Schema validation, batches of 10,000.
- `no-ledger`: ours, mapping, validation, planning and batching included, with a ledger that keeps nothing.
- `first-load`: ours with its SQLite ledger, every record new: an intent and an outcome are made durable per record.
- `unchanged`: the same input again.
- `bound`: parse every line, look up every key, nothing else.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from processes import PYTHON, Usage, in_turn, ratios, run, summary
from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.sinks import BatchSink

from reverse_etl_core.destination import Destination
from reverse_etl_core.ledger import Ledger, Scope, StreamLedger
from reverse_etl_core.ledger.held_plans import HeldPlans
from reverse_etl_core.operations import Batch, Current, Outcome, Written
from reverse_etl_core.redaction import Secret
from reverse_etl_core.schema import Field, FieldType, Limits, ObjectSchema
from reverse_etl_core.target import ReverseETLTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reverse_etl_core.config import CommonConfig

COLUMNS = {
    "customer_id": ("string", FieldType.STRING),
    "email": ("string", FieldType.EMAIL),
    "firstname": ("string", FieldType.STRING),
    "lastname": ("string", FieldType.STRING),
    "city": ("string", FieldType.STRING),
    "country": ("string", FieldType.STRING),
    "plan": ("string", FieldType.OPTION),
    "seats": ("integer", FieldType.INTEGER),
    "churn_risk": ("number", FieldType.NUMBER),
    "is_active": ("boolean", FieldType.BOOLEAN),
    "signup_date": ("string", FieldType.DATE),
    "last_seen_at": ("string", FieldType.DATETIME),
}
_FORMATS = {FieldType.DATE: "date", FieldType.DATETIME: "date-time"}
STATE_EVERY = 10_000
PLANS = ("free", "pro", "enterprise")


def record(number: int) -> dict[str, Any]:
    """One customer; the same number gives the same record."""
    return {
        "customer_id": f"C{number:08d}",
        "email": f"person{number}@company{number % 997}.com",
        "firstname": "Ana" if number % 3 else "Zoë",
        "lastname": f"García {number % 5000}",
        "city": "São Paulo" if number % 2 else "Leeds",
        "country": "BR" if number % 2 else "GB",
        "plan": PLANS[number % 3],
        "seats": number % 500,
        "churn_risk": number % 1000 / 1000,
        "is_active": bool(number % 7),
        "signup_date": f"20{10 + number % 15}-0{1 + number % 9}-1{number % 9}",
        "last_seen_at": f"2026-0{1 + number % 9}-11T10:{number % 50 + 10}:00Z",
    }


def write_stream(path: Path, count: int) -> None:
    """The Singer messages of `count` customers, with a STATE every 10,000."""
    properties: dict[str, Any] = {}
    for name, (json_type, field_type) in COLUMNS.items():
        properties[name] = {"type": [json_type, "null"]}
        if field_type in _FORMATS:
            properties[name]["format"] = _FORMATS[field_type]
    schema = {"type": "SCHEMA", "stream": "contacts", "key_properties": ["customer_id"]}
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        file.write(encode(schema | {"schema": {"type": "object", "properties": properties}}) + b"\n")
        for number in range(count):
            file.write(encode({"type": "RECORD", "stream": "contacts", "record": record(number)}) + b"\n")
            if number % STATE_EVERY == STATE_EVERY - 1:
                file.write(encode({"type": "STATE", "value": {"bookmarks": {"contacts": {"at": number}}}}) + b"\n")


class StockSink(BatchSink):
    """What the SDK gives: JSON Schema validation, batches of 10,000, delivery left out."""

    def process_batch(self, context: dict[str, Any]) -> None:
        """Deliver nothing."""


class StockTarget(Target):
    """A target as the SDK's template writes it."""

    name = "target-stock"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList().to_dict()
    default_sink_class = StockSink


class NowhereDestination(Destination):
    """Confirms everything and keeps nothing.

    Args:
        columns: Names of the fields where they are other ones than those of `COLUMNS`: texts, found by the first.
    """

    def __init__(self, columns: Sequence[str] = ()) -> None:
        self._columns = columns

    def account(self) -> str:
        """The only account."""
        return "nowhere"

    def describe(self, object_name: str) -> ObjectSchema:
        """The object of the benchmark."""
        if self._columns:
            key = self._columns[0]
            texts = {name: Field(name, FieldType.STRING, is_key=name == key) for name in self._columns}
            keys = {"natural_match_field": key, "upsert_fields": frozenset({key})}
            return ObjectSchema(object_name, texts, Limits(100), **keys)
        fields = {
            name: Field(
                name,
                field_type,
                is_key=name == "customer_id",
                max_length=65_536 if field_type is FieldType.STRING else None,
                options=PLANS if field_type is FieldType.OPTION else (),
            )
            for name, (_, field_type) in COLUMNS.items()
        }
        return ObjectSchema(
            object_name,
            fields,
            Limits(100),
            natural_match_field="customer_id",
            upsert_fields=frozenset({"customer_id"}),
        )

    def read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str] = ()
    ) -> Mapping[str, Sequence[Current]]:
        """Nothing is ever there."""
        del schema, key_field, keys, fields
        return {}

    def write(self, batch: Batch) -> list[Outcome]:
        """Confirm every operation."""
        return [Written(one.source_key, one.match_key, created=True) for one in batch.operations]


class NoPlans(HeldPlans):
    """Nothing is held."""

    def __init__(self) -> None:
        """Open nothing."""

    def drop(self) -> None:
        """Nothing is held."""


class NoLedger(StreamLedger):
    """A ledger that is out of the way: it knows nothing and keeps nothing."""

    def __init__(self) -> None:
        """Open nothing."""
        self.last_sign_ms = 0
        self.removals_from_ms = 0
        self.removals_waiting = 0
        self.plans = NoPlans()

    @property
    def keeps_deliveries(self) -> bool:
        """It keeps nothing."""
        return False

    def latest_leaving(self) -> int:
        """Nothing waits to be removed."""
        return 0

    def count_leaving(self) -> int:
        """Nothing waits to be removed."""
        return 0

    def keep(self, source_keys: Sequence[str]) -> None:
        """Nothing was gone."""

    def spool(self, source_keys: Sequence[str], moment_ms: int) -> None:
        """Nothing is kept."""

    def forget(self, source_keys: Sequence[str]) -> None:
        """Nothing is known."""

    def leaving(self) -> Iterator[list[Any]]:
        """Nothing waits to be removed."""
        return iter(())

    def fingerprints(self, source_keys: Sequence[str]) -> dict[str, bytes]:
        """Nothing is known."""
        del source_keys
        return {}

    def recognise(self, fingerprints: Mapping[str, bytes]) -> None:
        """Keep nothing."""

    def now_ms(self) -> int:
        """The clock."""
        return int(time.time() * 1000)

    def lookup(self, source_keys: Sequence[str]) -> dict[str, Any]:
        """Nothing is known."""
        del source_keys
        return {}

    def owners(self, match_keys: Sequence[str]) -> Mapping[str, str]:
        """Nobody owns anything."""
        del match_keys
        return {}

    def intend(self, intents: Iterable[Any], job: object = None) -> list[str]:
        """Keep nothing."""
        del intents, job
        return []

    def settle(self, settlements: Iterable[Any]) -> None:
        """Keep nothing."""

    def renew(self) -> None:
        """There is no lease."""

    def replayable(self) -> Iterator[list[Any]]:
        """Nothing is open."""
        return iter(())

    def close(self) -> None:
        """There is no lease."""


class NoLedgers(Ledger):
    """Opens `NoLedger` for every stream."""

    def open_stream(self, scope: Scope, *, keeps_deliveries: bool) -> StreamLedger:
        """Nothing to open."""
        del scope, keeps_deliveries
        return NoLedger()


class NowhereTarget(ReverseETLTarget):
    """Our target over a destination that costs nothing."""

    name = "target-nowhere"
    config_jsonschema: ClassVar[dict[str, Any]] = {}
    columns: ClassVar[Sequence[str]] = ()

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """Nothing to connect to."""
        del config, common
        return NowhereDestination(self.columns)


NowhereTarget.config_jsonschema = NowhereTarget.settings()


class LedgerlessTarget(NowhereTarget):
    """The same without a ledger."""

    def open_ledger(self, config: CommonConfig) -> Ledger:
        """A ledger that is out of the way."""
        return NoLedgers(config.ledger_url)


def parse_and_look_up(path: Path, ledger_url: str) -> None:
    """The bound: parse every line, look up every key, nothing else."""
    decode = msgspec.json.Decoder().decode
    ledger = Ledger(Secret(ledger_url))
    book = ledger.open_stream(Scope("target-nowhere", "nowhere", "contacts", "contacts"), keeps_deliveries=True)
    keys: list[str] = []
    with path.open("rb") as file:
        for line in file:
            message = decode(line)
            if message["type"] == "RECORD":
                keys.append(f'["{message["record"]["customer_id"]}"]')
                if len(keys) == 1000:  # noqa: PLR2004 - the size of our chunks
                    book.lookup(keys)
                    keys.clear()
    book.close()


def run_variant(name: str, path: Path | None, ledger_url: str, reports: Path | None = None) -> None:
    """One variant, in this process; without a path it reads what is piped to it."""
    folder = reports or Path(ledger_url.removeprefix("sqlite:///")).parent
    config = {"ledger_url": ledger_url, "report_dir": str(folder / "reports")}
    if name == "bound":
        assert path is not None  # noqa: S101 - it reads the file itself
        parse_and_look_up(path, ledger_url)
        return
    target: Target = (
        StockTarget(config={})
        if name == "stock"
        else LedgerlessTarget(config=config)
        if name == "no-ledger"
        else NowhereTarget(config=config)
    )
    if path is None:
        target.listen()
        return
    with path.open(encoding="utf-8") as file:
        target.listen(file)


VARIANTS = ("stock", "no-ledger", "first-load", "unchanged", "bound")
"""In this order: `unchanged` and `bound` find the ledger that `first-load` wrote."""


def measure(count: int, *, repeat: int = 3) -> dict[str, Any]:
    """Seconds, records per second and peak memory of every variant, and ratios pair by pair.

    Args:
        count: Records.
        repeat: How often `unchanged` and `bound` take turns; the others, which take minutes, run once.
    """
    with tempfile.TemporaryDirectory(prefix="target-") as folder:
        stream = Path(folder, "customers.singer")
        run([PYTHON, __file__, "--write", "--stream", stream, "--records", count])
        ledger_url = f"sqlite:///{folder}/ledger.db"

        def start(name: str) -> Callable[[], Usage]:
            command = [PYTHON, __file__, "--variant", name, "--stream", stream, "--ledger", ledger_url]
            return lambda: run(command, environment={"LOGLEVEL": "WARNING"})

        variants = {name: summary([start(name)()]) for name in ("stock", "no-ledger", "first-load")}
        variants |= in_turn({name: start(name) for name in ("unchanged", "bound")}, repeat)
    for one in variants.values():
        one["records_per_s"] = round(count / one["seconds"]["median"])
    return {
        "records": count,
        "variants": variants,
        "unchanged_to_bound": ratios(variants["bound"], variants["unchanged"]),
        "unchanged_to_stock": round(
            variants["stock"]["seconds"]["median"] / variants["unchanged"]["seconds"]["median"], 2
        ),
    }


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """What is printed."""
    for name, one in figures["variants"].items():
        bound_s = figures["variants"]["bound"]["seconds"]["median"]
        yield (
            f"{name:12} {one['seconds']['median']:7.2f} s {one['records_per_s']:8}/s {one['peak_mb']['max']:5.0f} MB "
            f"{100 * bound_s / one['seconds']['median']:4.0f} % of parse + look-up"
        )
    yield f"unchanged to bound, pair by pair: {figures['unchanged_to_bound']}"


def main() -> None:
    """Measure and print; `--variant` and `--write` are how this calls itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    for hidden in ("--variant", "--ledger"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    for hidden in ("--stream", "--columns", "--reports"):
        parser.add_argument(hidden, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.columns:
        NowhereTarget.columns = json.loads(options.columns.read_text(encoding="utf-8"))
    if options.write:
        write_stream(options.stream, options.records)
    elif options.variant:
        run_variant(options.variant, options.stream, options.ledger, options.reports)
    else:
        figures = measure(options.records, repeat=options.repeat)
        print("\n".join(lines(figures)))
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
