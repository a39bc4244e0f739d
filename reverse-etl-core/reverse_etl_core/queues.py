"""Records on their way, each in exactly one place until it is settled."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reverse_etl_core.batching import batches
from reverse_etl_core.finding import look
from reverse_etl_core.operations import Batch
from reverse_etl_core.planning import REMOVALS, VERBS, Candidate, Step, operation
from reverse_etl_core.schema import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reverse_etl_core.routing import Route
    from reverse_etl_core.schema import JobLimits


class WorkQueues:
    """The unsettled records of one stream, by source key, in order of arrival.

    What is queued waits until a request is full, or until everything has to be settled: so a stream in
    which only one record in a hundred changed still sends full batches, as many as may be in flight. Where the object
    takes jobs, records wait until a job is full; what is too little for one then travels in ordinary requests.

    Args:
        route: Where the records go.
        in_flight: Requests that are sent at the same time.
    """

    def __init__(self, route: Route, in_flight: int = 1) -> None:
        self._route = route
        self._in_flight = in_flight
        self._open: dict[str, Candidate] = {}
        self._claims: dict[str, str] = {}
        self._holders: dict[str, str] = {}
        self._waiting: dict[Step, dict[str, Candidate]] = {step: {} for step in (Step.FIND, Step.DOUBT, *VERBS)}
        self._bytes: Counter[Step] = Counter()
        self._contended: Counter[Step] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def candidates(self) -> list[Candidate]:
        """All unsettled records."""
        return list(self._open.values())

    def get(self, source_key: str) -> Candidate | None:
        """The unsettled version of a record."""
        return self._open.get(source_key)

    def claimant(self, match_key: str) -> str | None:
        """Source key of the unsettled record that will own a match key."""
        return self._claims.get(match_key)

    def holder(self, destination_id: str | None) -> str | None:
        """Source key of the unsettled record that is at the destination under an id."""
        one = self._open.get(self._holders.get(destination_id or "", ""))
        return one.source_key if one is not None and one.destination_id == destination_id else None

    def is_under_way(self, source_key: str) -> bool:
        """Whether a version of a record was handed out and is not settled."""
        candidate = self._open.get(source_key)
        return candidate is not None and candidate.queue is None

    def put(self, candidate: Candidate, step: Step) -> None:
        """Queue a record that is new here, or under way, for its next step."""
        self._open[candidate.source_key] = candidate
        self._claims[candidate.match_key] = candidate.source_key
        if candidate.destination_id is not None:
            self._holders[candidate.destination_id] = candidate.source_key
        self._waiting[step][candidate.source_key] = candidate
        self._bytes[step] += len(candidate.payload)
        self._contended[step] += candidate.is_contended
        candidate.queue = step

    def identify(self, candidate: Candidate, destination_id: str | None) -> None:
        """Note where a record is, or will be."""
        if self._holders.get(candidate.destination_id or "") == candidate.source_key:
            del self._holders[str(candidate.destination_id)]
        candidate.destination_id = destination_id
        if destination_id is not None:
            self._holders[destination_id] = candidate.source_key

    def adopt(self, candidate: Candidate) -> None:
        """Take in a record that is under way in a job of an earlier run."""
        self._open[candidate.source_key] = candidate
        self._claims[candidate.match_key] = candidate.source_key

    def drop(self, source_key: str) -> Candidate | None:
        """Take a record out: it is settled, or a newer version replaces it."""
        candidate = self._open.pop(source_key, None)
        if candidate is None:
            return None
        if self._claims.get(candidate.match_key) == source_key:
            del self._claims[candidate.match_key]
        if self._holders.get(candidate.destination_id or "") == source_key:
            del self._holders[str(candidate.destination_id)]
        if candidate.queue is not None:
            self._start([candidate], candidate.queue)
        return candidate

    def take_finds(self, *, everything: bool) -> Iterator[list[Candidate]]:
        """Groups of records to read by the same field; partial ones only when everything has to go."""
        limit = self._route.schema.limits.records_per_request
        by_field: dict[str | None, list[Candidate]] = {}
        for one in list(self._waiting[Step.FIND].values()):
            group = by_field.setdefault(look(one, self._route)[0], [])
            group.append(one)
            if len(group) == limit:
                yield self._start(group.copy(), Step.FIND)
                group.clear()
        if everything:
            for group in by_field.values():
                if group:
                    yield self._start(group, Step.FIND)

    def is_due(self, *, everything: bool) -> bool:
        """Whether it is time to send: there is a full request for each thread, or everything has to go."""
        limits, jobs = self._route.schema.limits, self._route.schema.jobs
        if everything:
            return len(self._open) > 0
        records = limits.records_per_request
        if jobs is not None and any(self._fills(step, jobs) or self._contended[step] >= records for step in VERBS):
            return True
        return any(
            len(queue) >= records * self._in_flight or self._bytes[step] >= limits.bytes_per_request
            for step, queue in self._waiting.items()
            if step is Step.FIND or jobs is None
        )

    def take_batches(self, *, everything: bool) -> Iterator[Batch]:
        """Full batches; partial ones only when everything has to go, and none that may still grow into a job."""
        for step in VERBS:
            limits = self._limits(step)
            groups = list(batches(self._ready(step, everything=everything), limits, _size))
            if groups and not everything and len(groups[-1]) < limits.records_per_request:
                groups.pop()
            for group in groups:
                yield self._batch(self._start(group, step), step)

    def _ready(self, step: Step, *, everything: bool) -> Iterable[Candidate]:
        """What may travel in requests.

        What would fill a job and yet made none, since its records are large and few, does not wait: it would pile up.
        """
        waiting = self._waiting[step].values()
        jobs = self._route.schema.jobs
        if jobs is None or everything or step in REMOVALS or self._fills(step, jobs):
            return self._by_parent(waiting)
        if self._contended[step] < self._route.schema.limits.records_per_request:
            return ()
        return self._by_parent(one for one in waiting if one.is_contended)

    def take_job(self, *, everything: bool) -> Batch | None:
        """Records enough for an asynchronous job; `None` where there are not.

        Args:
            everything: A job need not be full; it has to be worth its requests all the same.
        """
        jobs = self._route.schema.jobs
        if jobs is None:
            return None
        limits = Limits(jobs.records_per_job, jobs.bytes_per_job)
        for step in (one for one in VERBS if one not in REMOVALS):
            is_due = everything or self._fills(step, jobs)
            if self._willing(step) < jobs.records_from or not is_due:
                continue
            willing = self._by_parent(one for one in self._waiting[step].values() if not one.is_contended)
            group = next(batches(willing, limits, _size), [])
            if len(group) >= jobs.records_from:
                return self._batch(self._start(group, step), step)
        return None

    def _fills(self, step: Step, jobs: JobLimits) -> bool:
        return self._willing(step) >= jobs.records_per_job or self._bytes[step] >= jobs.bytes_per_job

    def _willing(self, step: Step) -> int:
        """How many records would travel in a job."""
        return len(self._waiting[step]) - self._contended[step]

    def _limits(self, step: Step) -> Limits:
        """What one request may carry."""
        limits, way = self._route.schema.limits, self._route.removal.way
        if step is not Step.REMOVE or way is None:
            return limits
        return Limits(way.records_per_request, limits.bytes_per_request)

    def _batch(self, group: list[Candidate], step: Step) -> Batch:
        route, verb = self._route, VERBS[step]
        operations = tuple([operation(one, verb, route) for one in group])
        removal = route.removal.action if step is Step.REMOVE else ""
        return Batch(verb, route.schema, route.match_field, operations, route.references, removal)

    def _by_parent(self, waiting: Iterable[Candidate]) -> Iterable[Candidate]:
        """Records of a queue; those with the same parent side by side, so that fewer requests contend for it."""
        names = sorted(self._route.references)
        if not names:
            return waiting
        return sorted(waiting, key=lambda one: [str(one.fields.get(name) or "") for name in names])

    def _start(self, group: list[Candidate], step: Step) -> list[Candidate]:
        """Take a group out of its queue: it is under way."""
        queue = self._waiting[step]
        for one in group:
            del queue[one.source_key]
            self._bytes[step] -= len(one.payload)
            self._contended[step] -= one.is_contended
            one.queue = None
        return group

    def doubts(self) -> list[Candidate]:
        """Records for which an earlier request may still be applied."""
        return list(self._waiting[Step.DOUBT].values())

    def take_doubts(self) -> list[Candidate]:
        """Take out the records that waited for the grace period."""
        return self._start(self.doubts(), Step.DOUBT)


def _size(candidate: Candidate) -> int:
    return len(candidate.payload)
