"""What came of records, into ledger, tally and queues: one outcome per operation, by key (DESIGN.md 4, step 8)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from reverse_etl_core import reasons, settling
from reverse_etl_core.doubles import Doubles
from reverse_etl_core.errors import AccountingError, FatalError, RetryableError, UnknownOutcomeError
from reverse_etl_core.finding import look, step_after_find
from reverse_etl_core.ledger import Status
from reverse_etl_core.ledger.rows import WAITING_AGAIN, WAITING_NEW
from reverse_etl_core.operations import Missing, RejectCode, Rejected, Removed, Unattempted, Verb, Written
from reverse_etl_core.planning import Candidate, Refusal, Step, doubt_ends_ms, missing_to_create, next_step
from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reverse_etl_core.errors import ReverseETLError
    from reverse_etl_core.ledger import Intent, Job, Settlement, StreamLedger
    from reverse_etl_core.operations import Batch, Current, Outcome
    from reverse_etl_core.queues import WorkQueues
    from reverse_etl_core.routing import Route
    from reverse_etl_core.sending import Sent
    from reverse_etl_core.tally import Tally

MAX_ROUNDS = 4
"""How often a record may be answered without being settled before it is rejected."""

ROUNDS_IN_JOBS = 2
"""How often of these in jobs. One that fails says nothing of its records, and so may the next: then they travel in
requests, which answer for each of them."""

MAX_LOSSES = 10
"""How often the create of one record may get no answer before the run gives up; a grace period lies between."""


class Recorder:
    """Keeps the books of one stream: what is about to be sent, and what came of it.

    Args:
        route: Where the records go.
        ledger: The stream's part of it.
        queues: The records on their way.
        tally: Where fates are counted.
        grace_ms: How long a lost request may still be applied.
    """

    def __init__(self, route: Route, ledger: StreamLedger, queues: WorkQueues, tally: Tally, grace_ms: int) -> None:
        self._route = route
        self._ledger = ledger
        self._queues = queues
        self._tally = tally
        self._grace_ms = grace_ms
        self._doubles = Doubles(ledger, queues)

    def intended(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Note each batch durably before it is handed out to be sent."""
        for batch in batches:
            left = self.intend(batch)
            if left.operations:
                yield left

    def intend(self, batch: Batch, job: Job | None = None) -> Batch:
        """Note durably what is about to be sent (L1).

        Returns:
            The batch without records whose match value another worker gave to another one; they are rejected.
        """
        is_create = batch.verb is Verb.CREATE
        candidates = (self._queues.get(one.source_key) for one in batch.operations)
        intents = (_intent(one, is_create=is_create) for one in candidates if one is not None)
        refused = set(self._ledger.intend(intents, job))
        if not refused:
            return batch
        self._refuse_duplicates(refused)
        left = tuple([one for one in batch.operations if one.source_key not in refused])
        return msgspec.structs.replace(batch, operations=left)

    def _refuse_duplicates(self, source_keys: Iterable[str]) -> None:
        settlements = []
        now_ms = self._ledger.now_ms()
        reason = reasons.DUPLICATE.format(field=self._route.match_field)
        for candidate in [self._queues.get(one) for one in source_keys]:
            if candidate is None:
                continue
            refusal = Refusal.of(candidate, RejectCode.DUPLICATE_KEY, reason)
            doubt = doubt_ends_ms(candidate.known, grace_ms=self._grace_ms, last_sign_ms=self._ledger.last_sign_ms)
            settlements.append(settling.refused_by_us(refusal, now_ms=now_ms, in_doubt_until=doubt))
        self._ledger.settle(settlements)
        for one in source_keys:
            candidate = self._queues.get(one)
            if candidate is not None:
                self._drop_rejected(candidate, RejectCode.DUPLICATE_KEY)

    def found(self, group: Sequence[Candidate], found: Mapping[str, Sequence[Current]]) -> None:
        """Plan records anew once the destination was read by what they are recognised by."""
        now_ms = self._ledger.now_ms()
        settlements: list[Settlement] = []
        holders = self._doubles.holders(group, found)
        for candidate in group:
            field, key = look(candidate, self._route)
            records = found.get(key, ())
            step = step_after_find(candidate, self._route, records)
            if isinstance(step, RejectCode):
                ids = [one.destination_id for one in records]
                own = self._route.match_field
                reason = reasons.after_find(step, field or own, ids, match_field=own)
                settlements.append(self._reject(candidate, step, reason, now_ms))
            elif self._doubles.is_taken(candidate, holders):
                self._drop_rejected(candidate, RejectCode.DUPLICATE_KEY)
                taken_id = str(candidate.destination_id)
                settlements.append(settling.double(candidate, taken_id, reasons.SHARED, now_ms=now_ms))
            elif step is Step.SKIP:
                settlements.append(self._skip(candidate, key, now_ms))
            elif step is Step.CREATE and (missing := missing_to_create(candidate, self._route)):
                reason = reasons.INCOMPLETE.format(fields=", ".join(missing))
                settlements.append(self._reject(candidate, RejectCode.REQUIRED_FIELD, reason, now_ms))
            else:
                self._queues.put(candidate, step)
        self._ledger.settle(settlements)

    def _skip(self, candidate: Candidate, key: str, now_ms: int) -> Settlement:
        """The destination was read, and nothing has to be written."""
        if candidate.is_removal:
            return self._removed(candidate, now_ms)
        destination_id = str(candidate.destination_id)
        if self._route.load_method == "create":
            return self._deliver(candidate, destination_id, key)
        self._queues.drop(candidate.source_key)
        self._tally.settle(Fate.UNCHANGED, is_replay=candidate.is_replay)
        return settling.unchanged(candidate, destination_id)

    def _removed(self, candidate: Candidate, now_ms: int, in_doubt_until: int | None = None) -> Settlement:
        self._queues.drop(candidate.source_key)
        self._tally.settle(Fate.REMOVED, is_replay=candidate.is_replay)
        is_cleared = self._route.removal.way is None
        return settling.removed(candidate, is_cleared=is_cleared, now_ms=now_ms, in_doubt_until=in_doubt_until)

    def _deliver(self, candidate: Candidate, destination_id: str, held_key: str) -> Settlement:
        """A lost create is found: it was ours, and is left under the key that it was made with."""
        self._queues.drop(candidate.source_key)
        self._tally.settle(Fate.CREATED, is_replay=candidate.is_replay)
        found = Written(candidate.source_key, destination_id, created=True)
        return settling.delivered(candidate, found, held_key=held_key)

    def _reject(self, candidate: Candidate, code: RejectCode, reason: str, now_ms: int) -> Settlement:
        self._drop_rejected(candidate, code)
        return settling.refused(candidate, code, reason, now_ms=now_ms)

    def _drop_rejected(self, candidate: Candidate, code: RejectCode, *, is_waiting: bool = False) -> None:
        self._queues.drop(candidate.source_key)
        self._tally.settle(Fate.REJECTED, code=code.value, is_replay=candidate.is_replay, is_waiting=is_waiting)

    def sent(self, batch: Batch, sent: Sent) -> None:
        """Record the outcomes of one batch; what it leaves unsettled is planned again, or ends the run."""
        in_doubt_until = self._ledger.now_ms() + self._grace_ms if sent.is_in_doubt else None
        self.outcomes(batch.verb, sent.outcomes, in_doubt_until=in_doubt_until)
        if sent.error is None:
            return
        if is_doubt(batch.verb, sent.error):
            now_ms = self._ledger.now_ms()
            for source_key in sent.unsettled:
                self._doubt(source_key, now_ms)
            return
        if isinstance(sent.error, RetryableError):
            stream = self._route.stream
            msg = f"Stream '{stream}': {sent.error} What was read but not delivered is sent by the next run."
            raise FatalError(msg) from sent.error
        raise sent.error

    def outcomes(self, verb: Verb, outcomes: Iterable[Outcome], *, in_doubt_until: int | None = None) -> None:
        """Record outcomes in one durable step.

        Args:
            verb: What was asked.
            outcomes: What came of it.
            in_doubt_until: Until when an earlier attempt without an answer may still be applied.
        """
        now_ms = self._ledger.now_ms()
        delivered: list[tuple[Candidate, Written]] = []
        settlements: list[Settlement] = []
        for outcome in outcomes:
            candidate = self._queues.get(outcome.source_key)
            if candidate is None:
                continue
            if candidate.is_removal and isinstance(outcome, (Removed, Written, Missing)):
                settlements.append(self._removed(candidate, now_ms, in_doubt_until))
            elif isinstance(outcome, Written):
                delivered.append((candidate, outcome))
            elif (settlement := self._settle_refusal(verb, candidate, outcome, now_ms)) is not None:
                settlements.append(settlement)
        rows = self._doubles.settled(delivered, now_ms=now_ms, in_doubt_until=in_doubt_until)
        self._ledger.settle([*settlements, *rows])
        owned: list[tuple[Candidate, Written]] = []
        for (candidate, outcome), row in zip(delivered, rows, strict=True):
            if row.status is Status.REJECTED:
                self._drop_rejected(candidate, RejectCode.DUPLICATE_KEY)
            else:
                self._queues.drop(candidate.source_key)
                owned.append((candidate, outcome))
        self._count_delivered(owned)

    def _count_delivered(self, delivered: Sequence[tuple[Candidate, Written]]) -> None:
        counts = Counter((settling.fate_of(it), one.is_replay) for one, it in delivered)
        for (fate, is_replay), count in counts.items():
            self._tally.settle(fate, count, is_replay=is_replay)

    def _settle_refusal(self, verb: Verb, candidate: Candidate, outcome: Outcome, now_ms: int) -> Settlement | None:
        """The row of a refused record; `None` for one that is planned again."""
        if isinstance(outcome, Removed):
            msg = "The destination says that a record is away that was to be written. Please report this."
            raise AccountingError(msg)
        if isinstance(outcome, Rejected) and not self._came_too_late(verb, candidate, outcome):
            return self._settle_rejected(verb, candidate, outcome, now_ms)
        candidate.rounds += 1
        if candidate.rounds >= MAX_ROUNDS:
            return self._give_up(candidate, outcome, now_ms)
        candidate.is_contended = candidate.is_contended or candidate.rounds >= ROUNDS_IN_JOBS
        if isinstance(outcome, Rejected):
            self._queues.put(candidate, Step.FIND)
            return None
        if isinstance(outcome, Unattempted):
            candidate.is_contended = candidate.is_contended or outcome.is_contended
        elif verb is Verb.CREATE:
            self._doubt(candidate.source_key, now_ms)
            return None
        elif isinstance(outcome, Missing):
            self._forget_id(candidate)
        self._queues.put(candidate, next_step(candidate, self._route, now_ms=now_ms))
        return None

    def _came_too_late(self, verb: Verb, candidate: Candidate, outcome: Rejected) -> bool:
        """Whether somebody else created a record between our look for it and our create: it is found and updated."""
        is_there = verb is Verb.CREATE and outcome.code is RejectCode.ALREADY_EXISTS
        return is_there and self._route.load_method == "upsert" and candidate.rounds + 1 < MAX_ROUNDS

    def _settle_rejected(self, verb: Verb, candidate: Candidate, outcome: Rejected, now_ms: int) -> Settlement:
        found_id = candidate.destination_id if verb is Verb.UPDATE else None
        # A refused upsert does not say whether an earlier one, whose answer was lost, made the record.
        was_lost = candidate.known is not None and candidate.known.match_key is not None
        doubt = now_ms if verb is Verb.UPSERT and was_lost else None
        # Its parent may come later in this run: it is tried once more then, and brakes look at it only afterwards.
        is_waiting = outcome.code is RejectCode.REFERENCE_NOT_FOUND and bool(self._route.references)
        self._drop_rejected(candidate, outcome.code, is_waiting=is_waiting)
        return settling.refused(
            candidate,
            outcome.code,
            reasons.with_vendor_code(outcome),
            now_ms=now_ms,
            rest_ms=int(outcome.rest_s * 1000),
            found_id=found_id,
            in_doubt_until=doubt,
            waiting=(WAITING_AGAIN if candidate.is_replay else WAITING_NEW) if is_waiting else None,
        )

    def _give_up(self, candidate: Candidate, outcome: Outcome, now_ms: int) -> Settlement:
        """The row of a record that was answered too often without being settled."""
        if isinstance(outcome, Missing):
            return self._reject(candidate, RejectCode.NOT_FOUND, reasons.GONE, now_ms)
        if isinstance(outcome, Unattempted):
            reason = reasons.NOT_TAKEN.format(rounds=candidate.rounds)
            return self._reject(candidate, RejectCode.VENDOR_REFUSED, reason, now_ms)
        self._drop_rejected(candidate, RejectCode.VENDOR_REFUSED)
        return settling.refused(
            candidate,
            RejectCode.VENDOR_REFUSED,
            reasons.UNSETTLED.format(rounds=candidate.rounds),
            now_ms=now_ms,
            found_id=candidate.destination_id,
            in_doubt_until=now_ms + self._grace_ms,
        )

    def _forget_id(self, candidate: Candidate) -> None:
        """The destination no longer knows the id (L6). Without an answer it stays, or a rename would double it."""
        if self._route.matches_by_id:
            candidate.rounds = MAX_ROUNDS - 1
        candidate.destination_id = None
        candidate.current = None

    def _doubt(self, source_key: str, now_ms: int) -> None:
        candidate = self._queues.get(source_key)
        if candidate is None:
            return
        candidate.losses += 1
        if candidate.losses >= MAX_LOSSES:
            msg = (
                f"Stream '{self._route.stream}': {candidate.losses} creates of the same record got no answer. "
                "The destination seems to be in trouble; the next run looks for the record and goes on."
            )
            raise FatalError(msg)
        candidate.in_doubt_until = now_ms + self._grace_ms
        self._queues.put(candidate, Step.DOUBT)


def is_doubt(verb: Verb, error: ReverseETLError) -> bool:
    """Whether an error leaves records in doubt, which are looked for later, and does not end the run."""
    return verb is Verb.CREATE and isinstance(error, UnknownOutcomeError)


def _intent(candidate: Candidate, *, is_create: bool) -> Intent:
    if candidate.is_removal:
        return settling.removal_intent(candidate)
    return settling.intent(candidate, is_create=is_create)
