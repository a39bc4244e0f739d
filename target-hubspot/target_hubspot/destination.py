"""HubSpot as core's destination: the endpoints, over the transport."""

from __future__ import annotations

import functools
from importlib import metadata
from typing import TYPE_CHECKING, Any

from reverse_etl_core.destination import Destination, Use
from reverse_etl_core.errors import ConfigError
from reverse_etl_core.operations import Batch, Removed, Verb
from reverse_etl_core.ratelimit import RateLimiter
from reverse_etl_core.transport import Reply, Request, Transport
from target_hubspot import association_wire, errors, limits, list_wire, objects, scopes, wire
from target_hubspot.associations import AssociationWriter
from target_hubspot.auth import FixedToken, RenewedToken
from target_hubspot.config import AccessToken, Choices
from target_hubspot.creation import Properties, with_definitions
from target_hubspot.lifecycle import Lifecycle
from target_hubspot.lists import ListWriter
from target_hubspot.owners import Owners
from target_hubspot.paths import Paths
from target_hubspot.wire import Whereabouts

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from reverse_etl_core.errors import ReverseETLError
    from reverse_etl_core.operations import Current, Operation, Outcome
    from reverse_etl_core.ratelimit import LimitReading
    from reverse_etl_core.retry import RetryPolicy
    from reverse_etl_core.schema import ObjectSchema, Reference
    from reverse_etl_core.traffic import Traffic
    from target_hubspot.config import HubSpotConfig
    from target_hubspot.list_wire import RecordList
    from target_hubspot.objects import ObjectType

TIMEOUT_S = (10.0, 60.0)
"""To connect, and between two bytes of an answer."""


class HubSpotDialect:
    """What HubSpot's replies mean."""

    def failure(self, request: Request, reply: Reply) -> ReverseETLError | None:
        """The error that a reply amounts to."""
        return errors.failure(request, reply)

    def limits(self, request: Request, reply: Reply) -> LimitReading:
        """What the headers say."""
        del request
        return limits.reading(reply.headers)


class HubSpotDestination(Destination):
    """One HubSpot account.

    Args:
        send: Sends a request with credentials.
        api_version: Of the paths.
        choices: What the user decided about properties.
        granted: Asks for the scopes of the token; `None` where HubSpot does not tell them.
    """

    rate = limits.RATES["default"]

    def __init__(
        self,
        send: Callable[[Request], Reply],
        api_version: str,
        choices: Choices = Choices(),  # noqa: B008 - frozen
        granted: Callable[[], frozenset[str] | None] = lambda: None,
    ) -> None:
        self.adds_fields = choices.create_properties
        self.adds_match_fields = choices.create_match_property
        self._send = send
        self._granted = functools.cache(granted)
        self._paths = Paths(api_version)
        self._schemas: dict[str, ObjectSchema] = {}
        self._associations: dict[object, AssociationWriter] = {}
        self._owners = Owners(send, self._paths)
        self._lifecycle = Lifecycle(send, self._paths, choices.lifecycle_stage)
        self._properties = Properties(send, self._paths, choices.property_group)
        self._lists: dict[str, ListWriter] = {}
        self._lists_found: dict[str, RecordList] = {}

    def account(self) -> str:
        """The portal's id.

        Raises:
            ConfigError: Whoever answers is not HubSpot.
        """
        portal_id = self._get(self._paths.account()).get("portalId")
        if portal_id is None:
            msg = "The answer names no portal, so it is not one of HubSpot's. Check 'api_url'."
            raise ConfigError(msg)
        return str(portal_id)

    def check_permissions(self, uses: Sequence[Use]) -> None:
        """Compare the token's scopes with what the streams do; of a list also with whose records are in it.

        Raises:
            ConfigError: Names every scope that is missing.
        """
        if (granted := self._granted()) is None:
            return
        lists = [one for one in map(list_wire.wanted_list, (one.object_name for one in uses)) if one is not None]
        members = self._records_in(lists) if scopes.LISTS[0] in granted else []
        if lacking := scopes.missing(scopes.needed([*uses, *members]), granted):
            raise ConfigError(scopes.complaint(lacking))

    def _records_in(self, lists: Sequence[str]) -> list[Use]:
        """That the records of lists are looked up; a list that there is not is complained of when it is described."""
        found = []
        for wanted in lists:
            try:
                found.append(Use(self._list(wanted).object_type, is_written=False))
            except ConfigError:
                continue
        return found

    def describe(self, object_name: str) -> ObjectSchema:
        """The live properties of a standard or custom object; of `list:NAME` what recognises the records in it.

        Raises:
            ConfigError: There is no such object; the message names those that there are.
        """
        if (wanted := list_wire.wanted_list(object_name)) is not None:
            return self._describe_list(wanted)
        kind = objects.core_object(object_name)
        custom = [] if kind else self._custom_objects()
        kind = kind or objects.resolve(object_name, custom)
        try:
            schema = objects.object_schema(kind, self._get(self._paths.properties(kind.name)))
        except errors.UnknownObjectError:
            raise objects.no_such_object(object_name, custom) from None
        self._schemas[schema.name] = schema
        return schema

    def _describe_list(self, wanted: str) -> ObjectSchema:
        found = self._list(wanted)
        list_wire.check_list(found)
        records = self.describe(found.object_type)
        schema = list_wire.list_schema(found, records)
        self._lists[schema.name] = ListWriter(
            found, self._paths, self._send, lambda field, keys: self._find_records(records, field, keys)
        )
        return schema

    def _list(self, wanted: str) -> RecordList:
        """The list that a name or an id means; a name goes first."""
        if wanted not in self._lists_found:
            found = list_wire.chosen_list(wanted, self._search_lists(wanted)) or self._list_with_id(wanted)
            if found is None:
                raise list_wire.no_such_list(wanted, self._search_lists(""))
            self._lists_found[wanted] = found
        return self._lists_found[wanted]

    def _list_with_id(self, list_id: str) -> RecordList | None:
        if not (list_id.isascii() and list_id.isdecimal()):
            return None
        try:
            return list_wire.parse_list(self._get(self._paths.lists(list_id)).get("list") or {})
        except errors.NothingThereError:
            return None

    def _search_lists(self, words: str) -> list[RecordList]:
        found: list[RecordList] = []
        offset: int | None = 0
        while offset is not None:
            page, offset = list_wire.parse_search(self._send(list_wire.build_search(words, offset, self._paths)).json())
            found += page
        return found

    def describe_association(
        self, source: Reference, target: Reference, label: str | None, *, replaces: bool
    ) -> ObjectSchema:
        """Associations of one kind; labels go by the names that people see.

        Raises:
            ConfigError: HubSpot knows none between these objects, or none with this label.
        """
        one, other = source.object_name, target.object_name
        reply = self._get(self._paths.associations(one, other, "labels"))
        kind = association_wire.chosen_kind(one, other, label, reply, replaces=replaces)
        ends = {association_wire.FROM: source, association_wire.TO: target}
        schema = association_wire.association_schema(kind, source, target)
        self._associations[association_wire.identity(schema)] = AssociationWriter(
            kind, self._paths, self._send, lambda end, keys: self._find_end(ends[end], keys)
        )
        return schema

    def _find_end(self, end: Reference, keys: Sequence[str]) -> dict[str, Sequence[str]]:
        """Ids of the records that an association could mean."""
        return self._find_records(self._schemas[end.object_name], end.match_field.name, keys)

    def _find_records(self, schema: ObjectSchema, field: str, keys: Sequence[str]) -> dict[str, Sequence[str]]:
        """Ids of records by match keys, however many these are."""
        step = schema.limits.records_per_request
        found: dict[str, Sequence[str]] = {}
        for start in range(0, len(keys), step):
            found |= self.find(schema, field, keys[start : start + step])
        return found

    def _custom_objects(self) -> list[ObjectType] | None:
        """The account's own objects; `None` where the token may not list them, which standard ones do not need."""
        try:
            return objects.custom_objects(self._get(self._paths.schemas()))
        except errors.NotGrantedError:
            return None

    def add_fields(self, schema: ObjectSchema, columns: Mapping[str, Mapping[str, Any]]) -> ObjectSchema:
        """Create a property for each column that has none, where the settings say so."""
        if not self.adds_fields:
            return schema
        return self._properties.create(schema, self._properties.for_columns(columns))

    def add_match_field(self, schema: ObjectSchema, name: str) -> ObjectSchema:
        """Create the property that recognises records, where the settings say so."""
        if not self.adds_match_fields:
            return schema
        return self._properties.create(schema, [self._properties.for_match(schema, name)])

    def with_planned_fields(
        self, schema: ObjectSchema, columns: Mapping[str, Mapping[str, Any]], match_field: str | None = None
    ) -> ObjectSchema:
        """The schema as if the properties were there."""
        if match_field is not None:
            return with_definitions(schema, [self._properties.for_match(schema, match_field)])
        return with_definitions(schema, self._properties.for_columns(columns))

    def with_options(self, schema: ObjectSchema, names: Sequence[str]) -> ObjectSchema:
        """Owner properties take addresses, once the owners are read."""
        return self._owners.known_in(schema, names)

    def read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str] = ()
    ) -> Mapping[str, Sequence[Current]]:
        """Read by id or by a unique property; archived and merged-away records are not found."""
        if (associations := self._associations.get(association_wire.identity(schema))) is not None:
            return associations.read(key_field, keys)
        if schema.name in self._lists:
            return self._lists[schema.name].read(key_field, keys)
        key_field = key_field or objects.ID_FIELD
        request = wire.build_read(schema, key_field, keys, fields=fields, paths=self._paths)
        return wire.parse_read(schema, key_field, keys, self._send(request).json(), fields=fields)

    def prepare(self, batch: Batch) -> Sequence[Batch]:
        """Read what has to be noted before associations or memberships are written."""
        if batch.schema.name in self._lists:
            return self._lists[batch.schema.name].prepare(batch)
        return self._associations[association_wire.identity(batch.schema)].prepare(batch)

    def write(self, batch: Batch) -> list[Outcome]:
        """Send one batch of creates, updates, upserts or removals."""
        if (associations := self._associations.get(association_wire.identity(batch.schema))) is not None:
            return associations.write(batch)
        if batch.schema.name in self._lists:
            return self._lists[batch.schema.name].write(batch)
        if batch.verb is Verb.REMOVE:
            if batch.removal == objects.DELETE:
                return [self._purge(batch.schema, one) for one in batch.operations]
            return self._archive(batch)
        request = wire.build_write(batch, self._paths)
        try:
            reply = self._send(request)
        except errors.RecordRefusedError as refused:
            raise errors.RecordRefusedError(wire.in_context(batch, refused.refusal)) from None
        body = reply.json()
        unnamed = wire.unnamed(batch, body)
        ids = self.find(batch.schema, batch.match_field, unnamed) if unnamed else {}
        return self._lifecycle.settled(batch, request, body, wire.parse_write(batch, body, ids))

    def _archive(self, batch: Batch) -> list[Outcome]:
        """Archive the records that still are what they were.

        An id that was merged away may lead to the surviving record, here as in reads. That one is not ours (G5): the
        record that this sync created is away, and the survivor is left alone.
        """
        ids = {one.source_key: str(one.destination_id) for one in batch.operations}
        where = self._look(batch.schema, list(dict.fromkeys(ids.values())))
        here = [one for one in batch.operations if where[ids[one.source_key]] is Whereabouts.HERE]
        outcomes: list[Outcome] = [Removed(key) for key, one in ids.items() if where[one] is not Whereabouts.HERE]
        if here:
            part = Batch(batch.verb, batch.schema, batch.match_field, tuple(here), removal=batch.removal)
            reply = self._send(wire.build_archive(part, self._paths))
            outcomes += wire.parse_archive(part, reply.json_or_none() or {})
        return outcomes

    def _purge(self, schema: ObjectSchema, operation: Operation) -> Outcome:
        """Delete one contact for privacy, an archived one too: that keeps what it holds for 90 days.

        What is left of a contact that was merged away is never claimed to be deleted: somebody has to look.
        """
        where = self._look_everywhere(schema, operation)
        if where is Whereabouts.HERE:
            try:
                self._send(wire.build_purge(schema, operation, self._paths))
            except errors.NothingThereError:
                where = self._look_everywhere(schema, operation)
                return Removed(operation.source_key) if where is Whereabouts.AWAY else wire.not_purged(operation, where)
        return wire.not_purged(operation, where) if where is Whereabouts.MERGED else Removed(operation.source_key)

    def _look_everywhere(self, schema: ObjectSchema, operation: Operation) -> Whereabouts:
        """Where a record is, in the recycle bin too."""
        record_id = str(operation.destination_id)
        where = self._look(schema, [record_id])[record_id]
        return self._look(schema, [record_id], archived=True)[record_id] if where is Whereabouts.AWAY else where

    def _look(self, schema: ObjectSchema, ids: Sequence[str], *, archived: bool = False) -> dict[str, Whereabouts]:
        """Where records are: one request, and one more for each id that its answer does not mention."""
        request = wire.build_look(schema, ids, self._paths, archived=archived)
        where = wire.parse_look(ids, self._send(request).json())
        for one in ids:
            if one not in where:
                where |= self._look(schema, [one], archived=archived)
        return where

    def _get(self, path: str) -> Any:  # noqa: ANN401 - whatever the API sent
        return self._send(Request("GET", path)).json()


def connect(
    config: HubSpotConfig,
    *,
    stop: threading.Event,
    traffic: Traffic,
    daily_quota_percent: float,
    policy: RetryPolicy | None = None,
    timeout_s: tuple[float, float] = TIMEOUT_S,
    clock: Callable[[], float],
) -> HubSpotDestination:
    """Prepare an account; nothing is sent yet.

    Args:
        config: The vendor's settings.
        stop: Set when the run is asked to stop.
        traffic: Where requests are counted.
        daily_quota_percent: Share of the daily quota that may be used.
        policy: How often to repeat; core's default where it is not given.
        timeout_s: To connect, and between two bytes of an answer.
        clock: Seconds, monotonic.
    """
    limiter = RateLimiter(limits.RATES, clock=clock, sleep=stop.wait)

    def transport(credentials: FixedToken | RenewedToken | None) -> Transport:
        return Transport(
            config.api_url,
            dialect=HubSpotDialect(),
            limiter=limiter,
            credentials=credentials,
            traffic=traffic,
            user_agent=f"target-hubspot/{metadata.version('target-hubspot')}",
            stop=stop,
            daily_quota_percent=daily_quota_percent,
            policy=policy,
            timeout_s=timeout_s,
            clock=clock,
        )

    given = config.credentials
    if isinstance(given, AccessToken):
        credentials: FixedToken | RenewedToken = FixedToken(given.token, transport(None).send)
    else:
        credentials = RenewedToken(given, config.api_version, transport(None).send, clock=clock)
    send = transport(credentials).send
    destination = HubSpotDestination(send, config.api_version, config.choices, credentials.scopes)
    destination.limiter = limiter
    return destination
