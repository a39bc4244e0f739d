"""What an association must fulfil: ids, records, types and limits, with HubSpot's refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.hubspot import errors
from saas_simulators.hubspot.association_types import CATEGORIES
from saas_simulators.hubspot.calls import as_list, as_object, as_string
from saas_simulators.hubspot.errors import VALIDATION, HubSpotError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saas_simulators.hubspot.association_types import AssociationType
    from saas_simulators.hubspot.links import End
    from saas_simulators.hubspot.records import RecordStore
    from saas_simulators.hubspot.state import Account


class LinkRefusedError(Exception):
    """Two records cannot be associated; told as one item of a 207, or as the one error of a call."""

    def __init__(self, message: str, *, context: dict[str, list[str]] | None = None, **more: Any) -> None:  # noqa: ANN401 - any JSON value
        super().__init__(message)
        self._context = context
        self._more = more

    @classmethod
    def not_an_id(cls, text: str) -> LinkRefusedError:
        """Return the refusal of something that is no number."""
        # source: captured body amp-labs 2026-03
        refused = cls(f"{text} is not a valid ID")
        refused._more = {"subCategory": "crm.associations.INVALID_IDENTIFIER", "context": {"id": [text]}}
        return refused

    @classmethod
    def unknown_record(cls, code: str, record_id: str) -> LinkRefusedError:
        """Return the refusal of a record that does not exist, or is of another type than the association's."""
        # source: recordings captaincontrat v4_associations.json (item, without context); hubspot-api-nodejs#646 (one)
        message = f"{code}={record_id} is not valid"
        context = {"INVALID_OBJECT_IDS": [message], "objectId": [record_id], "objectType": [code]}
        return cls(message, context=context)

    @classmethod
    def unknown_type(cls, category: str, number: str) -> LinkRefusedError:
        """Return the refusal of an association type that the account does not have."""
        # source: body quoted in a third party's notes on PUT; inferred for items
        spec = f"{category}={number}"
        message = f"{spec} is not a valid association definition id"
        return cls(message, context={"associationSpec": [spec], "INVALID_ASSOCIATION_TYPE_ID": [message]})

    def item(self) -> dict[str, Any]:
        """Return one entry of `errors`."""
        return {"status": "error", "category": VALIDATION, "message": str(self), **self._more}

    def error(self) -> HubSpotError:
        """Return the refusal of a whole call."""
        if self._context is None:
            return errors.validation(str(self), **self._more)
        message = "One or more associations are invalid"
        return errors.validation(message, context=self._context)


class Checks:
    """Checks the associations of one call between two object types."""

    def __init__(self, account: Account, one: RecordStore, other: RecordStore) -> None:
        self._account = account
        self._one = one
        self._other = other

    def ends(self, one_id: str, other_id: str) -> tuple[End, End]:
        """Return both records as ends of an association.

        Raises:
            LinkRefusedError: Not a number, not a record, or twice the same one.
        """
        for text in (one_id, other_id):
            if not text.isdecimal():
                raise LinkRefusedError.not_an_id(text)
        one, other = (self._one.type.type_id, one_id), (self._other.type.type_id, other_id)
        if one == other:
            # source: captured body amp-labs 2026-03
            message = f"Object {one_id} cannot be associated to itself ({other_id})"
            raise LinkRefusedError(message)
        for store, record_id in ((self._one, one_id), (self._other, other_id)):
            # inferred: an id that was merged away is not followed
            if store.find(record_id) is None:
                raise LinkRefusedError.unknown_record(store.type.code, record_id)
        return one, other

    def kinds(self, specs: Any, one: End, other: End) -> list[AssociationType]:  # noqa: ANN401 - any JSON value
        """Return the types that an input names.

        Raises:
            LinkRefusedError: A type is unknown, or is of other object types, or of the other direction.
        """
        return [self._kind(spec, one, other) for spec in specs_of(specs)]

    def plain(self) -> AssociationType:
        """Return the type without a label.

        Raises:
            LinkRefusedError: The two object types have none.
        """
        one, other = self._one.type.type_id, self._other.type.type_id
        kind = self._account.association_types.plain(one, other)
        if kind is None:
            # inferred: a custom object is associated with nothing until a type is defined (live runs 2026-10)
            message = f"No association definition exists between {one} and {other}"
            raise LinkRefusedError(message)
        return kind

    def room(self, one: End, other: End) -> None:
        """Refuse one association more than a record can have.

        Raises:
            LinkRefusedError: The record has as many as the account allows.
        """
        full = self._account.links.full_side(one, other)
        if full is not None:
            # inferred: the changelog on association limits promises an error, its text is not evidenced
            to_type = other[0] if full == one else one[0]
            message = f"Object {full[1]} ({full[0]}) has reached its limit of associations with {to_type}"
            raise LinkRefusedError(message)

    def _kind(self, spec: tuple[str, int], one: End, other: End) -> AssociationType:
        kind = self._account.association_types.find(*spec)
        if kind is None:
            raise LinkRefusedError.unknown_type(spec[0], str(spec[1]))
        for store_id, end in ((kind.from_type, one), (kind.to_type, other)):
            if store_id != end[0]:
                # source: hubspot-api-nodejs#646: the type says of which object the id must be
                raise LinkRefusedError.unknown_record(self._account.store(store_id).type.code, end[1])
        return kind


def specs_of(specs: Any) -> list[tuple[str, int]]:  # noqa: ANN401 - any JSON value
    """Return the categories and ids of a list of association types."""
    found = []
    for one in as_list(specs):
        spec = as_object(one)
        # source: hubspot-api-nodejs#307
        if missing := [name for name in ("associationCategory", "associationTypeId") if spec.get(name) is None]:
            raise errors.required_fields(missing)
        category, number = as_string(spec["associationCategory"]), as_string(spec["associationTypeId"])
        if category not in CATEGORIES or not number.isdecimal():
            detail = "Cannot deserialize an association type"
            raise errors.wrong_json(detail)
        found.append((category, int(number)))
    if not found:
        # inferred
        message = "At least one association type is required"
        raise errors.validation(message)
    return found


def planned(
    account: Account,
    store: RecordStore,
    associations: Any,  # noqa: ANN401 - any JSON value
) -> list[tuple[End, list[AssociationType]]]:
    """Return what the `associations` of a new record ask for.

    Raises:
        LinkRefusedError: A record or a type is not there.
    """
    found: list[tuple[End, list[AssociationType]]] = []
    for one in as_list(associations):
        given = as_object(one)
        if missing := [name for name in ("to", "types") if given.get(name) is None]:
            raise errors.required_fields(missing)
        to_id = as_string(as_object(given["to"]).get("id"))
        kinds = [_outgoing(account, store, spec) for spec in specs_of(given["types"])]
        other = account.store(kinds[0].to_type)
        if other.find(to_id) is None:
            raise LinkRefusedError.unknown_record(other.type.code, to_id)
        found.append(((other.type.type_id, to_id), kinds))
    _refuse_full(account, store, found)
    return found


def _outgoing(account: Account, store: RecordStore, spec: tuple[str, int]) -> AssociationType:
    kind = account.association_types.find(*spec)
    if kind is None:
        raise LinkRefusedError.unknown_type(spec[0], str(spec[1]))
    if kind.from_type != store.type.type_id:
        # source: a third party's simulator, text not confirmed
        expected = f"expected: {store.type.type_id}"
        message = f"invalid from object type {kind.from_type} for associations to be created. {expected}"
        raise LinkRefusedError(message)
    return kind


def _refuse_full(account: Account, store: RecordStore, wanted: Iterable[tuple[End, Any]]) -> None:
    checks = Checks(account, store, store)
    for other, _ in wanted:
        checks.room((store.type.type_id, ""), other)
