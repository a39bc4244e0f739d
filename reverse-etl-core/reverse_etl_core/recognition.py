"""Of the records that arrive, most are delivered as they came: they are counted, and the others are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.fingerprints import Fingerprints
from reverse_etl_core.planning import Candidate
from reverse_etl_core.removal_keys import with_source_keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import msgspec

    from reverse_etl_core.intake import Intake, Judged
    from reverse_etl_core.ledger import StreamLedger
    from reverse_etl_core.queues import WorkQueues
    from reverse_etl_core.routing import Route


class Recognition:
    """Recognises the records of one stream.

    Args:
        route: Where they go.
        intake: Judges those that are not recognised.
        ledger: Knows the fingerprints of what is delivered.
        queues: A record of which a version is under way is not delivered as it came.
    """

    def __init__(self, route: Route, intake: Intake, ledger: StreamLedger, queues: WorkQueues) -> None:
        self._fingerprints = Fingerprints(route)
        # What the destination holds is compared anew: that it was delivered says nothing.
        self._is_in_use = self._fingerprints.are_known and not route.compares
        self._intake = intake
        self._ledger = ledger
        self._queues = queues

    def judge(self, records: Sequence[msgspec.Raw | Mapping[str, Any]]) -> list[Judged]:
        """Judge records, in order, without those that are delivered as they came.

        Of a record that comes twice the last version counts: then all are judged.
        """
        if not self._is_in_use:
            return self._complete(self._intake.judge_all(records))
        seen = [self._fingerprints.of(one) for one in records]
        known = self._ledger.fingerprints([one[0] for one in seen if one is not None])
        queued = self._queues.get if len(self._queues) else None
        familiar: set[str] = set()
        news: list[int] = []
        for place, one in enumerate(seen):
            if one is None or known.get(one[0]) != one[1] or (queued and queued(one[0])):
                news.append(place)
            else:
                familiar.add(one[0])
        judged = [self._judge(records[place], seen[place]) for place in news]
        completed = self._complete(judged)
        is_once = len(familiar) + len(news) == len(records)
        if is_once and familiar.isdisjoint([one.source_key for one in completed]):
            return completed
        by_place = dict(zip(news, judged, strict=True))
        whole = (by_place.get(place) or self._judge(records[place], seen[place]) for place in range(len(records)))
        return self._complete(list(whole))

    def _complete(self, judged: list[Judged]) -> list[Judged]:
        return with_source_keys(judged, self._ledger, self._queues)

    def _judge(self, record: msgspec.Raw | Mapping[str, Any], seen: tuple[str, bytes] | None) -> Judged:
        judged = self._intake.judge(record)
        if seen is not None and isinstance(judged, Candidate):
            judged.fingerprint = seen[1] + judged.payload_hash
        return judged
