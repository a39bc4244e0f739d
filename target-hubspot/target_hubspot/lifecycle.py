"""Lifecycle stages, which HubSpot moves forward only: it answers a step back with success and keeps the stage.

Which stage comes before which is never guessed, since an account may have stages of its own: what HubSpot shows after
a write decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_etl_core.operations import Batch, Operation, RejectCode, Rejected, Verb, Written
from target_hubspot import wire
from target_hubspot.config import LIFECYCLE_STAGE
from target_hubspot.objects import ID_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_etl_core.operations import Outcome
    from reverse_etl_core.transport import Reply, Request
    from target_hubspot.paths import Paths

STAGE = "lifecyclestage"
FORBID, CLEAR_THEN_SET = LIFECYCLE_STAGE
_KEPT = f"HubSpot keeps '{STAGE}' as it is and has written the rest: it moves that forward only."
_REMEDY = "Leave it out of the record, or set 'lifecycle_stage: clear_then_set'."


class Lifecycle:
    """Makes sure that records have the stages that were written.

    Args:
        send: Sends a request with credentials.
        paths: Of the API's version.
        policy: What becomes of a step back, one of `LIFECYCLE_STAGE`.
    """

    def __init__(self, send: Callable[[Request], Reply], paths: Paths, policy: str) -> None:
        self._send = send
        self._paths = paths
        self._policy = policy

    def settled(
        self, batch: Batch, request: Request, body: Mapping[str, Any], outcomes: Sequence[Outcome]
    ) -> list[Outcome]:
        """The outcomes of a write, once it is known which stages were kept.

        Costs nothing where the answer shows the stages that were written, else one read of those that it does not
        show; with `clear_then_set` two more writes, one after the other, of the records whose stage was kept.

        Args:
            batch: What was written.
            request: How it was sent.
            body: The answer.
            outcomes: What the answer says of each record.
        """
        wanted = wanted_stages(batch, request)
        kept = self._kept(batch, wanted, body, outcomes)
        if not kept:
            return list(outcomes)
        if self._policy == CLEAR_THEN_SET:
            verdicts = self._cleared_and_set(batch, kept, wanted)
        else:
            verdicts = {one.source_key: _rejected(one.source_key, _REMEDY) for one in kept}
        return [verdicts.get(one.source_key, one) for one in outcomes]

    def _kept(
        self, batch: Batch, wanted: Mapping[str, str], body: Mapping[str, Any], outcomes: Iterable[Outcome]
    ) -> list[Written]:
        """Records that were written and have another stage. New ones had none that could be kept."""
        written = [one for one in outcomes if isinstance(one, Written) and not one.created]
        doubtful = _others(wanted, stages(body), written)
        if not doubtful:
            return []
        ids = list(dict.fromkeys(one.destination_id for one in doubtful))
        read = wire.build_read(batch.schema, ID_FIELD, ids, fields=[STAGE], paths=self._paths)
        shown = stages(wire.complete(self._send(read).json()))
        # What is not there any more has no stage.
        return _others(wanted, shown, [one for one in doubtful if one.destination_id in shown])

    def _cleared_and_set(self, batch: Batch, kept: Sequence[Written], wanted: Mapping[str, str]) -> dict[str, Outcome]:
        """Empty the stages and then write them. Two requests, since the order within one is not promised."""
        by_id = {one.destination_id: one for one in kept}  # two rows may be one record: the last one's stage counts
        verdicts: dict[str, Outcome] = {
            one.source_key: _rejected(one.source_key, "Another row of the same record holds another stage.")
            for one in kept
        }
        cleared = self._write(batch, by_id.values(), dict.fromkeys(wanted), verdicts)
        written = self._write(batch, cleared, wanted, verdicts)
        return verdicts | {one.source_key: one for one in written}

    def _write(
        self,
        batch: Batch,
        records: Iterable[Written],
        stage_of: Mapping[str, str | None],
        verdicts: dict[str, Outcome],
    ) -> list[Written]:
        """Write the stages of records; those that were written, the others in `verdicts`."""
        before = {one.source_key: one for one in records}
        if not before:
            return []
        operations = [Operation(key, key, {STAGE: stage_of[key]}, one.destination_id) for key, one in before.items()]
        part = Batch(Verb.UPDATE, batch.schema, batch.match_field, tuple(operations))
        request = wire.build_write(part, self._paths)
        body = self._send(request).json()
        outcomes = wire.parse_write(part, body)
        kept = self._kept(part, wanted_stages(part, request), body, outcomes)
        verdicts |= {one.source_key: one for one in outcomes}
        verdicts |= {one.source_key: _rejected(one.source_key, "Change it by hand.") for one in kept}
        return [one for key, one in before.items() if isinstance(verdicts[key], Written)]


def wanted_stages(batch: Batch, request: Request) -> dict[str, str]:
    """The stages that a request writes, by source key; clearing one always works."""
    inputs = request.json["inputs"] if isinstance(request.json, dict) else ()
    stages_sent = zip(batch.operations, (one["properties"].get(STAGE) for one in inputs), strict=True)
    return {one.source_key: stage for one, stage in stages_sent if stage}


def stages(body: Mapping[str, Any]) -> dict[str, str]:
    """The stages that an answer shows, by record id."""
    found = ((str(one.get("id")), wire.properties_of(one)) for one in wire.objects_of(body.get("results")))
    return {record_id: str(shown[STAGE] or "") for record_id, shown in found if STAGE in shown}


def _others(wanted: Mapping[str, str], shown: Mapping[str, str], written: Iterable[Written]) -> list[Written]:
    """Records that do not show the stage that they should have."""
    return [
        one for one in written if one.source_key in wanted and shown.get(one.destination_id) != wanted[one.source_key]
    ]


def _rejected(source_key: str, remedy: str) -> Rejected:
    return Rejected(source_key, RejectCode.VALIDATION_RULE, f"{_KEPT} {remedy}")
