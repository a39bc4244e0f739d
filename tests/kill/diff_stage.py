"""Runs the tap, piped into a small target, again and again in forked children that are killed at given moments.

A JSON line on stdin is one order: `pairs` of tap and target that run side by side, and `signals`, each with a moment:
`after_ms` from the start, or once the target has written `log_bytes`. A JSON line on stdout answers it with the exit
status of each process. Everything is imported once, so that a run costs no more than its work; with `installed` the
child becomes the installed command instead.
The target applies what it reads in batches: records go to a log, and a STATE is handed on once all before it is there.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import random
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import duckdb_sqlalchemy  # noqa: F401 - loaded once, not in every child
import psycopg  # noqa: F401

from tap_warehouse_model.diff import lease, plans, store, sync
from tap_warehouse_model.streams import ModelStream
from tap_warehouse_model.tap import TapWarehouseModel

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTALLED = Path(sys.executable).with_name("tap-warehouse-model")
PIPE_BYTES = 4096
"""The smallest pipe: the tap is never far ahead of the target."""

READ_BYTES = 512
MOST_RECORDS = 30
LONGEST_PAUSE_S = 0.012
POLL_S = 0.001


def adjust(settings: Mapping[str, Any]) -> None:
    """Make pages and STATEs small enough for four hundred keys, and what else an experiment wants."""
    plans.FIRST_PAGE_ROWS = settings.get("first_page_rows", 8)
    plans.MOST_PAGE_ROWS = settings.get("most_page_rows", 16)
    ModelStream.STATE_MSG_FREQUENCY = settings.get("state_every", 10)
    lease.TTL_S = settings.get("ttl_s", lease.TTL_S)
    store.LOCK_WAIT_S = settings.get("lock_wait_s", store.LOCK_WAIT_S)
    if not settings.get("taints", True):
        sync.baseline_of = functools.partial(sync.baseline_of, taints=False)


def deliver(pair: Mapping[str, Any], rng: random.Random) -> None:
    """Be the target: read stdin to its end."""
    log, states = (os.open(pair[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for name in ("log", "states"))
    time.sleep(pair.get("pause_s", 0))
    batch: list[bytes] = []
    state = b""
    wanted = rng.randint(1, MOST_RECORDS)

    def drain() -> None:
        nonlocal wanted, state
        os.write(log, b"".join(batch))
        batch.clear()
        time.sleep(rng.uniform(0, LONGEST_PAUSE_S))
        os.write(states, state)
        state = b""
        wanted = rng.randint(1, MOST_RECORDS)

    with open(0, "rb", buffering=READ_BYTES) as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break  # the tap died in the middle of it
            if b'"RECORD"' in line:
                batch.append(line)
            elif b'"STATE"' in line:
                state = line
            if len(batch) >= wanted or (state and not batch):
                drain()
    drain()


def fork(pair: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[int, int]:
    """Start a tap and its target; return their process ids."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    tap = os.fork()
    if tap == 0:
        os.dup2(writer, 1)
        os.closerange(3, writer + 1)
        be_tap(pair, settings)
    target = os.fork()
    if target == 0:
        os.dup2(reader, 0)
        os.closerange(3, writer + 1)
        deliver(pair, random.Random(pair["seed"]))  # noqa: S311 - not for secrets
        os._exit(0)
    os.close(reader)
    os.close(writer)
    return tap, target


def be_tap(pair: Mapping[str, Any], settings: Mapping[str, Any]) -> NoReturn:
    """Run the command in this process."""
    os.dup2(os.open(pair["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
    os.environ.update(pair.get("environment", {}))
    if pair.get("installed"):
        os.execv(INSTALLED, [str(INSTALLED), *pair["arguments"]])  # noqa: S606
    adjust(settings)
    code: Any = 0
    try:
        TapWarehouseModel.cli(pair["arguments"])
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(int(code or 0))  # a forked interpreter cannot end threads of C++ that it does not have


class Moment:
    """When a signal is due."""

    def __init__(self, signal: Mapping[str, Any], log: str) -> None:
        self._due_s = time.monotonic() + signal["after_ms"] / 1000
        self._log = Path(log)
        self._bytes = signal.get("log_bytes", 0)
        self._delay_s = signal["after_ms"] / 1000

    def has_come(self) -> bool:
        """Look at the clock, or at the log first."""
        if self._bytes and self._log.exists() and self._log.stat().st_size >= self._bytes:
            self._bytes, self._due_s = 0, time.monotonic() + self._delay_s
        return not self._bytes and time.monotonic() >= self._due_s


def attend(children: list[list[int]], order: Mapping[str, Any]) -> list[list[int]]:
    """Send signals at their moments; return how each process ended."""
    left = [(Moment(one, order["pairs"][one["pair"]]["log"]), one) for one in order["signals"]]
    running = {child for pair in children for child in pair}
    ends: dict[int, int] = {}
    while running:
        for moment, one in [pending for pending in left if pending[0].has_come()]:
            left.remove((moment, one))
            child = children[one["pair"]][("tap", "target").index(one["who"])]
            if child in running:  # it has not been waited for, so that its id is still its own
                os.kill(child, one["signal"])
        for child in list(running):
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                running.discard(child)
                ends[child] = os.waitstatus_to_exitcode(status)
        time.sleep(POLL_S)
    return [[ends[child] for child in pair] for pair in children]


def main() -> None:
    """Answer orders until stdin ends."""
    for line in sys.stdin:
        order = json.loads(line)
        started = time.monotonic()
        children = [list(fork(pair, order["settings"])) for pair in order["pairs"]]
        exits = attend(children, order)
        answer = {"exits": exits, "ms": (time.monotonic() - started) * 1000}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
