"""What to do with a record, from what it holds and what the ledger knows: pure decisions."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from reverse_etl_core.identity import EncodedFields
from reverse_etl_core.ledger import Delivery, Status
from reverse_etl_core.operations import Fields, Operation, RejectCode, Verb
from reverse_etl_core.sameness import is_empty, is_shown

if TYPE_CHECKING:
    from reverse_etl_core.routing import Route


class Step(enum.Enum):
    """The next thing that happens to a record."""

    SKIP = "skip"
    """It is delivered as it is (L3), or only creates are wanted and it exists."""
    STAY_REJECTED = "stay rejected"
    """The destination refused the same content and the next try is not due."""
    DOUBT = "doubt"
    """An earlier request may still be applied: wait for the grace period."""
    FIND = "find"
    """Read the destination: by match key, or by id what a known record holds."""
    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"
    CLEAR = "clear"
    """The record is gone from the source: empty the fields that are ours."""
    REMOVE = "remove"
    """The record is gone from the source: take it away."""


VERBS = {
    Step.CREATE: Verb.CREATE,
    Step.UPDATE: Verb.UPDATE,
    Step.UPSERT: Verb.UPSERT,
    Step.CLEAR: Verb.UPDATE,
    Step.REMOVE: Verb.REMOVE,
}
REMOVALS = frozenset({Step.CLEAR, Step.REMOVE})


class Candidate(msgspec.Struct, gc=False):
    """A valid record on its way.

    Attributes:
        source_key: Who it is in the source.
        match_key: Who it is at the destination.
        payload: The mapped and valid fields as canonical JSON; most records are never needed in another form.
        payload_hash: What stands for `payload` in the ledger.
        is_replay: It comes from the ledger and not from the stream.
        fingerprint: What will tell that it arrives again as it is; `None` where nothing does.
        known: What the ledger says; `None` for a record that was never seen.
        destination_id: Where it is, as far as known by now.
        in_doubt_until: Milliseconds since 1970 until which a lost request may still be applied.
        rounds: How often the destination answered without settling it.
        losses: How often its create got no answer.
        is_contended: It travels with few others, never in a job: another write held what it needs, or jobs failed.
        earlier_key: Match key of a lost create of an earlier version: it may have made the record under this one.
        unsure_key: Match key that the record had before a change whose answer was lost; it is read whether it still
            has it, since the ledger has room for one former key and this version brings a third.
        held_key: Match key that it was found to have.
        is_removal: It is gone from the source: `payload` holds what is to be cleared, or nothing.
        found_by: Which of `Route.match_fields` it is looked for by.
        is_adopted: It was found by another field than the first, which is empty there and has to be written.
        is_double: It led to the record of another row: it is read where it leads to by now, and never upserted blindly.
        current: What the destination holds of `Route.fields_read`; `None` while nobody has looked.
        queue: Where it waits; `None` while it is under way.
    """

    source_key: str
    match_key: str
    payload: bytes
    payload_hash: bytes
    is_replay: bool = False
    fingerprint: bytes | None = None
    known: Delivery | None = None
    destination_id: str | None = None
    in_doubt_until: int | None = None
    rounds: int = 0
    losses: int = 0
    is_contended: bool = False
    earlier_key: str | None = None
    unsure_key: str | None = None
    held_key: str | None = None
    is_removal: bool = False
    found_by: int = 0
    is_adopted: bool = False
    is_double: bool = False
    current: Fields | None = None
    queue: Step | None = None

    def learn(self, known: Delivery | None) -> None:
        """Take over what the ledger says."""
        if known is not None and known.is_double:
            self.is_double = True
            known = msgspec.structs.replace(known, destination_id=None)
        self.known = known
        if known is None:
            return
        if not known.is_gone:
            self.destination_id = known.destination_id
        if self.destination_id is None and known.match_key != self.match_key:
            self.earlier_key = known.match_key
        if self.destination_id is not None and self.match_key not in (known.match_key, known.former_key):
            self.unsure_key = known.former_key

    def is_delivered_as(self, known: Delivery) -> bool:
        """Whether the destination has it as it is (L3), and nothing waits to be done about it."""
        return (
            known.payload_hash == self.payload_hash
            and known.status is Status.DELIVERED
            and known.match_key == self.match_key
            and known.removal_at is None
        )

    @property
    def find_key(self) -> str:
        """The match key to look for."""
        return self.earlier_key or self.unsure_key or self.match_key

    @property
    def fields(self) -> Fields:
        """The mapped fields."""
        return EncodedFields(self.payload)

    @property
    def renames(self) -> bool:
        """Whether the match value at the destination has to change, or may have been left half changed."""
        known = self.known
        if known is not None and known.status is Status.DELIVERED and known.payload_hash is None:
            return known.destination_id is not None  # another row may have been written over it, its match value too
        is_half_changed = known is not None and known.status is Status.PENDING and known.destination_id is not None
        return self.is_adopted or self.moves or (is_half_changed and known is not None and known.match_key is not None)

    @property
    def moves(self) -> bool:
        """Whether the record is, or may be, at the destination under another match value."""
        known = self.known
        if known is None or known.match_key is None:
            return False
        return known.former_key is not None or known.match_key != self.match_key


class Refusal(msgspec.Struct, gc=False):
    """A record that our own rules reject, before anything is sent.

    Attributes:
        source_key: Who it is, or a stand-in where the key itself is missing.
        code: Stable code.
        reason: A sentence without field values.
        payload: The fields as far as they could be mapped, as canonical JSON.
        payload_hash: What stands for `payload` in the ledger.
        is_replay: It comes from the ledger and not from the stream.
        is_curable: Whether looking at it again in the next run makes sense.
        known: What the ledger says.
    """

    source_key: str
    code: RejectCode
    reason: str
    payload: bytes
    payload_hash: bytes
    is_replay: bool = False
    is_curable: bool = True
    known: Delivery | None = None

    @classmethod
    def of(cls, candidate: Candidate, code: RejectCode, reason: str) -> Refusal:
        """Refuse a candidate that was valid by itself."""
        return cls(
            candidate.source_key,
            code,
            reason,
            candidate.payload,
            candidate.payload_hash,
            is_replay=candidate.is_replay,
            known=candidate.known,
        )

    def learn(self, known: Delivery | None) -> None:
        """Take over what the ledger says."""
        self.known = known

    @property
    def is_known(self) -> bool:
        """Whether the ledger already says so, for the same content."""
        known = self.known
        if known is None or known.status is not Status.REJECTED:
            return False
        return known.payload_hash == self.payload_hash and known.error_code == self.code.value


class Removal(msgspec.Struct, frozen=True, gc=False):
    """The record is gone from the source (`_sdc_deleted_at`).

    Attributes:
        source_key: Who it was; empty where the stream says so by its match value alone.
        match_key: Its match value, where the source key is empty.
    """

    source_key: str
    match_key: str | None = None


def first_step(candidate: Candidate, route: Route, *, now_ms: int, grace_ms: int, last_sign_ms: int = 0) -> Step:
    """What happens to a record once the ledger has been asked.

    Args:
        candidate: The record, with what the ledger knows of it.
        route: Where it goes.
        now_ms: The ledger's clock.
        grace_ms: How long a request without an answer may still be applied.
        last_sign_ms: When a run that was killed was last heard of: its last request left no later.
    """
    known = candidate.known
    if candidate.destination_id is not None and route.load_method == "create":
        return Step.SKIP
    is_same = known is not None and known.payload_hash == candidate.payload_hash
    is_delivered = known is not None and known.status is Status.DELIVERED and is_same
    if is_delivered and known is not None and known.match_key == candidate.match_key and not route.compares:
        return Step.SKIP
    if known is not None and known.status is Status.REJECTED and is_same and not candidate.is_replay:
        is_resting = known.due_at is not None and known.due_at > now_ms
        if is_resting:
            return Step.STAY_REJECTED
    candidate.in_doubt_until = doubt_ends_ms(known, grace_ms=grace_ms, last_sign_ms=last_sign_ms)
    return next_step(candidate, route, now_ms=now_ms)


def doubt_ends_ms(known: Delivery | None, *, grace_ms: int, last_sign_ms: int) -> int | None:
    """Until when an earlier request for a record may still be applied; `None` where none is under way."""
    if known is None:
        return None
    if known.status is Status.PENDING and known.intent_at is not None:
        return max(known.intent_at, last_sign_ms) + grace_ms
    return known.in_doubt_until


def next_step(candidate: Candidate, route: Route, *, now_ms: int) -> Step:
    """What happens to a record that has to be sent, or to be sent again.

    What a killed run left under way may still be applied, after a newer version even: it waits for the grace
    period, also where the API upserts.
    """
    if candidate.in_doubt_until is not None and candidate.in_doubt_until > now_ms:
        return Step.DOUBT
    if candidate.is_removal:
        return step_of_removal(candidate, route)
    if route.matches_by_id:
        candidate.destination_id = candidate.match_key
    elif candidate.unsure_key is not None and route.load_method != "create":
        return Step.FIND
    if _must_look(candidate, route):
        return Step.FIND
    return _write_step(candidate, route)


def _must_look(candidate: Candidate, route: Route) -> bool:
    """Whether the destination has to be read before this record is written."""
    if not route.looks_first or candidate.current is not None:
        return False
    return bool(route.fields_read) or candidate.destination_id is None


def _write_step(candidate: Candidate, route: Route) -> Step:
    can_upsert = route.load_method == "upsert" and route.has_native_upsert
    if candidate.destination_id is not None and route.load_method != "create":
        is_upsert = can_upsert and route.schema.has_derived_ids and not (candidate.moves or route.fields_read)
        return Step.UPSERT if is_upsert else Step.UPDATE
    if candidate.earlier_key is None and can_upsert and not candidate.is_double:
        return Step.UPSERT
    return Step.FIND


def step_of_removal(candidate: Candidate, route: Route) -> Step:
    """What happens to a record that is gone from the source, once nothing of it is in doubt."""
    if candidate.destination_id is None:
        return Step.FIND
    return Step.CLEAR if route.removal.way is None else Step.REMOVE


def left_to_write(candidate: Candidate, route: Route) -> Fields:
    """What an update of a record that was read writes: not what the destination holds already, nor what it may keep."""
    current = candidate.current or {}
    kept = route.left_out_of_updates | {one for one in route.if_empty if not is_empty(current.get(one))}
    if not candidate.renames or route.matches_by_id:
        kept |= {route.match_field}
    if route.compares:
        kept |= _held_already(candidate, route, current)
    return EncodedFields(candidate.payload, frozenset(kept))


def _held_already(candidate: Candidate, route: Route, current: Fields) -> set[str]:
    """The fields that need not be written, since the destination shows the wanted value; of a whole all or none."""
    fields, schema, known = candidate.fields, route.schema, candidate.known
    names = [one for one in current if one in fields]
    held = {one for one in names if is_shown(schema, schema.fields[one], fields[one], current[one])}
    if known is not None and known.status is Status.DELIVERED and known.payload_hash == candidate.payload_hash:
        held |= fields.keys() - current.keys()  # what the destination does not show: nobody changed it here
    for whole in schema.wholes:
        if not held.issuperset(whole & fields.keys()):
            held -= whole
    return held


def missing_to_create(candidate: Candidate, route: Route) -> tuple[str, ...]:
    """The fields of which a new record needs at least one and this one has none; empty when it is complete."""
    fields = candidate.fields
    for group in route.schema.required_to_create:
        if all(fields.get(name) in (None, "") for name in group):
            return group
    return ()


def operation(candidate: Candidate, verb: Verb, route: Route) -> Operation:
    """The record as it is sent.

    An update leaves the match field out unless it has to change: the record was recognised by it, and
    writing it again can move a secondary address to the front.
    """
    if candidate.is_removal:
        return Operation(candidate.source_key, candidate.match_key, candidate.fields, candidate.destination_id)
    if verb is Verb.UPDATE and candidate.current is not None and route.fields_read:
        fields = left_to_write(candidate, route)
        return Operation(candidate.source_key, candidate.match_key, fields, candidate.destination_id)
    left_out = route.left_out_of_updates if verb is Verb.UPDATE else route.left_out_of_creates
    fields = EncodedFields(candidate.payload, left_out) if left_out else candidate.fields
    if route.matches_by_id or (verb is Verb.UPDATE and not candidate.renames):
        others = EncodedFields(candidate.payload, left_out | {route.match_field})
        # The destination's own id is never written; another match field is, where there is nothing else.
        fields = others if others or route.matches_by_id else fields
    return Operation(candidate.source_key, candidate.match_key, fields, candidate.destination_id)
