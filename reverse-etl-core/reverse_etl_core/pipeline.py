"""The way of a record, in this order, once: judge, look up, plan, batch, send, settle (DESIGN.md 4)."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from reverse_etl_core import reasons, settling
from reverse_etl_core.errors import FatalError, RetryableError, UnknownOutcomeError
from reverse_etl_core.intake import Intake
from reverse_etl_core.ledger import Status
from reverse_etl_core.operations import DeferCode, Missing, RejectCode, Rejected, Unanswered, Verb, Written
from reverse_etl_core.planning import (
    Candidate,
    Refusal,
    Removal,
    Step,
    doubt_ends_ms,
    first_step,
    missing_to_create,
    next_step,
    step_after_find,
)
from reverse_etl_core.queues import WorkQueues
from reverse_etl_core.sending import Sent, send, wait_out
from reverse_etl_core.superseding import latest_versions
from reverse_etl_core.tally import Fate, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import msgspec

    from reverse_etl_core.brakes import RejectionBrake
    from reverse_etl_core.destination import Destination
    from reverse_etl_core.intake import Judged
    from reverse_etl_core.ledger import Settlement, StreamLedger
    from reverse_etl_core.operations import Batch
    from reverse_etl_core.routing import Route
    from reverse_etl_core.sending import Crew
    from reverse_etl_core.traffic import Traffic

logger = logging.getLogger(__name__)

MAX_ROUNDS = 3
"""How often a record may be answered without being settled before it is rejected."""

MAX_LOSSES = 10
"""How often the create of one record may get no answer before the run gives up; a grace period lies between."""


class Pipeline:
    """Delivers the records of one stream.

    Args:
        route: Where they go.
        destination: The account.
        ledger: This stream's part of it.
        crew: Threads that send.
        tally: Where fates are counted.
        brake: Looks at rejections.
        grace_ms: How long a lost create may still be applied.
        wait: Sleeps that many seconds; true when the run is asked to stop meanwhile.
        traffic: Knows which writes got no answer.
    """

    def __init__(  # noqa: PLR0913 - the parts that a pipeline joins
        self,
        route: Route,
        *,
        destination: Destination,
        ledger: StreamLedger,
        crew: Crew[Any, Any],
        tally: Tally,
        brake: RejectionBrake,
        grace_ms: int,
        wait: Callable[[float], bool],
        traffic: Traffic,
    ) -> None:
        self.route = route
        self.tally = tally
        self._destination = destination
        self._ledger = ledger
        self._crew = crew
        self._brake = brake
        self._grace_ms = grace_ms
        self._wait = wait
        self._traffic = traffic
        self._intake = Intake(route)
        self._queues = WorkQueues(route)
        self._in_hand: dict[str, Judged] = {}
        self._unjudged = 0
        self._has_warned_of_removals = False

    def replay(self) -> None:
        """Try again what earlier runs could not deliver: what was under way when they died, refusals that are due."""
        for page in self._ledger.replayable():
            known = {one.source_key: one for one in page}
            self._accept([self._intake.judge_again(one) for one in page], known)
            self._work(everything=False)
        self._work(everything=True)

    def deliver(self, records: Sequence[msgspec.Raw | Mapping[str, Any]]) -> None:
        """Take records of the stream; what does not fill a request waits for `flush`.

        Raises:
            FatalError: The run cannot continue; unsettled records are still here, see `abandon`.
        """
        self.tally.read += len(records)
        self._unjudged = len(records)
        judged = self._intake.judge_all(records)
        self._unjudged = 0
        self._in_hand = latest_versions(judged, self._queues, self.tally)
        self._accept(list(self._in_hand.values()), self._ledger.lookup(list(self._in_hand)))
        self._brake.check(self.route.stream, self.tally, at_end=False)
        self._work(everything=False)

    def flush(self) -> None:
        """Settle everything: after this, STATE may leave."""
        self._work(everything=True)
        while len(self._queues):
            if not self._queues.doubts():
                msg = f"Stream '{self.route.stream}': records were left under way by an error. The next run sends them."
                raise FatalError(msg)
            self._wait_for_doubts()
            self._work(everything=True)
        self._brake.check(self.route.stream, self.tally, at_end=False)

    @property
    def has_records_in_hand(self) -> bool:
        """Whether an error left records of a chunk that are neither queued nor settled."""
        return bool(self._unjudged or self._in_hand)

    def finish(self) -> None:
        """Look at the whole input once it has ended."""
        self._brake.check(self.route.stream, self.tally, at_end=True)
        self._intake.check_input()

    def abandon(self, code: DeferCode, unread: int) -> None:
        """Count what the run leaves behind; the next run delivers it.

        Args:
            code: Why.
            unread: Records that arrived but were not taken.
        """
        self.tally.read += unread
        self.tally.settle(Fate.DEFERRED, unread + self._unjudged + len(self._in_hand), code=code.value)
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
        for one in judged:
            if isinstance(one, Removal):
                self._ignore_removal(one)
                continue
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

    def _ignore_removal(self, removal: Removal) -> None:
        self._count(removal, Fate.UNCHANGED)
        if not self._has_warned_of_removals:
            self._has_warned_of_removals = True
            logger.warning("Stream '%s': records removed at the source are left alone here.", self.route.stream)

    def _queue(self, planned: Sequence[tuple[Candidate, Step]]) -> list[Refusal]:
        """Queue records whose match value is theirs; refuse those whose value another record owns."""
        unowned = [one.match_key for one, _ in planned if one.known is None or one.known.match_key != one.match_key]
        owners = self._ledger.owners(unowned) if unowned else {}
        refusals = []
        for candidate, step in planned:
            owner = owners.get(candidate.match_key) or self._queues.claimant(candidate.match_key)
            if owner is None or owner == candidate.source_key:
                self._in_hand.pop(candidate.source_key, None)
                self._queues.put(candidate, step)
            else:
                reason = reasons.DUPLICATE.format(field=self.route.match_field)
                refusals.append(Refusal.of(candidate, RejectCode.DUPLICATE_KEY, reason))
        return refusals

    def _refuse(self, refusals: Sequence[Refusal]) -> None:
        now_ms = self._ledger.now_ms()
        news = [one for one in refusals if not one.is_known]
        self._ledger.settle([self._refused_by_us(one, now_ms) for one in news])
        for one in refusals:
            self._count(one, Fate.REJECTED, code=one.code.value)

    def _refused_by_us(self, refusal: Refusal, now_ms: int) -> Settlement:
        doubt = doubt_ends_ms(refusal.known, grace_ms=self._grace_ms, last_sign_ms=self._ledger.last_sign_ms)
        return settling.refused_by_us(refusal, now_ms=now_ms, in_doubt_until=doubt)

    def _count(self, judged: Judged, fate: Fate, *, code: str = "") -> None:
        """Count a record that needs no call."""
        self._in_hand.pop(judged.source_key, None)
        is_replay = not isinstance(judged, Removal) and judged.is_replay
        self.tally.settle(fate, code=code, is_replay=is_replay)

    def _work(self, *, everything: bool) -> None:
        """Find and send what fills requests, or all of it."""
        while True:
            finds = list(self._queues.take_finds(everything=everything))
            if finds:
                self._crew.run(finds, work=self._find, before=_nothing, after=self._found, idle=self._ledger.renew)
            batches = list(self._queues.take_batches(everything=everything))
            if batches:
                self._crew.run(
                    batches, work=self._send, before=self._intend, after=self._settle_batch, idle=self._ledger.renew
                )
            if not (finds or batches):
                return

    def _find(self, group: list[Candidate]) -> Mapping[str, Sequence[str]]:
        keys = [one.find_key for one in group]
        return self._destination.find(self.route.schema, self.route.match_field, keys)

    def _found(self, group: list[Candidate], found: Mapping[str, Sequence[str]]) -> None:
        now_ms = self._ledger.now_ms()
        settlements: list[Settlement] = []
        for candidate in group:
            step = step_after_find(candidate, self.route, list(found.get(candidate.find_key, ())))
            if isinstance(step, RejectCode):
                reason = reasons.AFTER_FIND[step].format(field=self.route.match_field)
                settlements.append(self._reject(candidate, step, reason, now_ms))
            elif step is Step.SKIP:
                settlements.append(self._deliver(candidate, str(candidate.destination_id), created=True))
            elif step is Step.CREATE and (missing := missing_to_create(candidate, self.route)):
                reason = reasons.INCOMPLETE.format(fields=", ".join(missing))
                settlements.append(self._reject(candidate, RejectCode.REQUIRED_FIELD, reason, now_ms))
            else:
                self._queues.put(candidate, step)
        self._ledger.settle(settlements)

    def _intend(self, batch: Batch) -> None:
        is_create = batch.verb is Verb.CREATE
        candidates = (self._queues.get(one.source_key) for one in batch.operations)
        self._ledger.intend(settling.intent(one, is_create=is_create) for one in candidates if one is not None)

    def _send(self, batch: Batch) -> Sent:
        before = self._traffic.uncertain_here()
        sent = send(self._destination, batch)
        sent.is_in_doubt = self._traffic.uncertain_here() > before
        return sent

    def _settle_batch(self, batch: Batch, sent: Sent) -> None:
        """Record the outcomes of one batch; what it leaves unsettled is planned again, or ends the run."""
        now_ms = self._ledger.now_ms()
        in_doubt_until = now_ms + self._grace_ms if sent.is_in_doubt else None
        delivered: list[tuple[Candidate, Written]] = []
        rejected: list[Settlement] = []
        for outcome in sent.outcomes:
            candidate = self._queues.get(outcome.source_key)
            if candidate is None:
                continue
            if isinstance(outcome, Written):
                delivered.append((candidate, outcome))
            elif (settlement := self._settle_refusal(batch.verb, candidate, outcome, now_ms)) is not None:
                rejected.append(settlement)
        self._ledger.settle(
            itertools.chain(
                (
                    settling.delivered(one, it.destination_id, created=it.created, in_doubt_until=in_doubt_until)
                    for one, it in delivered
                ),
                rejected,
            )
        )
        for candidate, _ in delivered:
            self._queues.drop(candidate.source_key)
        self._count_delivered(delivered)
        if sent.error is None:
            return
        if batch.verb is Verb.CREATE and isinstance(sent.error, UnknownOutcomeError):
            for source_key in sent.unsettled:
                self._doubt(source_key, now_ms)
            return
        if isinstance(sent.error, RetryableError):
            msg = f"Stream '{self.route.stream}': {sent.error} What was read but not delivered is sent by the next run."
            raise FatalError(msg) from sent.error
        raise sent.error

    def _count_delivered(self, delivered: Sequence[tuple[Candidate, Written]]) -> None:
        counts = Counter((it.created, one.is_replay) for one, it in delivered)
        for (created, is_replay), count in counts.items():
            self.tally.settle(Fate.CREATED if created else Fate.UPDATED, count, is_replay=is_replay)

    def _settle_refusal(
        self, verb: Verb, candidate: Candidate, outcome: Rejected | Missing | Unanswered, now_ms: int
    ) -> Settlement | None:
        """The row of a refused record; `None` for one that is planned again."""
        if isinstance(outcome, Rejected):
            found_id = candidate.destination_id if verb is Verb.UPDATE else None
            # A refused upsert does not say whether an earlier one, whose answer was lost, made the record.
            was_lost = candidate.known is not None and candidate.known.match_key is not None
            doubt = now_ms if verb is Verb.UPSERT and was_lost else None
            self._drop_rejected(candidate, outcome.code)
            reason = reasons.with_vendor_code(outcome)
            return settling.refused(
                candidate, outcome.code, reason, now_ms=now_ms, found_id=found_id, in_doubt_until=doubt
            )
        candidate.rounds += 1
        if candidate.rounds >= MAX_ROUNDS:
            if isinstance(outcome, Missing):
                return self._reject(candidate, RejectCode.NOT_FOUND, reasons.GONE, now_ms)
            reason = reasons.UNSETTLED.format(rounds=candidate.rounds)
            self._drop_rejected(candidate, RejectCode.VENDOR_REFUSED)
            doubt = now_ms + self._grace_ms
            return settling.refused(
                candidate,
                RejectCode.VENDOR_REFUSED,
                reason,
                now_ms=now_ms,
                found_id=candidate.destination_id,
                in_doubt_until=doubt,
            )
        if verb is Verb.CREATE:
            self._doubt(candidate.source_key, now_ms)
            return None
        if isinstance(outcome, Missing):
            self._forget_id(candidate)
        self._queues.put(candidate, next_step(candidate, self.route, now_ms=now_ms))
        return None

    def _forget_id(self, candidate: Candidate) -> None:
        """The destination no longer knows the id (L6). Without an answer it stays, or a rename would double it."""
        if self.route.matches_by_id:
            candidate.rounds = MAX_ROUNDS - 1
        candidate.destination_id = None

    def _doubt(self, source_key: str, now_ms: int) -> None:
        candidate = self._queues.get(source_key)
        if candidate is not None:
            candidate.losses += 1
            if candidate.losses >= MAX_LOSSES:
                msg = (
                    f"Stream '{self.route.stream}': {candidate.losses} creates of the same record got no answer. "
                    "The destination seems to be in trouble; the next run looks for the record and goes on."
                )
                raise FatalError(msg)
            candidate.in_doubt_until = now_ms + self._grace_ms
            self._queues.put(candidate, Step.DOUBT)

    def _wait_for_doubts(self) -> None:
        """Let the grace period of lost requests pass, then go on with their records."""
        doubts = [one.in_doubt_until for one in self._queues.doubts() if one.in_doubt_until is not None]
        seconds = (max(doubts, default=0) - self._ledger.now_ms()) / 1000
        if seconds > 0:
            logger.info(
                "Stream '%s': %d records were under way without an answer. Nothing more is sent for them in the next "
                "%.1f s, since an earlier request may still be applied.",
                self.route.stream,
                len(doubts),
                seconds,
            )
            wait_out(seconds, renew=self._ledger.renew, wait=self._wait)
        now_ms = self._ledger.now_ms()
        for candidate in self._queues.take_doubts():
            self._queues.put(candidate, next_step(candidate, self.route, now_ms=now_ms))

    def _deliver(self, candidate: Candidate, destination_id: str, *, created: bool) -> Settlement:
        self._queues.drop(candidate.source_key)
        self.tally.settle(Fate.CREATED if created else Fate.UPDATED, is_replay=candidate.is_replay)
        return settling.delivered(candidate, destination_id, created=created)

    def _reject(self, candidate: Candidate, code: RejectCode, reason: str, now_ms: int) -> Settlement:
        self._drop_rejected(candidate, code)
        return settling.refused(candidate, code, reason, now_ms=now_ms)

    def _drop_rejected(self, candidate: Candidate, code: RejectCode) -> None:
        self._queues.drop(candidate.source_key)
        self.tally.settle(Fate.REJECTED, code=code.value, is_replay=candidate.is_replay)


def _nothing(_job: object) -> None:
    """Reading needs no intent."""
