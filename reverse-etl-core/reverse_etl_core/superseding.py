"""Of several versions of one record the last one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.intake import Judged
    from reverse_etl_core.queues import WorkQueues
    from reverse_etl_core.tally import Tally


def latest_versions(judged: Sequence[Judged], queues: WorkQueues, tally: Tally) -> dict[str, Judged]:
    """The last version of each record, by source key.

    Earlier ones are counted as superseded, those that still wait in the queues included.
    """
    latest: dict[str, Judged] = {}
    for one in judged:
        if one.source_key in latest:
            del latest[one.source_key]
            tally.settle(Fate.SUPERSEDED)
        latest[one.source_key] = one
    if len(queues):
        for source_key in latest:
            queued = queues.drop(source_key)
            if queued is not None:
                tally.settle(Fate.SUPERSEDED, is_replay=queued.is_replay)
    return latest
