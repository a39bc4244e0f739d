"""The labels of associations between two object types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot import errors
from saas_simulators.hubspot.association_types import USER_DEFINED
from saas_simulators.hubspot.calls import as_string, object_body
from saas_simulators.hubspot.errors import HubSpotError

if TYPE_CHECKING:
    from saas_simulators.hubspot.association_types import AssociationType
    from saas_simulators.hubspot.calls import Call
    from saas_simulators.hubspot.records import RecordStore

MAX_LABELS = 50  # source: live runs of October 2026: a pair of object types takes 50
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # source: HubSpot docs "Associations": no hyphens, no digit first


def listing(call: Call) -> Reply:
    """Return the association types of one direction."""
    one, other = _stores(call)
    found = call.account.association_types.between(one.type.type_id, other.type.type_id)
    return json_reply(200, {"results": [_shown(call, kind) for kind in found]})


def create(call: Call) -> Reply:
    """Define a label, in both directions; a pair that has no association type yet gets the plain one, too."""
    # source: live runs of October 2026 ("Association labels 2026-09"): an empty label makes the plain type alone
    one, other = _stores(call)
    body = object_body(call.body, "name", "label")
    name, label = as_string(body["name"]), as_string(body["label"])
    types = call.account.association_types
    ends = (one.type.type_id, other.type.type_id)
    _refuse(call, one, other, name, label)
    if not label:
        return _created(call, types.define(*ends, name, None, None))
    types.ensure_plain(*ends, f"{one.type.singular}_to_{other.type.singular}")
    inverse = body.get("inverseLabel")
    return _created(call, types.define(*ends, name, label, as_string(inverse) if inverse else None))


def update(call: Call) -> Reply:
    """Change a label's text; without `inverseLabel` both sides get it."""
    # source: live runs of October 2026
    one, other = _stores(call)
    body = object_body(call.body, "associationTypeId", "label")
    kind = _own(call, one, other, as_string(body["associationTypeId"]))
    label = as_string(body["label"])
    call.account.association_types.relabel(kind, label, as_string(body.get("inverseLabel") or label))
    call.account.note_definition("association_label_updated", one.type.name, str(kind.id))
    return Reply(204)


def delete(call: Call) -> Reply:
    """Remove a label of both directions, from every record too; the plain type goes last."""
    # source: live runs of October 2026
    one, other = _stores(call)
    account = call.account
    kind = _own(call, one, other, call.parameters["association_type_id"])
    labels = account.association_types.labels(kind.from_type, kind.to_type)
    if kind.label is None and labels:
        message = f"Definition with label still exists; Cannot delete unlabeled type with associationTypeId {kind.id}"
        raise errors.validation(message)
    keys = account.association_types.remove(kind)
    account.links.remove_type(keys)
    account.note_definition("association_label_deleted", one.type.name, str(kind.id))
    return Reply(204)


def _stores(call: Call) -> tuple[RecordStore, RecordStore]:
    account = call.account
    return account.store(call.parameters["object_type"]), account.store(call.parameters["to_type"])


def _refuse(call: Call, one: RecordStore, other: RecordStore, name: str, label: str) -> None:
    types = call.account.association_types
    ends = (one.type.type_id, other.type.type_id)
    if not NAME.fullmatch(name):
        # inferred: the text
        message = f"The name {name} is invalid: letters, digits and underscores, and no digit first"
        raise errors.validation(message)
    is_plain_twice = not label and types.plain(*ends) is not None
    if types.has_name(name) or is_plain_twice or label in {kind.label for kind in types.between(*ends)}:
        # inferred: the text; that names are unique in an account: live runs of October 2026
        message = f"An association definition '{name}' already exists between {ends[0]} and {ends[1]}"
        raise errors.validation(message)
    if label and types.labels(*ends) >= MAX_LABELS:
        message = f"No more than {MAX_LABELS} association types are allowed between {ends[0]} and {ends[1]}"
        raise HubSpotError(437, message)


def _created(call: Call, kinds: list[AssociationType]) -> Reply:
    account = call.account
    object_name = account.store(kinds[0].from_type).type.name
    account.note_definition("association_label_created", object_name, str(kinds[0].id))
    return json_reply(200, {"results": [_shown(call, kind) for kind in kinds]})


def _shown(call: Call, kind: AssociationType) -> dict[str, Any]:
    """Return a label; dated paths add two keys that are always null."""
    # source: live runs of October 2026 on 2026-09; HubSpot docs "Associations v4" without them
    is_dated = call.request.path.startswith("/crm/associations/")
    return kind.as_json() | ({"fromObjectTypeId": None, "toObjectTypeId": None} if is_dated else {})


def _own(call: Call, one: RecordStore, other: RecordStore, number: str) -> AssociationType:
    kind = call.account.association_types.find(USER_DEFINED, int(number)) if number.isdecimal() else None
    if kind is None or (kind.from_type, kind.to_type) != (one.type.type_id, other.type.type_id):
        # inferred
        message = f"{number} is not a label of associations between {one.type.name} and {other.type.name}"
        raise HubSpotError(404, message, category="OBJECT_NOT_FOUND")
    return kind
