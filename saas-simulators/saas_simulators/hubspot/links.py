"""Which records belong together, seen from both sides, and what follows from a new or a lost association."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from saas_simulators.hubspot.association_types import COMPANY, EXCLUSIVE, PRIMARY, PRIMARY_OF_CONTACT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from saas_simulators.hubspot.association_types import AssociationType, AssociationTypes, Key

End = tuple[str, str]  # the type id and the id of a record


class Watcher(Protocol):
    """What learns of associations."""

    def note_association(self, event: str, one: End, other: End, keys: Iterable[Key]) -> None:
        """Write a side effect to the journal."""

    def follow_primary_company(self, contact_id: str, company_id: str) -> None:
        """Take over a contact's new primary company; empty when it has none any more."""


class Links:
    """The associations of one account."""

    def __init__(self, types: AssociationTypes, watcher: Watcher) -> None:
        self.types = types
        self._watcher = watcher
        self.most: dict[tuple[str, str], int] = {}  # of one record, by direction
        self.clear()

    def clear(self) -> None:
        """Forget every association."""
        self._ends: dict[End, dict[str, dict[str, dict[Key, None]]]] = {}

    def neighbours(self, end: End, to_type: str) -> dict[str, dict[Key, None]]:
        """Return the ids that a record is associated with, and by which types."""
        return self._ends.get(end, {}).get(to_type, {})

    def kinds(self, end: End, other: End) -> list[AssociationType]:
        """Return the types of one association by id, labels and the plain one; none when there is none."""
        held = self.neighbours(end, other[0]).get(other[1], {})
        return [self.types.by_key(key) for key in sorted(held, key=lambda key: (key[1], key[0]))]

    def of(self, end: End) -> list[tuple[End, list[AssociationType]]]:
        """Return every association of a record."""
        ends = [(to_type, to_id) for to_type, found in self._ends.get(end, {}).items() for to_id in found]
        return [(other, self.kinds(end, other)) for other in ends]

    def full_side(self, one: End, other: End) -> End | None:
        """Return the record that cannot have one more association of this kind, if either cannot."""
        if other[1] in self.neighbours(one, other[0]):
            return None
        for end, to_type in ((one, other[0]), (other, one[0])):
            most = self.most.get((end[0], to_type))
            if most is not None and len(self.neighbours(end, to_type)) >= most:
                return end
        return None

    def connect(self, one: End, other: End, kinds: Iterable[AssociationType]) -> None:
        """Associate two records; what is there already changes nothing and is no side effect.

        Every association has the type without a label too, and the first company of a contact, a deal or a ticket
        becomes its primary one.
        """
        held = self.neighbours(one, other[0]).get(other[1])
        plain = self.types.plain(one[0], other[0])
        wanted = {kind.key: kind for kind in ([plain] if plain else [])} | {kind.key: kind for kind in kinds}
        if held is None:
            wanted |= self._first_company(one, other)
        added = [kind for key, kind in wanted.items() if key not in (held or {})]
        for kind in added:
            self._take_over(one, other, kind)
        if not added:
            return
        for kind in added:
            self._put(one, other, kind.key)
            self._put(other, one, self.types.inverse(kind).key)
        event = "association_created" if held is None else "association_label_added"
        self._watcher.note_association(event, one, other, [kind.key for kind in added])
        self._tell_primary(one, other, [kind.key for kind in added], is_there=True)

    def adopt(self, one: End, other: End, kinds: Iterable[AssociationType]) -> None:
        """Give a record an association that came with a merge; what it has only once already, it keeps."""
        once = {key for keys in self.neighbours(one, other[0]).values() for key in keys if key in EXCLUSIVE}
        self.connect(one, other, [kind for kind in kinds if kind.key not in once])

    def disconnect(self, one: End, other: End) -> None:
        """End an association with all of its labels, if there is one."""
        held = list(self.neighbours(one, other[0]).get(other[1], ()))
        if not held:
            return
        del self._ends[one][other[0]][other[1]]
        self._ends.get(other, {}).get(one[0], {}).pop(one[1], None)
        self._watcher.note_association("association_removed", one, other, held)
        self._tell_primary(one, other, held, is_there=False)

    def remove_labels(self, one: End, other: End, kinds: Iterable[AssociationType]) -> None:
        """Take labels off an association; without its plain type the association ends."""
        # source: HubSpot API reference "Delete specific labels": removing the unlabelled type removes all of them
        held = self.neighbours(one, other[0]).get(other[1], {})
        going = [kind for kind in kinds if kind.key in held]
        if any(kind.label is None for kind in going):
            self.disconnect(one, other)
        elif going:
            for kind in going:
                del held[kind.key]
                self._ends[other][one[0]][one[1]].pop(self.types.inverse(kind).key, None)
            keys = [kind.key for kind in going]
            self._watcher.note_association("association_label_removed", one, other, keys)
            self._tell_primary(one, other, keys, is_there=False)

    def remove_type(self, keys: Iterable[Key]) -> None:
        """Take types that are gone off every association; one that has no other type ends."""
        gone = set(keys)
        for found in self._ends.values():
            for others in found.values():
                for to_id in list(others):
                    others[to_id] = {key: None for key in others[to_id] if key not in gone}
                    if not others[to_id]:
                        del others[to_id]

    def end(self, end: End) -> None:
        """End every association of a record that has left the account."""
        for other, _ in self.of(end):
            self.disconnect(end, other)
        self._ends.pop(end, None)

    def _first_company(self, one: End, other: End) -> dict[Key, AssociationType]:
        # source: Census HubSpot documentation and segmentio/action-destinations#3969: a company that is associated
        # becomes the primary one of a record that has none.
        for holder, company in ((one, other), (other, one)):
            key = PRIMARY.get(holder[0])
            if key and company[0] == COMPANY and not self.neighbours(holder, COMPANY):
                kind = self.types.by_key(key)
                kind = kind if holder is one else self.types.inverse(kind)
                return {kind.key: kind}
        return {}

    def _take_over(self, one: End, other: End, kind: AssociationType) -> None:
        """Take a label that a record has only once off the record that had it."""
        holder, target, key = one, other, kind.key
        if key not in EXCLUSIVE:
            holder, target, key = other, one, self.types.inverse(kind).key
        if key not in EXCLUSIVE:
            return
        exclusive = self.types.by_key(key)
        for old_id, keys in list(self.neighbours(holder, target[0]).items()):
            if key in keys and old_id != target[1]:
                self.remove_labels(holder, (target[0], old_id), [exclusive])

    def _tell_primary(self, one: End, other: End, keys: Iterable[Key], *, is_there: bool) -> None:
        inverse = self.types.inverse(self.types.by_key(PRIMARY_OF_CONTACT)).key
        for contact, company, key in ((one, other, PRIMARY_OF_CONTACT), (other, one, inverse)):
            if key in keys:
                self._watcher.follow_primary_company(contact[1], company[1] if is_there else "")

    def _put(self, end: End, other: End, key: Key) -> None:
        self._ends.setdefault(end, {}).setdefault(other[0], {}).setdefault(other[1], {})[key] = None

    # persistence

    def _once(self) -> Iterator[tuple[End, End, dict[Key, None]]]:
        for end, found in self._ends.items():
            for to_type, others in found.items():
                for to_id, keys in others.items():
                    if end <= (to_type, to_id):
                        yield end, (to_type, to_id), keys

    def dump(self) -> list[Any]:
        """Return every association as JSON values."""
        return [[*end, *other, list(keys)] for end, other, keys in self._once()]

    def load(self, dumped: list[Any]) -> None:
        """Take over what `dump` returned."""
        self.clear()
        for one_type, one_id, other_type, other_id, keys in dumped:
            one, other = (one_type, one_id), (other_type, other_id)
            for category, number in keys:
                self._put(one, other, (category, number))
                self._put(other, one, self.types.inverse(self.types.by_key((category, number))).key)
