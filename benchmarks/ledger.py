"""What the ledger costs: look-up, durable intent, whose a found record is, and durable outcome of many keys, by 100.

    python benchmarks/ledger.py --records 1000000

Absolute seconds are one machine's; `fsync` is the bound: so many durable writes of nothing but one page.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverse_etl_core import identity
from reverse_etl_core.ledger import Intent, Ledger, Scope, Settlement, Status
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCH = 100
SCOPE = Scope("benchmark", "account-1", "contacts", "contacts")


def main() -> None:
    """Measure, print, and write JSON where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), given.records)
    for name, value in figures.items():
        print(f"{name:24} {value}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


def measure(folder: Path, records: int) -> dict[str, Any]:
    """Seconds of each part, and bytes per key."""
    path = folder / "ledger.db"
    ledger = Ledger(Secret(f"sqlite:///{path}"))
    stream = ledger.open_stream(SCOPE, keeps_deliveries=True)
    spent = {"lookup_s": 0.0, "intend_s": 0.0, "holders_s": 0.0, "settle_s": 0.0}
    for keys in _batches(records):
        _timed(spent, "lookup_s", lambda keys=keys: stream.lookup(keys))
        _timed(spent, "intend_s", lambda keys=keys: stream.intend([_intent(key) for key in keys]))
        _timed(spent, "holders_s", lambda keys=keys: stream.holders([key[3:-2] for key in keys]))
        _timed(spent, "settle_s", lambda keys=keys: stream.settle([_settlement(key) for key in keys]))
    stream.close()
    ledger.close()
    started_s = time.perf_counter()
    Ledger(Secret(f"sqlite:///{path}")).close()
    opened_s = time.perf_counter() - started_s
    return {
        "records": records,
        **{name: round(seconds, 2) for name, seconds in spent.items()},
        "total_s": round(sum(spent.values()), 2),
        "fsync_s": round(_bound(folder / "bound", 2 * records // BATCH), 2),
        "bytes_per_key": round(path.stat().st_size / records),
        "open_s": round(opened_s, 3),
    }


def _batches(records: int) -> Iterator[list[str]]:
    for start in range(0, records, BATCH):
        yield [identity.source_key([f"C-{n:08}"]) for n in range(start, min(start + BATCH, records))]


def _timed(spent: dict[str, float], name: str, work: Callable[[], object]) -> None:
    started_s = time.perf_counter()
    work()
    spent[name] += time.perf_counter() - started_s


def _intent(key: str) -> Intent:
    record = '{"email":"customer@example.com","firstname":"Ada","lastname":"Lovelace","plan":"pro"}'
    return Intent(key, key, None, created_by_us=True, attempts=1, record=record)


def _settlement(key: str) -> Settlement:
    digest = identity.digest(key.encode())
    return Settlement(key, Status.DELIVERED, "created", key, None, key[3:-2], digest, created_by_us=True)


def _bound(path: Path, writes: int) -> float:
    """Seconds for durable writes of one page each."""
    started_s = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for _ in range(writes):
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
    return time.perf_counter() - started_s


if __name__ == "__main__":
    main()
