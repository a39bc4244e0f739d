"""Properties that a stream wants and an object lacks, created where the settings say so."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import frozen
from reverse_etl_core.transport import Request
from target_hubspot import complaints
from target_hubspot.definitions import definition, label, require_name, unique_definition
from target_hubspot.errors import RecordRefusedError
from target_hubspot.limits import DEFINITIONS_PER_REQUEST
from target_hubspot.objects import entries, field_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_etl_core.schema import ObjectSchema
    from reverse_etl_core.transport import Reply
    from target_hubspot.paths import Paths

logger = logging.getLogger(__name__)

Definition = dict[str, Any]
ALREADY_EXISTS = "OBJECT_ALREADY_EXISTS"


class Properties:
    """Creates properties in one group.

    Args:
        send: Sends a request with credentials.
        paths: Of the API's version.
        group: Name of the property group; it is created where it is missing.
    """

    def __init__(self, send: Callable[[Request], Reply], paths: Paths, group: str) -> None:
        self._send = send
        self._paths = paths
        self._group = group

    def for_columns(self, columns: Mapping[str, Mapping[str, Any]]) -> list[Definition]:
        """Definitions for columns.

        Raises:
            ConfigError: With every name that HubSpot does not take.
        """
        made: list[Definition] = []
        problems: list[str] = []
        for name, singer_type in columns.items():
            try:
                made.append(definition(name, singer_type, self._group))
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(*problems)
        return made

    def for_match(self, schema: ObjectSchema, name: str) -> Definition:
        """The definition of a property that recognises records.

        Raises:
            ConfigError: The object has another one: a name that is not quite right would make all records anew.
        """
        own = [one for one in schema.key_fields() if one != schema.natural_match_field]
        if own:
            msg = (
                f"'{schema.name}' has no property '{name}', but '{own[0]}' with unique values, so "
                f"'create_match_property' creates no other one. Set 'match_on: {own[0]}', or create it in HubSpot."
            )
            raise ConfigError(msg)
        return unique_definition(name, self._group)

    def create(self, schema: ObjectSchema, wanted: Sequence[Definition]) -> ObjectSchema:
        """Create properties; one that exists by now is taken as it is, an archived one comes back.

        Returns:
            The schema with them, as HubSpot describes them.

        Raises:
            ConfigError: HubSpot refuses some of them.
        """
        self._require_group(schema.name)
        found: dict[str, Mapping[str, Any]] = {}
        left, codes = {str(one["name"]): one for one in wanted}, set[str]()
        while left:
            before = len(left)
            made = self._attempt(schema.name, list(left.values()), codes)
            found |= {name: one for name, one in made.items() if name in left}
            left = {name: one for name, one in left.items() if name not in made}
            if len(left) == before:
                raise _refused(schema, left.values(), codes)
        logger.info("Object '%s' has the properties %s.", schema.name, ", ".join(f"'{name}'" for name in found))
        return with_definitions(schema, found.values())

    def _attempt(self, object_name: str, wanted: Sequence[Definition], codes: set[str]) -> dict[str, Mapping[str, Any]]:
        """Those of the properties that exist after one request, and one more where it leaves some out."""
        some = wanted[:DEFINITIONS_PER_REQUEST]
        path = f"{self._paths.properties(object_name)}/batch/create"
        try:
            body = self._send(Request("POST", path, json={"inputs": list(some)}, is_write=True)).json()
        except RecordRefusedError as refused:
            codes.add(refused.refusal.vendor_code)
            body = {}
        made = _by_name(entries(body))
        if len(made) == len(some):
            return made
        errors = entries({"results": body.get("errors")})
        codes.update(filter(None, (complaints.read(one).vendor_code for one in errors)))
        # Somebody else may have created it meanwhile; which one an error is about is not evidenced.
        there = _by_name(entries(self._send(Request("GET", self._paths.properties(object_name))).json()))
        return made | {one["name"]: there[one["name"]] for one in some if one["name"] in there}

    def _require_group(self, object_name: str) -> None:
        path = f"{self._paths.properties(object_name)}/groups"
        if self._group in _by_name(entries(self._send(Request("GET", path)).json())):
            return
        require_name(self._group)
        body = {"name": self._group, "label": label(self._group), "displayOrder": -1}
        try:
            self._send(Request("POST", path, json=body, is_write=True))
        except RecordRefusedError as refused:
            if refused.refusal.vendor_code != ALREADY_EXISTS:
                msg = f"HubSpot refuses the property group '{self._group}' ({refused.refusal.vendor_code}). "
                msg += "Create it in HubSpot, or set 'property_group' to one that exists."
                raise ConfigError(msg) from None


def with_definitions(schema: ObjectSchema, made: Iterable[Mapping[str, Any]]) -> ObjectSchema:
    """The schema with further properties, as their definitions describe them."""
    fields = {str(one["name"]): field_of(schema.name, one) for one in made}
    unique = frozenset(name for name, one in fields.items() if one.is_key)
    return replace(schema, fields=frozen({**schema.fields, **fields}), upsert_fields=schema.upsert_fields | unique)


def _by_name(definitions: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(one["name"]): one for one in definitions if one.get("name") and not one.get("archived")}


def _refused(schema: ObjectSchema, left: Iterable[Definition], codes: Iterable[str]) -> ConfigError:
    left = list(left)
    names, said = ", ".join(f"'{one['name']}'" for one in left), ", ".join(sorted(codes)) or "no code"
    # source: HubSpot docs, "Properties": 10 unique ones per object; how many others there may be depends on the plan
    room = "10 with unique values" if any(one.get("hasUniqueValue") for one in left) else "some 1,000 of one's own"
    return ConfigError(
        f"HubSpot refuses to create {names} for '{schema.name}' ({said}). An object has room for {room}; archive what "
        "is not used any more, or map the column to another property."
    )
