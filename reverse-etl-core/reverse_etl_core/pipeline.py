"""The way of a record, in this order, once: judge, look up, plan, batch, send, settle (DESIGN.md 4)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_etl_core import reasons, settling
from reverse_etl_core.doubles import doubles_of_others
from reverse_etl_core.errors import FatalError, message_of
from reverse_etl_core.intake import Intake
from reverse_etl_core.jobs import JOBS_AT_ONCE, JobRunner
from reverse_etl_core.ledger import Status
from reverse_etl_core.ledger.rows import WAITING_AGAIN
from reverse_etl_core.operations import DeferCode, RejectCode
from reverse_etl_core.parents import Parents
from reverse_etl_core.planning import Candidate, Refusal, Removal, Step, doubt_ends_ms, first_step, next_step
from reverse_etl_core.queue_worker import QueueWorker
from reverse_etl_core.queues import WorkQueues
from reverse_etl_core.recognition import Recognition
from reverse_etl_core.recording import Recorder
from reverse_etl_core.removals import RemovalSpool
from reverse_etl_core.superseding import latest_versions
from reverse_etl_core.tally import Fate, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reverse_etl_core.brakes import RejectionBrake, RemovalBrake
    from reverse_etl_core.destination import Destination
    from reverse_etl_core.holding import PlanHolder
    from reverse_etl_core.intake import Judged
    from reverse_etl_core.ledger import Delivery, Settlement, StreamLedger
    from reverse_etl_core.routing import Route
    from reverse_etl_core.sending import Crew
    from reverse_etl_core.traffic import Traffic

logger = logging.getLogger(__name__)

ROUNDS = 2
"""Full requests of each thread that one chunk fills: they are under way while the next chunk is judged."""


class Pipeline:
    """Delivers the records of one stream.

    Args:
        route: Where they go.
        destination: The account.
        ledger: This stream's part of it.
        crew: Threads that send.
        tally: Where fates are counted.
        brakes: Look at rejections and removals.
        holder: Holds what they find.
        grace_ms: How long a lost create may still be applied.
        wait: Sleeps that many seconds; true when the run is asked to stop meanwhile.
        traffic: Knows which writes got no answer.
        parents: What its records point to; settled before anything is sent.
    """

    def __init__(  # noqa: PLR0913 - the parts that a pipeline joins
        self,
        route: Route,
        *,
        destination: Destination,
        ledger: StreamLedger,
        crew: Crew[Any, Any],
        tally: Tally,
        brakes: tuple[RejectionBrake, RemovalBrake],
        holder: PlanHolder,
        grace_ms: int,
        wait: Callable[[float], bool],
        traffic: Traffic,
        parents: Parents | None = None,
    ) -> None:
        self.route = route
        self.tally = tally
        self._ledger = ledger
        self._crew = crew
        self._brake = brakes[0]
        self._holder = holder
        self._removals = RemovalSpool(route, ledger, tally, brake=brakes[1], holder=holder)
        self._grace_ms = grace_ms
        self._intake = Intake(route)
        self._queues = WorkQueues(route, crew.size)
        self._recognition = Recognition(route, self._intake, ledger, self._queues)
        self._recorder = Recorder(route, ledger, self._queues, tally, grace_ms)
        self._jobs: JobRunner | None = None
        if destination.jobs is not None:  # also where no new ones are wanted: an earlier run may have left one
            self._jobs = JobRunner(
                destination.jobs,
                route,
                ledger=ledger,
                queues=self._queues,
                recorder=self._recorder,
                wait=wait,
                at_once=min(crew.size, JOBS_AT_ONCE),
            )
        self._parents = parents or Parents(route.references)
        self._worker = QueueWorker(
            route,
            self._queues,
            self._recorder,
            destination=destination,
            ledger=ledger,
            crew=crew,
            jobs=self._jobs,
            parents=self._parents,
            traffic=traffic,
            wait=wait,
        )
        self._in_hand: dict[str, Judged] = {}
        self._unjudged = 0

    def replay(self) -> None:
        """Try again what earlier runs could not deliver: what was under way when they died, refusals that are due."""
        if self._jobs is not None:
            self._jobs.adopt()
        for page in self._ledger.replayable():
            adopted = [self._queues.drop(one.source_key) for one in page]
            judged = [self._replayed(row, left) for row, left in zip(page, adopted, strict=True)]
            self._accept([one for one, _ in judged], {row.source_key: row for _, row in judged})
            self._worker.work(everything=False)
        self._worker.work(everything=True)

    def _replayed(self, row: Delivery, left: Candidate | None) -> tuple[Candidate | Refusal, Delivery]:
        """Judge a record of an earlier run by today's rules.

        Args:
            row: What the ledger says of it.
            left: What an adopted job said of it, beyond that: nothing of it is under way any more, unless this does.
        """
        judged = self._intake.judge_again(row)
        if left is None:
            return judged, row
        if isinstance(judged, Candidate):
            judged.is_contended = left.is_contended
        known = {"intent_at": None, "in_doubt_until": left.in_doubt_until, "destination_id": left.destination_id}
        return judged, msgspec.structs.replace(row, **known)

    def deliver(self, records: Sequence[msgspec.Raw | Mapping[str, Any]]) -> None:
        """Take records of the stream; what does not fill a request waits for `flush`, and so do the last requests.

        Raises:
            FatalError: The run cannot continue; unsettled records are still here, see `abandon`.
        """
        self.tally.read += len(records)
        self._unjudged = len(records)
        judged = self._recognition.judge(records)
        self._unjudged = len(judged)
        self.tally.settle(Fate.UNCHANGED, len(records) - len(judged))
        self._worker.wait_for(one.source_key for one in judged)
        self._unjudged = 0
        self._in_hand = latest_versions(judged, self._queues, self.tally)
        self._accept(list(self._in_hand.values()), self._ledger.lookup(list(self._in_hand)))
        self._check_rejections(at_end=False)
        self._worker.start()

    def _check_rejections(self, *, at_end: bool) -> None:
        violation = self._brake.violation(self.tally, at_end=at_end)
        if violation is not None:
            self._holder.hold_rejections(violation, list(self.tally.codes))

    def take_over(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Take records that earlier runs rejected since they named no object; the ledger has kept them elsewhere."""
        judged = self._intake.judge_all(records)
        for one in judged:
            if not isinstance(one, Removal):
                one.is_replay = True
        latest = latest_versions(judged, self._queues, self.tally)
        self._accept(list(latest.values()), self._ledger.lookup(list(latest)))
        self._worker.work(everything=False)

    def forget_rejects(self, source_keys: Sequence[str]) -> None:
        """Forget refused versions of records that go to another object now."""
        self._worker.wait_for(source_keys)  # one of them may be about to be refused
        self._ledger.forget_rejects(source_keys)

    def flush(self) -> None:
        """Settle everything: after this, STATE may leave."""
        if self._worker.is_working:  # a parent of its own parent: what it has in hand is settled by whoever works on it
            self._worker.settle()
            return
        self._worker.work(everything=True)
        while len(self._queues):
            if not self._queues.doubts():
                msg = f"Stream '{self.route.stream}': records were left under way by an error. The next run sends them."
                raise FatalError(msg)
            self._worker.wait_for_doubts()
            self._worker.work(everything=True)
        self._check_rejections(at_end=False)

    def settle(self) -> None:
        """Write down what comes of the requests and jobs that are under way; records that wait for theirs still do."""
        self._worker.settle()

    def settle_requests(self) -> None:
        """Write down what comes of the requests that are under way, not of jobs: those may take their time."""
        self._worker.settle_requests()

    def retry_orphans(self) -> None:
        """Try records again that earlier runs rejected for a parent that is known by now, due or not."""
        for page in self._ledger.orphans():
            rows = self._parents.those_known(page)
            self._accept([self._intake.judge_again(one) for one in rows], {one.source_key: one for one in rows})
            self._worker.work(everything=False)
        self.flush()

    def retry_waiting(self) -> bool:
        """Try records once more that were rejected for a parent that may have arrived since.

        Returns:
            Whether fewer of them wait than before.
        """
        waited = sum(self.tally.waiting.values())
        for rows in self._ledger.waiting():
            # The same attempt goes on: one that is in vain rests no longer for it.
            page = [msgspec.structs.replace(one, attempts=max(0, one.attempts - 1)) for one in rows]
            judged = [self._judge_again(one) for one in page]
            self._accept(judged, {one.source_key: one for one in page})
            self._worker.work(everything=False)
        self.flush()
        return sum(self.tally.waiting.values()) < waited

    def _judge_again(self, row: Delivery) -> Candidate | Refusal:
        judged = self._intake.judge_again(row)
        judged.is_replay = row.waiting == WAITING_AGAIN
        self.tally.take_back(str(row.error_code), is_replay=judged.is_replay)
        return judged

    def stop_waiting(self) -> None:
        """Let records rest whose parent did not arrive: they are rejected, and tried again by later runs."""
        now_ms = self._ledger.now_ms()
        self._ledger.stop_waiting(lambda attempts: now_ms + settling.due_after_ms(attempts))

    @property
    def records_at_once(self) -> int:
        """Records of a chunk that keeps the threads busy; none in particular where records wait for a job anyway."""
        schema = self.route.schema
        return 0 if schema.jobs is not None else ROUNDS * self._crew.size * schema.limits.records_per_request

    @property
    def pipelines(self) -> list[Pipeline]:
        """Itself: a stream goes to one object, unless a `Dispatcher` delivers it."""
        return [self]

    @property
    def has_records_in_hand(self) -> bool:
        """Whether an error left records of a chunk that are neither queued nor settled."""
        return bool(self._unjudged or self._in_hand)

    def finish(self) -> None:
        """Look at the whole input once it has ended."""
        self._check_rejections(at_end=True)
        self._intake.check_input()

    def check_removals(self) -> None:
        """Look at the removals that wait, once the input has ended and before the first one is carried out.

        Raises:
            BrakeError: There are too many, and nobody approved them.
        """
        self._removals.check()

    def remove(self) -> None:
        """Carry out the removals that wait."""
        for candidates, known in self._removals.candidates():
            self._plan_removals(candidates, known)
            self._worker.work(everything=False)
        self.flush()
        self._holder.carried_out()

    def _plan_removals(self, candidates: Sequence[Candidate], known: Mapping[str, Delivery]) -> None:
        now_ms = self._ledger.now_ms()
        for one in candidates:
            row = known[one.source_key]
            one.learn(row)
            one.unsure_key = None
            # That an earlier removal got no answer is no matter: it may be repeated at once.
            if row.record is not None or row.status is not Status.PENDING:
                one.in_doubt_until = self._doubt_ends_ms(row)
            self._queues.put(one, next_step(one, self.route, now_ms=now_ms))

    def _doubt_ends_ms(self, known: Delivery | None) -> int | None:
        return doubt_ends_ms(known, grace_ms=self._grace_ms, last_sign_ms=self._ledger.last_sign_ms)

    def knows(self, source_keys: Sequence[str]) -> set[str]:
        """Those of the records that were delivered here, or are on their way."""
        return set(self._ledger.lookup(source_keys)) | {one for one in source_keys if self._queues.get(one)}

    def abandon(self, code: DeferCode, unread: int) -> None:
        """Count what the run leaves behind; the next run delivers it.

        Args:
            code: Why.
            unread: Records that arrived but were not taken.
        """
        try:
            self._worker.settle()
        except Exception as error:  # noqa: BLE001 - the run has ended for another one, which this must not stand in for
            logger.warning("Stream '%s': %s", self.route.stream, message_of(error))
        self.tally.read += unread
        left = unread + self._unjudged + len(self._in_hand) + self._removals.abandon()
        self.tally.settle(Fate.DEFERRED, left, code=code.value)
        for candidate in self._queues.candidates():
            self._queues.drop(candidate.source_key)
            self.tally.settle(Fate.DEFERRED, code=code.value, is_replay=candidate.is_replay)

    def close(self) -> None:
        """Release the lease."""
        self._ledger.close()

    def _accept(self, judged: Sequence[Judged], known: Mapping[str, Any]) -> None:
        """Plan each record by what the ledger knows of it."""
        refusals: list[Refusal] = []
        planned: list[tuple[Candidate, Step]] = []
        now_ms = self._ledger.now_ms()
        others = self._without_unchanged(judged, known)
        removals = [one for one in others if isinstance(one, Removal)]
        records = [one for one in others if not isinstance(one, Removal)]
        self._removals.keep([known[one.source_key] for one in records if one.source_key in known])
        self._removals.take(removals, known, self._doubt_ends_ms)
        for removal in removals:
            self._in_hand.pop(removal.source_key, None)
        for one in records:
            one.learn(known.get(one.source_key))
            if isinstance(one, Refusal):
                refusals.append(one)
                continue
            step = first_step(
                one, self.route, now_ms=now_ms, grace_ms=self._grace_ms, last_sign_ms=self._ledger.last_sign_ms
            )
            if step is Step.SKIP:
                if one.known is not None and one.known.status is not Status.DELIVERED:
                    self._ledger.settle([settling.left_alone(one.known)])
                self._count(one, Fate.UNCHANGED)
            elif step is Step.STAY_REJECTED:
                self._count(one, Fate.REJECTED, code=str(one.known and one.known.error_code))
            else:
                planned.append((one, step))
        refusals += self._queue(planned)
        self._refuse(refusals)

    def _without_unchanged(self, judged: Sequence[Judged], known: Mapping[str, Delivery]) -> Sequence[Judged]:
        """Count the records that are delivered as they are, which most are; the others."""
        if self.route.compares:
            return judged
        others: list[Judged] = []
        unchanged = 0
        recognised: dict[str, bytes] = {}
        in_hand = self._in_hand.pop
        for one in judged:
            row = known.get(one.source_key)
            if one.__class__ is not Candidate or one.is_replay:
                others.append(one)
            elif row is not None and one.is_delivered_as(row):
                unchanged += 1
                in_hand(one.source_key, None)
                if one.fingerprint is not None:
                    recognised[one.source_key] = one.fingerprint
            elif self._asks_for_nothing(one, row):
                unchanged += 1
                in_hand(one.source_key, None)
            else:
                others.append(one)
        self._ledger.recognise(recognised)
        self.tally.settle(Fate.UNCHANGED, unchanged)
        return others

    def _asks_for_nothing(self, candidate: Candidate, known: Delivery | None) -> bool:
        """Whether nothing has to be done for a record, although it is not delivered as it is; here: never."""
        del candidate, known
        return False

    def _queue(self, planned: Sequence[tuple[Candidate, Step]]) -> list[Refusal]:
        """Queue records that are theirs; refuse those whose match value, or place, another record of the source has."""
        owners = self._owners(planned)
        if self._worker.wait_for(self._rivals(planned, owners)):
            owners = self._owners(planned)
            self._look_again([one for one, _ in planned])
        settled = doubles_of_others(self._ledger, [one for one, _ in planned])
        refusals = []
        for candidate, step in planned:
            owner = owners.get(candidate.match_key) or self._queues.claimant(candidate.match_key)
            holder = self._queues.holder(candidate.destination_id) or candidate.source_key
            if candidate.source_key in settled or holder != candidate.source_key:
                refusals.append(Refusal.of(candidate, RejectCode.DUPLICATE_KEY, reasons.SHARED))
            elif owner is None or owner == candidate.source_key:
                self._in_hand.pop(candidate.source_key, None)
                self._queues.put(candidate, step)
            else:
                reason = reasons.DUPLICATE.format(field=self.route.match_field)
                refusals.append(Refusal.of(candidate, RejectCode.DUPLICATE_KEY, reason))
        return refusals

    def _look_again(self, candidates: Sequence[Candidate]) -> None:
        """Learn whether what was settled meanwhile was written over one of the records."""
        rows = self._ledger.lookup([one.source_key for one in candidates])
        for one in candidates:
            if one.known is not None and one.source_key in rows:
                one.known = msgspec.structs.replace(one.known, payload_hash=rows[one.source_key].payload_hash)

    def _owners(self, planned: Sequence[tuple[Candidate, Step]]) -> Mapping[str, str]:
        """Match keys of records that are new under them, to the source keys of those that have them."""
        unowned = [one.match_key for one, _ in planned if one.known is None or one.known.match_key != one.match_key]
        return self._ledger.owners(unowned) if unowned else {}

    def _rivals(self, planned: Sequence[tuple[Candidate, Step]], owners: Mapping[str, str]) -> Iterator[str]:
        """Source keys of those that have, or are about to have, the match value or the place of another record."""
        yield from owners.values()
        for candidate, _ in planned:
            yield self._queues.claimant(candidate.match_key) or ""
            yield self._queues.holder(candidate.destination_id) or ""

    def _refuse(self, refusals: Sequence[Refusal]) -> None:
        now_ms = self._ledger.now_ms()
        news = [one for one in refusals if not one.is_known]
        self._ledger.settle([self._refused_by_us(one, now_ms) for one in news])
        for one in refusals:
            self._count(one, Fate.REJECTED, code=one.code.value)

    def _refused_by_us(self, refusal: Refusal, now_ms: int) -> Settlement:
        return settling.refused_by_us(refusal, now_ms=now_ms, in_doubt_until=self._doubt_ends_ms(refusal.known))

    def _count(self, judged: Candidate | Refusal, fate: Fate, *, code: str = "") -> None:
        """Count a record that needs no call."""
        self._in_hand.pop(judged.source_key, None)
        self.tally.settle(fate, code=code, is_replay=judged.is_replay)

    def ids_of(self, match_keys: Sequence[str]) -> Mapping[str, str]:
        """Match keys to the ids of the records that were delivered with them."""
        return self._ledger.ids_of(match_keys)
