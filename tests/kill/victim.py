"""Runs a target again and again in forked children that are killed at a given point.

A JSON line on stdin is one run: `vendor`, `config`, `input` and `output` (paths), `point` and `nth`, or `after_ms`
for a kill at that moment. A JSON line on stdout answers it with the child's exit status. Everything is imported
once, so that a run costs no more than its work.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import members

from reverse_etl_core.errors import ReverseETLError
from reverse_etl_core.ledger import Ledger, Scope, StreamLedger
from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.target import ReverseETLTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination
    from reverse_etl_core.ledger import Intent, Job, Settlement

POINTS = ("after_intent", "in_flight", "before_outcome", "after_outcome", "before_state")
IN_FLIGHT_S = 0.01


class Countdown:
    """Kills this process the n-th time that a point is reached."""

    def __init__(self, point: str, nth: int) -> None:
        self._point = point
        self._left = nth
        self._lock = threading.Lock()

    def reach(self, point: str) -> bool:
        """Count; true when it is time."""
        if point != self._point:
            return False
        with self._lock:
            self._left -= 1
            return self._left == 0

    def pass_by(self, point: str) -> None:
        """Count, and die when it is time."""
        if self.reach(point):
            os.kill(os.getpid(), signal.SIGKILL)


class MortalLedger(StreamLedger):
    """Dies after an outcome is written; without intents, or when it forgets jobs, it is the control that must fail."""

    countdown: Countdown
    has_intents = True
    forgets_jobs = False

    def intend(self, intents: Iterable[Intent], job: Job | None = None) -> list[str]:
        """Write the intents, unless this is the control."""
        if self.has_intents:
            return super().intend(intents, job)
        return []

    def unfinished_jobs(self) -> list[Job]:
        """The jobs to adopt, unless this is the control."""
        return [] if self.forgets_jobs else super().unfinished_jobs()

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Write the outcomes, then perhaps die."""
        super().settle(settlements)
        self.countdown.pass_by("after_outcome")


class MortalLedgers(Ledger):
    """Opens mortal ledgers."""

    countdown: Countdown
    has_intents = True
    forgets_jobs = False

    def open_stream(self, scope: Scope, *, keeps_deliveries: bool) -> StreamLedger:
        """As the real one."""
        opened = super().open_stream(scope, keeps_deliveries=keeps_deliveries)
        opened.__class__ = MortalLedger
        assert isinstance(opened, MortalLedger)
        opened.countdown = self.countdown
        opened.has_intents = self.has_intents
        opened.forgets_jobs = self.forgets_jobs
        return opened


class Mortal(ReverseETLTarget):
    """A target that dies at a point."""

    countdown: Countdown
    has_intents = True
    forgets_jobs = False

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """The real destination, with deaths around each write."""
        destination = super().connect(config, common)
        destination.write = self._around(  # type: ignore[method-assign]
            destination.write, before="after_intent", after="before_outcome", has_time_to_die=True
        )
        jobs = destination.jobs
        if jobs is not None:
            jobs.open = self._around(jobs.open, after="job_opened")  # type: ignore[method-assign]
            jobs.submit = self._around(  # type: ignore[method-assign]
                jobs.submit, before="after_intent", after="job_submitted", has_time_to_die=True
            )
            jobs.abort = self._around(jobs.abort, after="before_outcome")  # type: ignore[method-assign]
            jobs.outcomes = self._around(jobs.outcomes, before="job_ended", after="before_outcome")  # type: ignore[method-assign]
        return destination

    def _around(
        self, call: Callable[..., Any], *, before: str = "", after: str = "", has_time_to_die: bool = False
    ) -> Callable[..., Any]:
        def mortal(*arguments: Any) -> Any:
            self.countdown.pass_by(before)
            if has_time_to_die and (self.countdown.reach("in_flight") or self.countdown.reach("job_uploading")):
                threading.Timer(IN_FLIGHT_S, os.kill, (os.getpid(), signal.SIGKILL)).start()
            answer = call(*arguments)
            self.countdown.pass_by(after)
            return answer

        return mortal

    def open_ledger(self, config: CommonConfig) -> Ledger:
        """The real ledger, mortal."""
        ledger = MortalLedgers(config.ledger_url, partition=config.partition)
        ledger.countdown = self.countdown
        ledger.has_intents = self.has_intents
        ledger.forgets_jobs = self.forgets_jobs
        return ledger

    def _write_state_message(self, state: dict[str, Any]) -> None:
        self.countdown.pass_by("before_state")
        super()._write_state_message(state)


def mortal(target: str) -> type[Mortal]:
    """A target that can die, with shorter waits between repeats."""
    quick = {"retry_policy": RetryPolicy(base_s=0.01, cap_s=0.05)}
    made: type[Mortal] = type(f"Mortal-{target}", (Mortal, members.plugin(target)), quick)
    return made


def run_child(order: Mapping[str, Any]) -> int:
    """One run, in the child."""
    Mortal.countdown = Countdown(order.get("point", "never"), order.get("nth", 1))
    Mortal.has_intents = order.get("has_intents", True)
    Mortal.forgets_jobs = order.get("forgets_jobs", False)
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    try:
        with open(order["input"], encoding="utf-8") as lines:  # noqa: PTH123 - as a shell would
            mortal(f"target-{order['vendor']}")(config=order["config"]).listen(lines)
    except ReverseETLError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the test reads it
        return error.exit_code
    return 0


def main() -> None:
    """Answer orders until stdin ends."""
    logging.disable(logging.WARNING)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(run_child(order))
        if "after_ms" in order:
            time.sleep(order["after_ms"] / 1000)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"exit": os.waitstatus_to_exitcode(status)}), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
