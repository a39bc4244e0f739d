"""Which associations an account knows: HubSpot's own between standard objects, and those that it defines itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

HUBSPOT_DEFINED = "HUBSPOT_DEFINED"
USER_DEFINED = "USER_DEFINED"
CATEGORIES = (HUBSPOT_DEFINED, USER_DEFINED, "INTEGRATOR_DEFINED")

Key = tuple[str, int]  # a category and an id; ids are unique within their category only

# from, to, id, inverse id, name, inverse name, label, inverse label.
# source: HubSpot docs "Associations", lists of type ids; labels: hubspot-api-ruby#171 (1), recordings captaincontrat
# v4_associations.json (2 and 5), inferred for 6, 25, 26, 13 and 14; names: recorded answers of GET ?associations=
_HUBSPOT_PAIRS = (
    ("0-1", "0-1", 449, 449, "contact_to_contact", "contact_to_contact", None, None),
    ("0-1", "0-2", 279, 280, "contact_to_company_unlabeled", "company_to_contact_unlabeled", None, None),
    ("0-1", "0-2", 1, 2, "contact_to_company", "company_to_contact", "Primary", "Primary Company"),
    ("0-1", "0-3", 4, 3, "contact_to_deal", "deal_to_contact", None, None),
    ("0-1", "0-5", 15, 16, "contact_to_ticket", "ticket_to_contact", None, None),
    ("0-2", "0-2", 450, 450, "company_to_company", "company_to_company", None, None),
    ("0-2", "0-2", 13, 14, "parent_to_child_company", "child_to_parent_company", "Child Company", "Parent Company"),
    ("0-2", "0-3", 342, 341, "company_to_deal_unlabeled", "deal_to_company_unlabeled", None, None),
    ("0-2", "0-3", 6, 5, "company_to_deal", "deal_to_company", "Primary", "Primary"),
    ("0-2", "0-5", 340, 339, "company_to_ticket_unlabeled", "ticket_to_company_unlabeled", None, None),
    ("0-2", "0-5", 25, 26, "company_to_ticket", "ticket_to_company", "Primary", "Primary"),
    ("0-3", "0-3", 451, 451, "deal_to_deal", "deal_to_deal", None, None),
    ("0-3", "0-5", 27, 28, "deal_to_ticket", "ticket_to_deal", None, None),
    ("0-3", "0-8", 19, 20, "deal_to_line_item", "line_item_to_deal", None, None),
    ("0-5", "0-5", 452, 452, "ticket_to_ticket", "ticket_to_ticket", None, None),
)
COMPANY = "0-2"
# The primary company of a contact, a deal or a ticket, seen from that record.
PRIMARY: dict[str, Key] = {
    "0-1": (HUBSPOT_DEFINED, 1),
    "0-3": (HUBSPOT_DEFINED, 5),
    "0-5": (HUBSPOT_DEFINED, 26),
}
PRIMARY_OF_CONTACT = PRIMARY["0-1"]
# What a record has at most once: its primary company, and a company its parent.
# source: HubSpot docs "Associations"; hubspot-api-php#254 for 14: only the last link is left
EXCLUSIVE = frozenset({*PRIMARY.values(), (HUBSPOT_DEFINED, 14)})


@dataclass(frozen=True, slots=True)
class AssociationType:
    """One direction of an association; `label` is None for the one that only says that two records belong together."""

    category: str
    id: int
    from_type: str
    to_type: str
    name: str
    label: str | None
    inverse_id: int

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return self.category, self.id

    def as_json(self) -> dict[str, Any]:
        """Return the type as reads of associations show it."""
        return {"category": self.category, "typeId": self.id, "label": self.label}


class AssociationTypes:
    """All types of one account.

    >>> types = AssociationTypes()
    >>> [(one.id, one.label) for one in types.between("0-1", "0-2")]
    [(279, None), (1, 'Primary')]
    >>> [one.id for one in types.define("0-1", "0-2", "billing", "Billing contact", None)]
    [1, 2]
    """

    def __init__(self) -> None:
        self._types: dict[Key, AssociationType] = {}
        self._pairs: dict[tuple[str, str], dict[Key, None]] = {}
        self.last_user_id = 0
        for from_type, to_type, number, inverse, name, inverse_name, label, inverse_label in _HUBSPOT_PAIRS:
            self._add(AssociationType(HUBSPOT_DEFINED, number, from_type, to_type, name, label, inverse))
            if inverse != number:
                self._add(
                    AssociationType(HUBSPOT_DEFINED, inverse, to_type, from_type, inverse_name, inverse_label, number)
                )

    def between(self, from_type: str, to_type: str) -> list[AssociationType]:
        """Return the types of one direction."""
        return [self._types[key] for key in self._pairs.get((from_type, to_type), ())]

    def plain(self, from_type: str, to_type: str) -> AssociationType | None:
        """Return the type without a label, which every association of the pair has."""
        return next((one for one in self.between(from_type, to_type) if one.label is None), None)

    def find(self, category: str, number: int) -> AssociationType | None:
        """Return a type by category and id."""
        return self._types.get((category, number))

    def by_key(self, key: Key) -> AssociationType:
        """Return a type that is known to be there."""
        return self._types[key]

    def inverse(self, kind: AssociationType) -> AssociationType:
        """Return the other direction; a type may be its own."""
        return self._types[kind.category, kind.inverse_id]

    def labels(self, from_type: str, to_type: str) -> int:
        """Return how many labels the account has defined between two object types; a pair counts once."""
        # source: live runs of October 2026: a paired label counts once, the association without a label not at all
        own = [
            one for one in self.between(from_type, to_type) if one.category == USER_DEFINED and one.label is not None
        ]
        return len({min(one.id, one.inverse_id) for one in own})

    def has_name(self, name: str) -> bool:
        """Whether a type of the account has this internal name; names are unique in the account."""
        return any(one.name == name for one in self._types.values())

    def define(
        self, from_type: str, to_type: str, name: str, label: str | None, inverse_label: str | None
    ) -> list[AssociationType]:
        """Add both directions of a type; a label without an inverse stands on both sides."""
        # source: live runs of October 2026: a label is always a pair of ids; the account numbers them by itself, so
        # that a USER_DEFINED 279 may stand beside HubSpot's own 279.
        first, second = self.last_user_id + 1, self.last_user_id + 2
        self.last_user_id = second
        found = [
            AssociationType(USER_DEFINED, first, from_type, to_type, name, label, second),
            AssociationType(USER_DEFINED, second, to_type, from_type, name, inverse_label or label, first),
        ]
        for one in found:
            self._add(one)
        return found

    def ensure_plain(self, from_type: str, to_type: str, name: str) -> AssociationType:
        """Return the type without a label, and define it where the pair has none."""
        return self.plain(from_type, to_type) or self.define(from_type, to_type, name, None, None)[0]

    def relabel(self, kind: AssociationType, label: str, inverse_label: str) -> None:
        """Change the texts of both directions."""
        self._types[kind.key] = replace(kind, label=label)
        other = self.inverse(kind)
        self._types[other.key] = replace(other, label=inverse_label)

    def remove(self, kind: AssociationType) -> list[Key]:
        """Remove both directions and return their keys."""
        removed = [kind.key, self.inverse(kind).key]
        for key in removed:
            if one := self._types.pop(key, None):
                del self._pairs[one.from_type, one.to_type][key]
        return removed

    def remove_object(self, type_id: str) -> None:
        """Remove every type of a custom object that is gone."""
        for one in [one for one in self._types.values() if one.from_type == type_id]:
            if one.key in self._types:
                self.remove(one)

    def _add(self, kind: AssociationType) -> None:
        self._types[kind.key] = kind
        self._pairs.setdefault((kind.from_type, kind.to_type), {})[kind.key] = None

    def of(self, type_id: str) -> list[AssociationType]:
        """Return all types that begin or end at an object type."""
        return [one for one in self._types.values() if type_id in {one.from_type, one.to_type}]

    def dump(self) -> dict[str, Any]:
        """Return what the account has defined, as JSON values."""
        own = [one for one in self._types.values() if one.category != HUBSPOT_DEFINED]
        rows = [[one.category, one.id, one.from_type, one.to_type, one.name, one.label, one.inverse_id] for one in own]
        return {"last_user_id": self.last_user_id, "types": rows}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over what `dump` returned."""
        self.last_user_id = dumped["last_user_id"]
        for row in dumped["types"]:
            self._add(AssociationType(*row))
