"""Records on their way, each in exactly one place until it is settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.batching import batches
from reverse_etl_core.operations import Batch
from reverse_etl_core.planning import VERBS, Candidate, Step, operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_etl_core.routing import Route


class WorkQueues:
    """The unsettled records of one stream, by source key, in order of arrival.

    What is queued waits until a request is full, or until everything has to be settled: so a stream in
    which only one record in a hundred changed still sends full batches.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._open: dict[str, Candidate] = {}
        self._claims: dict[str, str] = {}
        self._waiting: dict[Step, dict[str, Candidate]] = {
            step: {} for step in (Step.FIND, Step.DOUBT, Step.CREATE, Step.UPDATE, Step.UPSERT)
        }

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

    def put(self, candidate: Candidate, step: Step) -> None:
        """Queue a record that is new here, or under way, for its next step."""
        self._open[candidate.source_key] = candidate
        self._claims[candidate.match_key] = candidate.source_key
        self._waiting[step][candidate.source_key] = candidate
        candidate.queue = step

    def drop(self, source_key: str) -> Candidate | None:
        """Take a record out: it is settled, or a newer version replaces it."""
        candidate = self._open.pop(source_key, None)
        if candidate is None:
            return None
        if self._claims.get(candidate.match_key) == source_key:
            del self._claims[candidate.match_key]
        if candidate.queue is not None:
            del self._waiting[candidate.queue][source_key]
        return candidate

    def take_finds(self, *, everything: bool) -> Iterator[list[Candidate]]:
        """Groups of records to read from the destination; partial ones only when everything has to go."""
        limit = self._route.schema.limits.records_per_request
        queue = self._waiting[Step.FIND]
        while len(queue) >= limit or (everything and queue):
            yield self._start([queue[key] for key in list(queue)[:limit]], queue)

    def take_batches(self, *, everything: bool) -> Iterator[Batch]:
        """Full batches; partial ones only when everything has to go."""
        for step, verb in VERBS.items():
            waiting = self._waiting[step]
            if not waiting:
                continue
            groups = list(batches(waiting.values(), self._route.schema.limits, _size))
            if not everything and not self._is_full(groups[-1]):
                groups.pop()
            for group in groups:
                operations = tuple([operation(one, verb, self._route) for one in self._start(group, waiting)])
                yield Batch(verb, self._route.schema, self._route.match_field, operations)

    @staticmethod
    def _start(group: list[Candidate], queue: dict[str, Candidate]) -> list[Candidate]:
        """Take a group out of its queue: it is under way."""
        for one in group:
            del queue[one.source_key]
            one.queue = None
        return group

    def _is_full(self, group: list[Candidate]) -> bool:
        return len(group) >= self._route.schema.limits.records_per_request

    def doubts(self) -> list[Candidate]:
        """Records for which an earlier request may still be applied."""
        return list(self._waiting[Step.DOUBT].values())

    def take_doubts(self) -> list[Candidate]:
        """Take out the records that waited for the grace period."""
        return self._start(self.doubts(), self._waiting[Step.DOUBT])


def _size(candidate: Candidate) -> int:
    return len(candidate.payload)
