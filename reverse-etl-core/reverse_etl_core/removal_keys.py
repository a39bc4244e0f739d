"""Removals that the stream knows by match value alone: whose record has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.planning import Candidate, Removal

if TYPE_CHECKING:
    from reverse_etl_core.intake import Judged
    from reverse_etl_core.ledger import StreamLedger
    from reverse_etl_core.queues import WorkQueues


def with_source_keys(judged: list[Judged], ledger: StreamLedger, queues: WorkQueues) -> list[Judged]:
    """Give removals that are known by match value alone the source keys of the records that have it.

    A record that had it and has another one by now is not gone: its key column changed.
    """
    keys = [one.match_key for one in judged if isinstance(one, Removal) and one.match_key is not None]
    if not keys:
        return judged
    owners = ledger.owners(keys)
    newest = {one.source_key: one.match_key for one in judged if isinstance(one, Candidate)}
    known = ledger.lookup(list(owners.values()))

    def held_key(source_key: str) -> str | None:
        queued = queues.get(source_key)
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
