"""How memberships of a static list are written. A record names a record of the list's object: it says who is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from reverse_etl_core.errors import FatalError
from reverse_etl_core.operations import Current, RejectCode, Rejected, Removed, Verb, Written
from target_hubspot import errors
from target_hubspot import list_wire as wire
from target_hubspot.limits import MEMBERS_PER_PAGE, MEMBERS_READ
from target_hubspot.objects import ID_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reverse_etl_core.operations import Batch, Operation, Outcome
    from reverse_etl_core.transport import Reply, Request
    from target_hubspot.list_wire import Changed, RecordList
    from target_hubspot.paths import Paths

Item = TypeVar("Item")

NOT_THERE = "'{field}' names a record that HubSpot does not have. It is tried again."
SEVERAL = "'{field}' could mean several records of HubSpot. Merge them there."
NO_ID = "'{field}' holds something that is no record id of HubSpot. Ids are digits."


class ListWriter:
    """Writes memberships of one static list.

    Args:
        which: The list.
        paths: Of the API.
        send: Sends a request.
        find: From a field and match keys to the ids of the records that have them.
    """

    def __init__(
        self,
        which: RecordList,
        paths: Paths,
        send: Callable[[Request], Reply],
        find: Callable[[str, Sequence[str]], Mapping[str, Sequence[str]]],
    ) -> None:
        self._list = which
        self._paths = paths
        self._send = send
        self._find = find

    # -- what is there

    def read(self, key_field: str | None, keys: Sequence[str]) -> Mapping[str, Sequence[Current]]:
        """Which records are in the list, by match key or by record id."""
        ids = {key: [key] for key in keys} if key_field is None else self._ids(key_field, keys, {})
        members = self._members([one for some in ids.values() for one in some])
        found = {key: [Current(one) for one in some if one in members] for key, some in ids.items()}
        return {key: some for key, some in found.items() if some}

    def _ids(self, field: str, keys: Sequence[str], known: Mapping[str, str]) -> dict[str, Sequence[str]]:
        """Match keys to record ids: those that are known, the others as HubSpot has them.

        Args:
            field: That the keys belong to.
            keys: Any number.
            known: From the ledger, or from `prepare`, with which nobody has a key that leads to nothing.
        """
        if field == ID_FIELD:
            return {key: (key,) for key in keys}
        found: dict[str, Sequence[str]] = {key: (known[key],) if known[key] else () for key in keys if key in known}
        unknown = [key for key in dict.fromkeys(keys) if key not in found]
        return {**found, **(self._find(field, unknown) if unknown else {})}

    def _members(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of the records that are in the list, in the fewest requests: all members of it, or lists of records."""
        wanted = [one for one in dict.fromkeys(ids) if _is_id(one)]
        if not wanted:
            return frozenset()
        by_record = -(-len(wanted) // MEMBERS_READ)
        if by_record > 1:
            page = wire.parse_members(self._send(wire.build_members(self._list.id, None, self._paths)).json())
            if page.after is None or (page.total is not None and page.total <= by_record * MEMBERS_PER_PAGE):
                return self._all_members(page)
        found: frozenset[str] = frozenset()
        for some in _chunks(wanted, MEMBERS_READ):
            request = wire.build_lists_of(self._list.object_type, some, self._paths)
            found |= wire.parse_lists_of(self._list.id, self._send(request).json())
        return found

    def _all_members(self, page: wire.Page) -> frozenset[str]:
        ids = page.ids
        while page.after is not None:
            page = wire.parse_members(self._send(wire.build_members(self._list.id, page.after, self._paths)).json())
            ids |= page.ids
        return ids

    def prepare(self, batch: Batch) -> list[Batch]:
        """Tell those that are about to be added from those that are in the list already, whoever added them.

        The first are creates from here on, which the ledger notes as this sync's own before the request leaves.
        """
        keys = [one.match_key for one in batch.operations]
        found = self._ids(batch.match_field, keys, batch.parent_ids.get(batch.match_field, {}))
        # Several ids are no answer; `write` asks again, and says so.
        known = {key: some[0] if some else "" for key in keys if len(some := found.get(key, ())) <= 1}
        batch = msgspec.structs.replace(batch, parent_ids={**batch.parent_ids, batch.match_field: known})
        members = self._members(list(known.values()))
        here, new = [], []
        for one in batch.operations:
            record_id = known.get(one.match_key)
            if not record_id or one.destination_id not in (None, record_id):
                here.append(one)  # nobody to add, or a row that means another record by now: the former one leaves
            elif record_id in members:
                here.append(msgspec.structs.replace(one, destination_id=record_id))
            else:
                new.append(msgspec.structs.replace(one, destination_id=None))
        parts = [
            msgspec.structs.replace(batch, operations=tuple(here)),
            msgspec.structs.replace(batch, verb=Verb.CREATE, operations=tuple(new)),
        ]
        return [one for one in parts if one.operations]

    # -- what changes

    def write(self, batch: Batch) -> list[Outcome]:
        """One outcome per operation. Whatever is repeated changes nothing."""
        if batch.verb is Verb.REMOVE:
            self._change("remove", [str(one.destination_id) for one in batch.operations])
            return [Removed(one.source_key) for one in batch.operations]
        outcomes: dict[str, Outcome] = {}
        missing = self._add(batch, batch.operations, batch.parent_ids.get(batch.match_field, {}), outcomes)
        if missing:
            # An id that the ledger had may be gone: what the destination has now counts (L6).
            for one in self._add(batch, missing, {}, outcomes):
                outcomes[one.source_key] = _refused(batch, one, RejectCode.REFERENCE_NOT_FOUND, NOT_THERE)
        return [outcomes[one.source_key] for one in batch.operations]

    def _add(
        self, batch: Batch, operations: Sequence[Operation], known: Mapping[str, str], outcomes: dict[str, Outcome]
    ) -> list[Operation]:
        """Add records to the list; those that HubSpot misses are left."""
        ids = self._ids(batch.match_field, [one.match_key for one in operations], known)
        resolved = {}
        for one in operations:
            some = ids.get(one.match_key, ())
            if (refusal := _refusal(batch, one, some)) is not None:
                outcomes[one.source_key] = refusal
            else:
                resolved[one.source_key] = some[0]
        changed = self._change("add", list(resolved.values()))
        there = [one for one in operations if one.source_key in resolved]
        left = [one for one in there if resolved[one.source_key] in changed.missing]
        written = [one for one in there if resolved[one.source_key] not in changed.missing]
        self._leave(batch, written, resolved)
        seen: set[str] = set()
        for one in written:
            record_id = resolved[one.source_key]
            # Of several rows that mean one record, the first has it: it is never new for the others.
            is_new = (batch.verb is Verb.CREATE or record_id in changed.added) and record_id not in seen
            seen.add(record_id)
            outcomes[one.source_key] = Written(one.source_key, record_id, is_new)
        return left

    def _leave(self, batch: Batch, written: Sequence[Operation], resolved: Mapping[str, str]) -> None:
        """Take out the former records of rows that mean another one by now, where this sync added them."""
        wanted = {resolved[one.source_key] for one in written}
        former = [str(one.destination_id) for one in written if one.destination_id and one.source_key in batch.ours]
        self._change("remove", [one for one in former if one not in wanted])

    def _change(self, verb: str, ids: Sequence[str]) -> Changed:
        """Send one change; nothing where there is nothing to change.

        Raises:
            FatalError: HubSpot refuses all of it, which is never for one record: those that it lacks it names.
        """
        if not ids:
            return wire.parse_change({})
        request = wire.build_change(self._list.id, verb, list(dict.fromkeys(ids)), self._paths)
        try:
            return wire.parse_change(self._send(request).json())
        except errors.RecordRefusedError as refused:
            code = refused.refusal.vendor_code
            msg = f"HubSpot refuses to change who is in the list '{self._list.name}' ({code}). Look at the list there."
            raise FatalError(msg) from None


def _refusal(batch: Batch, operation: Operation, ids: Sequence[str]) -> Rejected | None:
    """Why nobody can be added; `None` where it is known who is."""
    if not ids:
        return _refused(batch, operation, RejectCode.REFERENCE_NOT_FOUND, NOT_THERE)
    if len(ids) > 1:
        return _refused(batch, operation, RejectCode.AMBIGUOUS_MATCH, SEVERAL)
    return None if _is_id(ids[0]) else _refused(batch, operation, RejectCode.INVALID_VALUE, NO_ID)


def _refused(batch: Batch, operation: Operation, code: RejectCode, reason: str) -> Rejected:
    return Rejected(operation.source_key, code, reason.format(field=batch.match_field))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
