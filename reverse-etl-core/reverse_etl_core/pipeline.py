"""The way of a record, in this order, once: judge, look up, plan, batch, send, settle (DESIGN.md 4)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_etl_core import reasons, settling
from reverse_etl_core.errors import FatalError
from reverse_etl_core.finding import look
from reverse_etl_core.intake import Intake
from reverse_etl_core.jobs import JobRunner
from reverse_etl_core.ledger import Status
from reverse_etl_core.ledger.rows import WAITING_AGAIN
from reverse_etl_core.operations import DeferCode, RejectCode, Verb
from reverse_etl_core.parents import Parents
from reverse_etl_core.planning import Candidate, Refusal, Removal, Step, doubt_ends_ms, first_step, next_step
from reverse_etl_core.queues import WorkQueues
from reverse_etl_core.recognition import Recognition
from reverse_etl_core.recording import Recorder
from reverse_etl_core.removals import RemovalSpool
from reverse_etl_core.sending import Sent, send, wait_out
from reverse_etl_core.superseding import latest_versions
from reverse_etl_core.tally import Fate, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reverse_etl_core.brakes import RejectionBrake, RemovalBrake
    from reverse_etl_core.destination import Destination
    from reverse_etl_core.holding import PlanHolder
    from reverse_etl_core.intake import Judged
    from reverse_etl_core.ledger import Delivery, Settlement, StreamLedger
    from reverse_etl_core.operations import Batch, Current
    from reverse_etl_core.routing import Route
    from reverse_etl_core.sending import Crew
    from reverse_etl_core.traffic import Traffic

logger = logging.getLogger(__name__)

ROUNDS = 4
"""How often each thread sends a full request before the next chunk is taken."""


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
        self._destination = destination
        self._ledger = ledger
        self._crew = crew
        self._brake = brakes[0]
        self._holder = holder
        self._removals = RemovalSpool(route, ledger, tally, brake=brakes[1], holder=holder)
        self._grace_ms = grace_ms
        self._wait = wait
        self._traffic = traffic
        self._intake = Intake(route)
        self._queues = WorkQueues(route, crew.size)
        self._recognition = Recognition(route, self._intake, ledger, self._queues, self._with_source_keys)
        self._recorder = Recorder(route, ledger, self._queues, tally, grace_ms)
        self._jobs: JobRunner | None = None
        if destination.jobs is not None:  # also where no new ones are wanted: an earlier run may have left one
            self._jobs = JobRunner(
                destination.jobs, route, ledger=ledger, queues=self._queues, recorder=self._recorder, wait=wait
            )
        self._parents = parents or Parents(route.references)
        self._is_working = False
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
            self._work(everything=False)
        self._work(everything=True)

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
        """Take records of the stream; what does not fill a request waits for `flush`.

        Raises:
            FatalError: The run cannot continue; unsettled records are still here, see `abandon`.
        """
        self.tally.read += len(records)
        self._unjudged = len(records)
        judged = self._recognition.judge(records)
        self._unjudged = 0
        self.tally.settle(Fate.UNCHANGED, len(records) - len(judged))
        self._in_hand = latest_versions(judged, self._queues, self.tally)
        self._accept(list(self._in_hand.values()), self._ledger.lookup(list(self._in_hand)))
        self._check_rejections(at_end=False)
        self._work(everything=False)

    def _check_rejections(self, *, at_end: bool) -> None:
        violation = self._brake.violation(self.tally, at_end=at_end)
        if violation is not None:
            self._holder.hold_rejections(violation, list(self.tally.codes))

    def _with_source_keys(self, judged: list[Judged]) -> list[Judged]:
        """Give removals that are known by match value alone the source keys of the records that have it.

        A record that had it and has another one by now is not gone: its key column changed.
        """
        keys = [one.match_key for one in judged if isinstance(one, Removal) and one.match_key is not None]
        if not keys:
            return judged
        owners = self._ledger.owners(keys)
        newest = {one.source_key: one.match_key for one in judged if isinstance(one, Candidate)}
        known = self._ledger.lookup(list(owners.values()))

        def held_key(source_key: str) -> str | None:
            queued = self._queues.get(source_key)
            if source_key in newest:
                return newest[source_key]
            if queued is not None:
                return queued.match_key
            return known[source_key].match_key if source_key in known else None

        def whole(one: Removal) -> Removal:
            owner = owners.get(one.match_key or "")
            is_here = owner is not None and held_key(owner) == one.match_key
            return Removal(owner if owner is not None and is_here else f"no key: {one.match_key}")

        return [whole(one) if isinstance(one, Removal) and one.match_key is not None else one for one in judged]

    def take_over(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Take records that earlier runs rejected since they named no object; the ledger has kept them elsewhere."""
        judged = self._intake.judge_all(records)
        for one in judged:
            if not isinstance(one, Removal):
                one.is_replay = True
        latest = latest_versions(judged, self._queues, self.tally)
        self._accept(list(latest.values()), self._ledger.lookup(list(latest)))
        self._work(everything=False)

    def forget_rejects(self, source_keys: Sequence[str]) -> None:
        """Forget refused versions of records that go to another object now."""
        self._ledger.forget_rejects(source_keys)

    def flush(self) -> None:
        """Settle everything: after this, STATE may leave."""
        if self._is_working:  # a parent of its own parent: what it has in hand is settled by whoever works on it
            return
        self._work(everything=True)
        while len(self._queues):
            if not self._queues.doubts():
                msg = f"Stream '{self.route.stream}': records were left under way by an error. The next run sends them."
                raise FatalError(msg)
            self._wait_for_doubts()
            self._work(everything=True)
        self._check_rejections(at_end=False)

    def retry_orphans(self) -> None:
        """Try records again that earlier runs rejected for a parent that is known by now, due or not."""
        for page in self._ledger.orphans():
            rows = self._parents.those_known(page)
            self._accept([self._intake.judge_again(one) for one in rows], {one.source_key: one for one in rows})
            self._work(everything=False)
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
            self._work(everything=False)
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
        """Records with which the threads are busy for a while: each chunk ends with threads that wait for the last.

        None where records wait for a job anyway.
        """
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
            self._work(everything=False)
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
        unowned = [one.match_key for one, _ in planned if one.known is None or one.known.match_key != one.match_key]
        owners = self._ledger.owners(unowned) if unowned else {}
        settled = self._in_place_of_another([one for one, _ in planned])
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

    def _in_place_of_another(self, candidates: Sequence[Candidate]) -> set[str]:
        """Source keys of those that were refused as duplicates, and whose record another row still stands for.

        Else a duplicate would be written over the record as soon as its other row has nothing to send.
        """
        twins = {
            one.source_key: one.known.destination_id
            for one in candidates
            if one.known is not None and _is_duplicate(one.known) and one.known.destination_id is not None
        }
        if not twins:
            return set()
        sharers = self._ledger.sharers(sorted(set(twins.values())))
        rows = self._ledger.lookup(sorted({key for keys in sharers.values() for key in keys}))
        owning = {key for key, row in rows.items() if not _is_duplicate(row)}
        return {key for key, place in twins.items() if sharers.get(place, set()) & owning - {key}}

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

    def _work(self, *, everything: bool) -> None:
        """Find and send once it is time to, or all of it; the parents first."""
        if self._is_working or not self._queues.is_due(everything=everything):  # working: a parent of its own parent
            return
        self._is_working = True
        try:
            self._parents.settle()
            self._work_off(everything=everything)
        finally:
            self._is_working = False

    def _work_off(self, *, everything: bool) -> None:
        while True:
            finds = list(self._queues.take_finds(everything=everything))
            if finds:
                self._crew.run(
                    finds, work=self._find, before=_nothing, after=self._recorder.found, idle=self._ledger.renew
                )
            has_run_job = self._run_jobs(everything=everything)
            batches = [self._with_known(one) for one in self._queues.take_batches(everything=everything)]
            if self.route.schema.prepares and self.route.removal.is_active:
                batches = self._prepared(batches)
            if batches:
                record = self._recorder
                self._crew.run(
                    record.intended(batches),
                    work=self._send,
                    before=_nothing,
                    after=record.sent,
                    idle=self._ledger.renew,
                )
            if not (finds or has_run_job or batches):
                return

    def _with_known(self, batch: Batch) -> Batch:
        """A batch with what the ledger knows: ids of parents, and which records are ours to take away."""
        known = self._parents.with_ids(batch)
        if known is batch or not self.route.removal.is_active:
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
        self._crew.run(others, work=self._destination.prepare, before=_nothing, after=note, idle=self._ledger.renew)
        return prepared

    def ids_of(self, match_keys: Sequence[str]) -> Mapping[str, str]:
        """Match keys to the ids of the records that were delivered with them."""
        return self._ledger.ids_of(match_keys)

    def _run_jobs(self, *, everything: bool) -> bool:
        """Run the jobs for which there are records enough; whether there was any."""
        has_run = False
        while self._jobs is not None and (batch := self._queues.take_job(everything=everything)) is not None:
            self._jobs.run(batch)
            has_run = True
        return has_run

    def _find(self, group: list[Candidate]) -> Mapping[str, Sequence[Current]]:
        """Read a group of records that are looked for by the same field."""
        route = self.route
        looks = [look(one, route) for one in group]
        field = looks[0][0]
        fields = (
            route.fields_read
            if field == route.match_field or field is None
            else (*route.fields_read, route.match_field)
        )
        return self._destination.read(route.schema, field, [key for _, key in looks], fields)

    def _send(self, batch: Batch) -> Sent:
        before = self._traffic.uncertain_here()
        sent = send(self._destination, batch)
        sent.is_in_doubt = self._traffic.uncertain_here() > before
        return sent

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


def _nothing(_job: object) -> None:
    """Reading needs no intent, and what is written has got one."""


def _is_duplicate(row: Delivery) -> bool:
    """Whether a row of the ledger was refused since another one is the same record."""
    return row.status is Status.REJECTED and row.error_code == RejectCode.DUPLICATE_KEY.value
