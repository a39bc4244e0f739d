"""How associations are written: after the records that they connect, thousands in one request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from reverse_etl_core.operations import Current, RejectCode, Rejected, Removed, Verb, Written
from reverse_etl_core.references import parent_keys
from target_hubspot import association_wire as wire
from target_hubspot.association_wire import FROM, TO, Added, AssociationKind, Found, Pair
from target_hubspot.limits import ASSOCIATED_PER_RECORD, ASSOCIATIONS, ASSOCIATIONS_READ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reverse_etl_core.operations import Batch, Operation, Outcome
    from reverse_etl_core.transport import Reply, Request
    from target_hubspot.paths import Paths

Item = TypeVar("Item")

NOT_THERE = {
    FROM: "The record itself is not among HubSpot's {object}. It is associated once it is there.",
    TO: "HubSpot does not have all {object} that the column names. It is tried again once they are there.",
}
SEVERAL = {
    FROM: "The record could be several of HubSpot's {object}. Merge them there.",
    TO: "The column could mean several of HubSpot's {object}. Merge them there.",
}
REFUSED = "HubSpot does not associate the two records, though both exist. Look at the limits and labels of these."


@dataclass(frozen=True, slots=True)
class Tie:
    """What one record is to be associated with.

    Attributes:
        operation: Who asks for it.
        from_id: The record.
        to_ids: The others.
    """

    operation: Operation
    from_id: str
    to_ids: tuple[str, ...]

    @property
    def pairs(self) -> list[Pair]:
        """Both ids of each association."""
        return [(self.from_id, one) for one in self.to_ids]

    @property
    def added(self) -> Added:
        """What this sync added before; nothing where the record itself is another one by now."""
        before = Added.read(self.operation.destination_id or "")
        return before if before.from_id == self.from_id else Added(self.from_id)


class AssociationWriter:
    """Writes one kind of associations.

    Args:
        kind: Which.
        paths: Of the API.
        send: Sends a request.
        find: From an end (`from` or `to`) and match keys to the ids of the records that have them.
    """

    def __init__(
        self,
        kind: AssociationKind,
        paths: Paths,
        send: Callable[[Request], Reply],
        find: Callable[[str, Sequence[str]], Mapping[str, Sequence[str]]],
    ) -> None:
        self._kind = kind
        self._paths = paths
        self._send = send
        self._find = find

    def prepare(self, batch: Batch) -> list[Batch]:
        """Say in each operation's id what it is about to add: not what there is already, whoever made it."""
        ties = self._resolved(batch, batch.operations, batch.parent_ids, {})
        there = self._read([one.from_id for one in ties if one.to_ids])
        ids = {one.operation.source_key: self._claimed(one, there).text for one in ties if one.from_id}
        operations = [
            msgspec.structs.replace(one, destination_id=ids.get(one.source_key, one.destination_id))
            for one in batch.operations
        ]
        return [msgspec.structs.replace(batch, operations=tuple(operations))]

    def _claimed(self, tie: Tie, there: Found) -> Added:
        """What is ours of a record's associations: what was, and what was not there before this sync came."""
        new = [one for _, one in tie.pairs if not self._is_there(there, (tie.from_id, one))]
        found = there.types.get(tie.from_id, {})
        return Added(
            tie.from_id,
            tie.added.whole | {one for one in new if one not in found},
            tie.added.labelled | {one for one in new if one in found},
        )

    def write(self, batch: Batch) -> list[Outcome]:
        """One outcome per operation. Whatever is repeated changes nothing."""
        if batch.verb is Verb.REMOVE:
            self._take_away([Added.read(str(one.destination_id)) for one in batch.operations])
            return [Removed(one.source_key) for one in batch.operations]
        outcomes: dict[str, Outcome] = {}
        ties = self._resolved(batch, batch.operations, batch.parent_ids, outcomes)
        refused, _ = self._associate(batch, ties, outcomes)
        if refused:
            # An id that the ledger had may be gone: what the destination has now counts (L6).
            again = self._resolved(batch, [one.operation for one in refused], {}, outcomes)
            refused, code = self._associate(batch, [self._anew(one) for one in again], outcomes)
            for key in [one.operation.source_key for one in refused]:
                outcomes[key] = Rejected(key, RejectCode.VENDOR_REFUSED, REFUSED, code)
        return [outcomes[one.source_key] for one in batch.operations]

    def _anew(self, tie: Tie) -> Tie:
        """The same, with ids that nobody has claimed before."""
        if not self._kind.replaces:
            return tie
        claimed = Added(tie.from_id, tie.added.whole | set(tie.to_ids) - tie.added.labelled, tie.added.labelled)
        return replace(tie, operation=msgspec.structs.replace(tie.operation, destination_id=claimed.text))

    def _associate(self, batch: Batch, ties: Sequence[Tie], outcomes: dict[str, Outcome]) -> tuple[list[Tie], str]:
        """Associate, and end what is no longer wanted; those that HubSpot did not confirm, and its complaint's code."""
        wanted = {tie.operation.source_key: self._wanted(tie) for tie in ties}
        confirmed, code = self._create(list(dict.fromkeys(pair for pairs in wanted.values() for pair in pairs)))
        refused: list[Tie] = []
        done: list[Tie] = []
        for tie in ties:
            (done if confirmed.issuperset(wanted[tie.operation.source_key]) else refused).append(tie)
        gone = {tie.operation.source_key: tie.added.without(tie.to_ids) for tie in done} if self._kind.replaces else {}
        self._take_away(list(gone.values()))
        for tie in done:
            key = tie.operation.source_key
            added = tie.added.only(tie.to_ids) if self._kind.replaces else Added(tie.from_id)
            is_new = batch.verb is Verb.UPSERT and bool(wanted[key])
            is_changed = bool(wanted[key] or (key in gone and (gone[key].whole or gone[key].labelled)))
            outcomes[key] = Written(key, added.text, is_new, is_changed)
        return refused, code

    def _wanted(self, tie: Tie) -> list[Pair]:
        """The pairs to make; where the rest was there before, those that are or will be ours."""
        if not self._kind.replaces:
            return tie.pairs
        return [pair for pair in tie.pairs if pair[1] in tie.added.whole | tie.added.labelled]

    def _resolved(
        self,
        batch: Batch,
        operations: Sequence[Operation],
        known: Mapping[str, Mapping[str, str]],
        outcomes: dict[str, Outcome],
    ) -> list[Tie]:
        """The ids of both ends; an operation with an end that is not there is refused."""
        target = batch.references[TO]
        keys = {one.source_key: parent_keys(target, one.fields.get(TO)) for one in operations}
        # Where a record is to be associated with nothing, what was added before says which record it is.
        from_ids = self._ids(FROM, [one.match_key for one in operations if keys[one.source_key]], known)
        to_ids = self._ids(TO, [key for some in keys.values() for key in some], known)
        ties = []
        for one in operations:
            wanted = keys[one.source_key]
            if not wanted:
                ties.append(Tie(one, Added.read(one.destination_id or "").from_id, ()))
                continue
            if len(wanted) > ASSOCIATED_PER_RECORD:
                outcomes[one.source_key] = Rejected(one.source_key, RejectCode.TOO_LONG, wire.too_many())
                continue
            records, others = from_ids.get(one.match_key, ()), [to_ids.get(key, ()) for key in wanted]
            if target.is_optional:
                others = [ids for ids in others if ids]
            refusal = self._refusal(one, records, others)
            if refusal is not None:
                outcomes[one.source_key] = refusal
            else:
                ties.append(Tie(one, records[0], tuple(dict.fromkeys(ids[0] for ids in others))))
        return ties

    def _refusal(
        self, operation: Operation, records: Sequence[str], others: Sequence[Sequence[str]]
    ) -> Rejected | None:
        """Why an operation cannot be carried out; `None` where both ends are known.

        Args:
            operation: Which.
            records: Ids of the records that it could be about.
            others: The same of each record that it names.
        """
        for field, name, found in ((FROM, self._kind.from_object, [records]), (TO, self._kind.to_object, others)):
            if any(len(ids) > 1 for ids in found):
                reason = SEVERAL[field].format(object=name)
                return Rejected(operation.source_key, RejectCode.AMBIGUOUS_MATCH, reason)
            if not all(found):
                reason = NOT_THERE[field].format(object=name)
                return Rejected(operation.source_key, RejectCode.REFERENCE_NOT_FOUND, reason)
        return None

    def _ids(
        self, end: str, keys: Sequence[str], known: Mapping[str, Mapping[str, str]]
    ) -> Mapping[str, Sequence[str]]:
        """Match keys to record ids: those that the ledger knows, the others as HubSpot has them."""
        found: dict[str, Sequence[str]] = {key: (one,) for key, one in known.get(end, {}).items()}
        unknown = [key for key in dict.fromkeys(keys) if key not in found]
        return {**found, **(self._find(end, unknown) if unknown else {})}

    # -- what is there

    def _read(self, ids: Iterable[str]) -> Found:
        found = Found()
        for some in _chunks(list(dict.fromkeys(ids)), ASSOCIATIONS_READ):
            inputs: dict[str, str | None] = dict.fromkeys(some)
            while inputs:
                wire.parse_read(self._send(wire.build_read(self._kind, inputs, self._paths)).json(), found)
                inputs = found.more
        return found

    def _is_there(self, found: Found, pair: Pair) -> bool:
        types = found.types.get(pair[0], {}).get(pair[1], ())
        return (self._kind.category, self._kind.type_id) in types

    def read(self, key_field: str | None, keys: Sequence[str]) -> Mapping[str, Sequence[Current]]:
        """Which records are associated with anything, by match key or by what the ledger keeps as their id."""
        if key_field is None:
            ids = {key: [Added.read(key).from_id] for key in keys}
        else:
            ids = {key: list(some) for key, some in self._find(FROM, keys).items()}
        found = self._read([one for some in ids.values() for one in some])
        return {
            key: [Current(key if key_field is None else Added(one).text) for one in some]
            for key, some in ids.items()
            if any(found.types.get(one) for one in some)
        }

    # -- what changes

    def _create(self, pairs: Sequence[Pair]) -> tuple[frozenset[Pair], str]:
        confirmed: frozenset[Pair] = frozenset()
        code = ""
        for some in _chunks(pairs, ASSOCIATIONS):
            reply = self._send(wire.build_create(self._kind, some, self._paths))
            associated = wire.parse_create(reply.json())
            confirmed |= associated.pairs
            code = code or associated.code
        return confirmed, code

    def _take_away(self, gone: Sequence[Added]) -> None:
        """End what this sync added, and take off labels that it added to what was there before."""
        whole = [(one.from_id, other) for one in gone for other in sorted(one.whole)]
        for some in _chunks(whole, ASSOCIATIONS_READ):
            self._send(wire.build_archive(self._kind, some, self._paths))
        labelled = [(one.from_id, other) for one in gone for other in sorted(one.labelled)]
        for some in _chunks(labelled, ASSOCIATIONS_READ):
            # What it complains of are records that are gone, and their associations with them.
            self._send(wire.build_archive_labels(self._kind, some, self._paths))


def _chunks(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
