"""Requests about associations, and what their replies say: pure, no I/O.

A reply is joined to what was asked by the two record ids, never by position: results come in any order (recorded), and
an error may name nobody (recorded 2022: `CONTACT=1234 is not valid`, without a context).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import ConfigError, UnknownOutcomeError
from reverse_etl_core.schema import FieldType, Limits, ObjectSchema, RemovalWay, frozen
from reverse_etl_core.transport import Request
from target_hubspot import complaints
from target_hubspot.limits import ASSOCIATED_PER_RECORD, ASSOCIATIONS, ASSOCIATIONS_READ
from target_hubspot.objects import ARCHIVE
from target_hubspot.wire import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_etl_core.schema import Reference
    from target_hubspot.paths import Paths

FROM, TO = "from", "to"
Pair = tuple[str, str]
"""Ids of the two records."""


@dataclass(frozen=True, slots=True)
class AssociationKind:
    """One kind of associations between two objects, seen from the first.

    Attributes:
        from_object: The object that a stream writes.
        to_object: The other one.
        category: Of the association type: `HUBSPOT_DEFINED`, `USER_DEFINED`, `INTEGRATOR_DEFINED`.
        type_id: Of the association type, unique within its category.
        label: Its name; `None` for the plain one, which every associated pair has.
        replaces: Whether what this sync added goes when the source no longer has it.
    """

    from_object: str
    to_object: str
    category: str
    type_id: int
    label: str | None = None
    replaces: bool = False

    @property
    def name(self) -> str:
        """As an object of its own; also the name in the ledger."""
        return f"{self.from_object}>{self.to_object}" + (f":{self.label}" if self.label else "")

    @property
    def types(self) -> list[dict[str, Any]]:
        """As requests name it."""
        return [{"associationCategory": self.category, "associationTypeId": self.type_id}]


def chosen_kind(source: str, target: str, label: str | None, reply: object, *, replaces: bool) -> AssociationKind:
    """The kind that a label means, from the reply of `GET labels`.

    Raises:
        ConfigError: The two objects have no such label, or nothing connects them.
    """
    results = reply.get("results") if isinstance(reply, dict) else None
    known = [one for one in results or () if isinstance(one, dict) and one.get("typeId") is not None]
    found = [one for one in known if (one.get("label") or None) == label]
    if not found and label:
        wanted = label.strip().casefold()
        found = [one for one in known if str(one.get("label") or "").strip().casefold() == wanted]
    if len(found) > 1:
        msg = f"'associations': '{label}' could mean several labels from '{source}' to '{target}'. "
        msg += "Spell it exactly as HubSpot does."
        raise ConfigError(msg)
    if found:
        shown = str(found[0]["label"]) if label else None
        kind = (str(found[0].get("category")), int(found[0]["typeId"]))
        return AssociationKind(source, target, *kind, shown, replaces)
    labels = ", ".join(f"'{one['label']}'" for one in known if one.get("label"))
    if not known:
        msg = f"'associations': HubSpot knows none between '{source}' and '{target}'. Define one in its settings first."
    elif label:
        choices = f"there are: {labels}" if labels else "there are no labels yet"
        msg = f"'associations': no label '{label}' from '{source}' to '{target}'; {choices}. Create it in HubSpot."
    else:
        msg = f"'associations': HubSpot has only labelled ones from '{source}' to '{target}'; set 'label' to {labels}."
    raise ConfigError(msg)


def association_schema(kind: AssociationKind, source: Reference, target: Reference) -> ObjectSchema:
    """Associations as an object: match values of the two ends, of which `to` may list several."""
    from_field = replace(source.match_field, name=FROM, label="", is_key=True, is_creatable=True, is_updatable=True)
    to_field = replace(
        target.match_field,
        name=TO,
        label="",
        type=FieldType.KEYS,
        is_key=False,
        is_creatable=True,
        is_updatable=True,
        max_length=None,
        options=(),
    )
    return ObjectSchema(
        name=kind.name,
        fields=frozen({FROM: from_field, TO: to_field}),
        limits=Limits(ASSOCIATIONS),
        natural_match_field=FROM,
        upsert_fields=frozenset({FROM}),
        removals=(RemovalWay(ARCHIVE, ASSOCIATIONS_READ, spares_others=True),),
        parents={FROM: source, TO: target},
        takes_ids=True,
        prepares=kind.replaces,
    )


def identity(schema: ObjectSchema) -> tuple[object, ...]:
    """What tells associations apart that have one name: several streams may tie the same objects, each in its way."""
    return (schema.name, schema.prepares, *((end, one.match_field.name) for end, one in schema.parents.items()))


@dataclass(frozen=True, slots=True)
class Added:
    """What this sync added to one record; the ledger keeps it as the association's id.

    Attributes:
        from_id: The record.
        whole: Ids of those that it was not associated with at all before.
        labelled: Ids of those that only got a label.
    """

    from_id: str
    whole: frozenset[str] = field(default=frozenset())
    labelled: frozenset[str] = field(default=frozenset())

    @property
    def text(self) -> str:
        """As the ledger keeps it.

        >>> Added("7", frozenset({"12", "9"}), frozenset({"3"})).text
        '7>12,9,3~'
        """
        return f"{self.from_id}>" + ",".join([*sorted(self.whole), *(f"{one}~" for one in sorted(self.labelled))])

    @classmethod
    def read(cls, text: str) -> Added:
        """From the ledger.

        >>> Added.read("7>12,3~")
        Added(from_id='7', whole=frozenset({'12'}), labelled=frozenset({'3'}))
        """
        from_id, _, rest = text.partition(">")
        ids = [one for one in rest.split(",") if one]
        return cls(
            from_id,
            frozenset(one for one in ids if not one.endswith("~")),
            frozenset(one[:-1] for one in ids if one.endswith("~")),
        )

    def without(self, kept: Iterable[str]) -> Added:
        """What of it is no longer wanted."""
        return Added(self.from_id, self.whole.difference(kept), self.labelled.difference(kept))

    def only(self, kept: Iterable[str]) -> Added:
        """What of it is still wanted."""
        return Added(self.from_id, self.whole.intersection(kept), self.labelled.intersection(kept))


# -- requests


def build_create(kind: AssociationKind, pairs: Sequence[Pair], paths: Paths) -> Request:
    """The request that associates records. Repeating it is safe: a pair has each type once."""
    inputs = [{"from": {"id": one}, "to": {"id": other}, "types": kind.types} for one, other in pairs]
    return _request(kind, "create", inputs, paths, is_write=True)


def build_archive(kind: AssociationKind, pairs: Sequence[Pair], paths: Paths) -> Request:
    """The request that ends associations, with all of their labels; one that is gone is passed over (recorded)."""
    by_record: dict[str, list[dict[str, str]]] = {}
    for one, other in pairs:
        by_record.setdefault(one, []).append({"id": other})
    inputs = [{"from": {"id": one}, "to": others} for one, others in by_record.items()]
    return _request(kind, "archive", inputs, paths, is_write=True)


def build_archive_labels(kind: AssociationKind, pairs: Sequence[Pair], paths: Paths) -> Request:
    """The request that takes a label off associations, which stay."""
    inputs = [{"from": {"id": one}, "to": {"id": other}, "types": kind.types} for one, other in pairs]
    return _request(kind, "labels/archive", inputs, paths, is_write=True)


def build_read(kind: AssociationKind, inputs: Mapping[str, str | None], paths: Paths) -> Request:
    """The request for what records are associated with.

    Args:
        kind: Of the two objects.
        inputs: Record id to where its next page begins; `None` for the first one.
        paths: Of the API.
    """
    asked = [{"id": one, **({"after": after} if after else {})} for one, after in inputs.items()]
    return _request(kind, "read", asked, paths, is_write=False)


def _request(kind: AssociationKind, verb: str, inputs: list[Any], paths: Paths, *, is_write: bool) -> Request:
    path = paths.associations(kind.from_object, kind.to_object, f"batch/{verb}")
    return Request("POST", path, json={"inputs": inputs}, is_write=is_write)


# -- replies


@dataclass(frozen=True, slots=True)
class Associated:
    """What came of a request to associate records.

    Attributes:
        pairs: Those that are associated now.
        code: The most specific code of the errors; empty where there were none.
    """

    pairs: frozenset[Pair]
    code: str = ""


def parse_create(body: Mapping[str, Any]) -> Associated:
    """The pairs that a 201 or 207 confirms; what it does not name is not known to be associated.

    Raises:
        UnknownOutcomeError: The reply is not the last word.
    """
    _require_complete(body)
    pairs = frozenset((str(one.get("fromObjectId")), str(one.get("toObjectId"))) for one in _objects(body, "results"))
    codes = [complaints.read(one).vendor_code for one in _objects(body, "errors")]
    return Associated(pairs, next((one for one in codes if one), "errors" if codes else ""))


@dataclass(slots=True)
class Found:
    """What records are associated with, as far as it was read.

    Attributes:
        types: Record id to the ids of the others, each with its association types.
        more: Record id to where its next page begins.
    """

    types: dict[str, dict[str, set[tuple[str, int]]]] = field(default_factory=dict)
    more: dict[str, str | None] = field(default_factory=dict)


def parse_read(body: Mapping[str, Any], found: Found) -> None:
    """Add a page to what was found. A record without associations is named in `errors` (live notes, 2026).

    Raises:
        UnknownOutcomeError: The reply is not complete.
    """
    _require_complete(body)
    found.more = {}
    for one in _objects(body, "results"):
        from_id = str((one.get("from") or {}).get("id"))
        others = found.types.setdefault(from_id, {})
        for other in _objects(one, "to"):
            kinds = others.setdefault(str(other.get("toObjectId")), set())
            kinds |= {(str(it.get("category")), int(it["typeId"])) for it in _objects(other, "associationTypes")}
        after = ((one.get("paging") or {}).get("next") or {}).get("after")
        if after:
            found.more[from_id] = str(after)


def too_many() -> str:
    """Why a record with too many associations is refused."""
    return f"The column names more than {ASSOCIATED_PER_RECORD} records. Associate from the other side, or name fewer."


def _require_complete(body: Mapping[str, Any]) -> None:
    if body.get("status", COMPLETE) != COMPLETE or not isinstance(body.get("results"), list):
        msg = "HubSpot's answer about associations is not complete."
        raise UnknownOutcomeError(msg)


def _objects(body: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = body.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
