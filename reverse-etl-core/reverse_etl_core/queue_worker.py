"""Records that wait are worked off: looked for, sent in jobs or batches, and what came of them is written down."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_etl_core.finding import look
from reverse_etl_core.operations import Verb
from reverse_etl_core.planning import next_step
from reverse_etl_core.recording import is_doubt
from reverse_etl_core.sending import InFlight, Sent, send, wait_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_etl_core.destination import Destination
    from reverse_etl_core.errors import ReverseETLError
    from reverse_etl_core.jobs import JobRunner
    from reverse_etl_core.ledger import StreamLedger
    from reverse_etl_core.operations import Batch, Current
    from reverse_etl_core.parents import Parents
    from reverse_etl_core.planning import Candidate
    from reverse_etl_core.queues import WorkQueues
    from reverse_etl_core.recording import Recorder
    from reverse_etl_core.routing import Route
    from reverse_etl_core.sending import Crew
    from reverse_etl_core.traffic import Traffic

logger = logging.getLogger(__name__)


class QueueWorker:
    """Works off the queues of one stream.

    Args:
        route: Where the records go.
        queues: Where they wait.
        recorder: Writes down what is about to be sent, and what came of it.
        destination: The account.
        ledger: The stream's part of it.
        crew: Threads that find and send.
        jobs: Runs asynchronous jobs; `None` where the destination has none.
        parents: What the records point to; settled before anything is sent.
        traffic: Knows which writes got no answer.
        wait: Sleeps that many seconds; true when the run is asked to stop meanwhile.

    Attributes:
        is_working: Whether it is at work: a stream that is a parent of its own parent comes here again.
    """

    def __init__(  # noqa: PLR0913 - the parts that it joins
        self,
        route: Route,
        queues: WorkQueues,
        recorder: Recorder,
        *,
        destination: Destination,
        ledger: StreamLedger,
        crew: Crew[Any, Any],
        jobs: JobRunner | None,
        parents: Parents,
        traffic: Traffic,
        wait: Callable[[float], bool],
    ) -> None:
        self._route = route
        self._queues = queues
        self._recorder = recorder
        self._destination = destination
        self._ledger = ledger
        self._crew = crew
        self._jobs = jobs
        self._parents = parents
        self._traffic = traffic
        self._wait = wait
        self._in_flight: InFlight[Batch, Sent] = InFlight(crew, work=self._send, after=recorder.sent, idle=ledger.renew)
        self._points_to_itself = any(one.object_name == route.schema.name for one in route.references.values())
        self._ending: ReverseETLError | None = None
        self.is_working = False

    def work(self, *, everything: bool) -> None:
        """Find and send once it is time to, or all of it; the parents first. Whatever is in flight is settled."""
        if self._queues.is_due(everything=everything) or self._is_under_way:
            self._work_off(everything=everything, settles=True)

    def start(self) -> None:
        """Find and send once it is time to; the parents first. What is sent last is left in flight.

        Unless the records point to each other: those that come next may name one that is under way.
        """
        if self._queues.is_due(everything=False):
            self._work_off(everything=False, settles=self._points_to_itself)

    def wait_for(self, source_keys: Iterable[str]) -> bool:
        """Settle what is in flight if one of the records is; whether that was so."""
        has_to_wait = self._is_under_way and any(map(self._queues.is_under_way, source_keys))
        if has_to_wait:
            self._parents.settle_others()
            self.settle()
        return has_to_wait

    def settle_requests(self) -> None:
        """Wait for the answers to the requests that are in flight, and write down what came of them."""
        self._in_flight.settle()

    def settle(self) -> None:
        """Wait for all that is under way, and write down what came of it."""
        self.settle_requests()
        if self._jobs is not None:
            self._jobs.settle()

    @property
    def _is_under_way(self) -> bool:
        """Whether anything that was sent is not settled."""
        return bool(len(self._in_flight) or (self._jobs is not None and len(self._jobs)))

    def _work_off(self, *, everything: bool, settles: bool) -> None:
        if self.is_working:  # a parent of its own parent
            return
        self.is_working = True
        try:
            self._parents.settle()
            while self._take_turn(everything=everything, settles=settles):
                pass
        finally:
            self.is_working = False

    def _take_turn(self, *, everything: bool, settles: bool) -> bool:
        """Find, run jobs, send; whether there was anything to do, and so may be again."""
        finds = list(self._queues.take_finds(everything=everything))
        if finds and self._route.then_match_on:
            self.settle()  # another record that is under way may have the value by which one of these is looked for
        if finds:
            self._crew.run(finds, work=self._find, after=self._recorder.found, idle=self._ledger.renew)
        has_started_job = self._start_jobs(everything=everything)
        batches = [self._with_known(one) for one in self._queues.take_batches(everything=everything)]
        if self._route.schema.prepares and self._route.removal.is_active:
            batches = self._prepared(batches)
        self._in_flight.send(self._recorder.intended(batches))
        has_settled = settles and self._is_under_way
        if has_settled:
            self.settle()
        return bool(finds or has_started_job or batches or has_settled)

    def _with_known(self, batch: Batch) -> Batch:
        """A batch with what the ledger knows: ids of parents, and which records are ours to take away."""
        known = self._parents.with_ids(batch)
        if known is batch or not self._route.removal.is_active:
            return known
        candidates = (self._queues.get(one.source_key) for one in batch.operations)
        ours = frozenset(one.source_key for one in candidates if one and one.known and one.known.created_by_us)
        return msgspec.structs.replace(known, ours=ours)

    def _prepared(self, batches: Sequence[Batch]) -> list[Batch]:
        """The batches, once the destination was read for what their intents have to say."""
        prepared = [one for one in batches if one.verb is Verb.REMOVE]

        def note(_batch: Batch, parts: Sequence[Batch]) -> None:
            for operation in (operation for one in parts for operation in one.operations):
                candidate = self._queues.get(operation.source_key)
                if candidate is not None:
                    self._queues.identify(candidate, operation.destination_id)
            prepared.extend(parts)

        others = [one for one in batches if one.verb is not Verb.REMOVE]
        self._crew.run(others, work=self._destination.prepare, after=note, idle=self._ledger.renew)
        return prepared

    def _start_jobs(self, *, everything: bool) -> bool:
        """Start the jobs for which there are records enough; whether there was any."""
        has_started = False
        while self._jobs is not None and (batch := self._queues.take_job(everything=everything)) is not None:
            self._jobs.start(batch)
            has_started = True
        return has_started

    def _find(self, group: list[Candidate]) -> Mapping[str, Sequence[Current]]:
        """Read a group of records that are looked for by the same field."""
        route = self._route
        looks = [look(one, route) for one in group]
        field = looks[0][0]
        fields = (
            route.fields_read
            if field == route.match_field or field is None
            else (*route.fields_read, route.match_field)
        )
        return self._destination.read(route.schema, field, [key for _, key in looks], fields)

    def _send(self, batch: Batch) -> Sent:
        """Send a batch in a thread; none that was waiting when another one met an error that ends the run."""
        if self._ending is not None:
            return Sent(unsettled=[one.source_key for one in batch.operations], error=self._ending)
        before = self._traffic.uncertain_here()
        sent = send(self._destination, batch)
        sent.is_in_doubt = self._traffic.uncertain_here() > before
        if sent.error is not None and not is_doubt(batch.verb, sent.error):
            self._ending = sent.error
        return sent

    def wait_for_doubts(self) -> None:
        """Let the grace period of lost requests pass, then go on with their records."""
        doubts = [one.in_doubt_until for one in self._queues.doubts() if one.in_doubt_until is not None]
        seconds = (max(doubts, default=0) - self._ledger.now_ms()) / 1000
        if seconds > 0:
            logger.info(
                "Stream '%s': %d records were under way without an answer. Nothing more is sent for them in the next "
                "%.1f s, since an earlier request may still be applied.",
                self._route.stream,
                len(doubts),
                seconds,
            )
            wait_out(seconds, renew=self._ledger.renew, wait=self._wait)
        now_ms = self._ledger.now_ms()
        for candidate in self._queues.take_doubts():
            self._queues.put(candidate, next_step(candidate, self._route, now_ms=now_ms))
