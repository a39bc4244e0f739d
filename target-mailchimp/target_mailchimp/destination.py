"""Mailchimp as core's destination: audiences and segments, over the transport."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeAlias

from reverse_etl_core.destination import Destination
from reverse_etl_core.errors import ConfigError
from reverse_etl_core.operations import Current
from reverse_etl_core.ratelimit import RateLimiter
from reverse_etl_core.transport import Reply, Request, Transport
from target_mailchimp import audience as parts
from target_mailchimp import columns as made_fields
from target_mailchimp import errors, limits, objects, wire
from target_mailchimp.audience import Audience, MergeField
from target_mailchimp.auth import LOGIN_URL, ApiAddress, Authorization
from target_mailchimp.bodies import subscriber_hash
from target_mailchimp.config import OAuthToken
from target_mailchimp.consent import Consent
from target_mailchimp.lookup import Lookup
from target_mailchimp.members import MemberWriter
from target_mailchimp.readings import MEMBERSHIP, Readings
from target_mailchimp.segments import SegmentWriter
from target_mailchimp.wire import Paths

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from reverse_etl_core.errors import ReverseETLError
    from reverse_etl_core.operations import Batch, Outcome
    from reverse_etl_core.ratelimit import LimitReading
    from reverse_etl_core.retry import RetryPolicy
    from reverse_etl_core.schema import ObjectSchema
    from reverse_etl_core.traffic import Traffic
    from target_mailchimp.config import MailchimpConfig

logger = logging.getLogger(__name__)

IMAGINED_SEGMENT = "0"
"""The id of a segment that a plan finds missing; nobody is in it."""

Writer: TypeAlias = "MemberWriter | SegmentWriter"


class MailchimpDialect:
    """What Mailchimp's replies mean."""

    def failure(self, request: Request, reply: Reply) -> ReverseETLError | None:
        """The error that a reply amounts to."""
        return errors.failure(request, reply)

    def limits(self, request: Request, reply: Reply) -> LimitReading:
        """What the headers say: nothing."""
        del request
        return limits.reading(reply.headers)


class MailchimpDestination(Destination):
    """One Mailchimp account.

    Args:
        send: Sends a request with credentials.
        consent: Which status a member may get.
        list_id: Id or name of the audience that objects without one mean.
        tag_prefix: How the tags begin that are taken away where a record lacks them; `None` takes none away.
        skips_required: Whether required merge fields may be absent.
        adds_fields: Whether merge fields are created for columns that have none.
        makes_segments: Whether a segment that is missing is created; in a plan it is imagined.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        send: Callable[[Request], Reply],
        consent: Consent,
        *,
        list_id: str | None = None,
        tag_prefix: str | None = None,
        skips_required: bool = False,
        adds_fields: bool = False,
        makes_segments: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.adds_fields = adds_fields
        self._send = send
        self._makes_segments = makes_segments
        self._consent = consent
        self._list_id = list_id
        self._tag_prefix = tag_prefix
        self._skips_required = skips_required
        self._lists: list[Mapping[str, Any]] | None = None
        self._audiences: dict[str, Audience] = {}
        self._writers: dict[str, Writer] = {}
        self._readings: dict[str, Readings] = {}
        self._lookups: dict[str, Lookup] = {}
        self._clock = clock

    def account(self) -> str:
        """The account's id.

        Raises:
            ConfigError: Whoever answers is not Mailchimp.
        """
        account_id = self._get(Request("GET", Paths.ACCOUNT, query={"fields": "account_id"})).get("account_id")
        if not account_id:
            msg = "The answer names no account, so it is not one of Mailchimp's. Check 'api_url' or 'server_prefix'."
            raise ConfigError(msg)
        return str(account_id)

    # -- objects

    def only_look(self) -> None:
        """Create no segment."""
        self._makes_segments = False

    def describe(self, object_name: str) -> ObjectSchema:
        """The live schema of an audience's members, or of a static segment, which is created where there is none.

        Raises:
            ConfigError: There is no such audience; the message names those that there are.
        """
        wanted = objects.parse_name(object_name)
        entry = self._entry(wanted.audience, object_name)
        if (audience_id := str(entry["id"])) not in self._lookups:
            contacts = parts.contacts(entry)
            self._lookups[audience_id] = Lookup(audience_id, self._send, contacts=contacts, clock=self._clock)
        if wanted.segment is None:
            return self._describe_members(entry)
        list_id = str(entry["id"])
        segment_id = self._segment_id(list_id, wanted.segment)
        schema = objects.segment_schema(list_id, segment_id)
        self._writers[schema.name] = SegmentWriter(list_id, segment_id, self._send)
        self._readings[schema.name] = Readings(Audience(list_id), schema.fields)
        return schema

    def _entry(self, audience: str | None, object_name: str) -> Mapping[str, Any]:
        name = audience or self._list_id
        if not name:
            msg = f"Object '{object_name}' belongs to an audience, and none is named. Set 'list_id' to its id or name."
            raise ConfigError(msg)
        if self._lists is None:
            fields = "lists.id,lists.name,lists.marketing_permissions,lists.stats,total_items"
            self._lists = self._pages(Paths.LISTS, "lists", fields=fields)
        return objects.resolve_audience(name, self._lists)

    def _describe_members(self, entry: Mapping[str, Any]) -> ObjectSchema:
        return self._adopt(self._audience(entry))

    def _adopt(self, audience: Audience) -> ObjectSchema:
        """Write to an audience from now on by what is known of it."""
        schema = objects.members_schema(audience, demands_required=not self._skips_required)
        self._audiences[schema.name] = audience
        readings = self._readings[schema.name] = Readings(audience, schema.fields, self._tag_prefix)
        self._writers[schema.name] = MemberWriter(
            audience,
            self._consent,
            self._send,
            tag_prefix=self._tag_prefix,
            skips_required=self._skips_required,
        )
        return replace(schema, shows=readings.shows)

    def _audience(self, entry: Mapping[str, Any]) -> Audience:
        list_id = str(entry["id"])
        merge_fields = self._pages(Paths.audience(list_id, "/merge-fields"), "merge_fields")
        path = Paths.audience(list_id, "/interest-categories")
        categories = [
            parts.category(one, self._pages(f"{path}/{one['id']}/interests", "interests"))
            for one in self._pages(path, "categories")
        ]
        return Audience(
            list_id,
            parts.merge_fields(merge_fields),
            tuple(categories),
            self._permissions(list_id) if entry.get("marketing_permissions") else {},
        )

    def _permissions(self, list_id: str) -> dict[str, str]:
        """The marketing permissions: Mailchimp shows them with a member and nowhere else."""
        query = {"count": "1", "fields": "members.marketing_permissions"}
        found = parts.permissions(self._get(Request("GET", Paths.audience(list_id, "/members"), query=query)))
        if not found:
            logger.warning(
                "Audience %s has marketing permissions, which Mailchimp shows only with a member. Add one by hand to "
                "write them.",
                list_id,
            )
        return found

    def _segment_id(self, list_id: str, segment: str) -> str:
        path = Paths.audience(list_id, "/segments")
        fields = "segments.id,segments.name,total_items"
        known = self._pages(path, "segments", fields=fields, type="static")
        wanted = segment.casefold()
        for key in ("id", "name"):
            for one in known:
                if str(one.get(key)).strip().casefold() == wanted:
                    return str(one["id"])
        if not self._makes_segments:
            logger.info("Segment '%s' of audience %s does not exist; a run creates it.", segment, list_id)
            return IMAGINED_SEGMENT
        try:
            created = self._send(wire.build_segment(list_id, segment)).json()
        except errors.RecordRefusedError as refused:
            code = refused.refusal.vendor_code
            msg = f"Mailchimp refuses to create the segment '{segment}' ({code}). Create it by hand, or name another."
            raise ConfigError(msg) from None
        logger.info("Segment '%s' of audience %s is created.", segment, list_id)
        return str(created["id"])

    def add_fields(self, schema: ObjectSchema, columns: Mapping[str, Mapping[str, Any]]) -> ObjectSchema:
        """Create a merge field for each column that has none; parts of other fields are not made up.

        Raises:
            ConfigError: Mailchimp refuses a field, since there are too many, say.
        """
        audience = self._audiences.get(schema.name)
        if not self.adds_fields or audience is None:
            return schema
        # Another name of the same audience may have got some of them meanwhile.
        schema = self._adopt(audience)
        for name, singer_type in columns.items():
            if name not in schema.fields and "." not in name:
                taken = [one.tag for one in audience.merge_fields]
                made = self._create_merge_field(audience.list_id, made_fields.definition(name, singer_type, taken))
                audience = replace(audience, merge_fields=(*audience.merge_fields, made))
        return self._adopt(audience)

    def _create_merge_field(self, list_id: str, definition: Mapping[str, Any]) -> MergeField:
        try:
            reply = self._send(wire.build_merge_field(list_id, definition))
        except errors.RecordRefusedError as refused:
            msg = (
                f"Mailchimp refuses a merge field for '{definition['name']}' ({refused.refusal.vendor_code}): an "
                "audience has room for 30 of them, or for 80 in larger plans. Map the column to one that exists."
            )
            raise ConfigError(msg) from None
        made = parts.merge_field(reply.json())
        logger.info("Merge field '%s' of audience %s is created for '%s'.", made.tag, list_id, definition["name"])
        return made

    # -- records

    def read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str] = ()
    ) -> Mapping[str, Sequence[Current]]:
        """Read members by their addresses or ids; see `Lookup` for the requests that takes.

        Archived members exist, forgotten ones do not. Whoever is in a segment shows the segment's tag.
        """
        list_id, segment_id = objects.ids(schema.name)
        readings = self._readings[schema.name]
        members = {key: key if key_field is None else subscriber_hash(key) for key in keys}
        wanted = readings.parts(fields) | (MEMBERSHIP if segment_id is not None else frozenset())
        shown = self._lookups[list_id].read(set(members.values()), wanted)
        return {
            key: [Current(member, readings.values(shown[member], fields))]
            for key, member in members.items()
            if member in shown and (segment_id is None or wire.is_in_segment(shown[member], segment_id))
        }

    def write(self, batch: Batch) -> list[Outcome]:
        """Write members or memberships."""
        lookup = self._lookups[objects.ids(batch.schema.name)[0]]
        members = [subscriber_hash(one.match_key) for one in batch.operations]
        members += [one.destination_id for one in batch.operations if one.destination_id is not None]
        lookup.outdate(members)
        try:
            return self._writers[batch.schema.name].write(batch)
        finally:
            # Once more: the audience may have been read meanwhile.
            lookup.outdate(members)

    def _pages(self, path: str, name: str, **query: str) -> list[Mapping[str, Any]]:
        """All items of a collection."""
        items: list[Mapping[str, Any]] = []
        while True:
            body = self._get(wire.build_page(path, len(items), **query))
            page = parts.entries(body, name)
            items += page
            if not page or len(items) >= int(body.get("total_items") or 0):
                return items

    def _get(self, request: Request) -> Mapping[str, Any]:
        body = self._send(request).json()
        return body if isinstance(body, dict) else {}


def connect(
    config: MailchimpConfig,
    *,
    stop: threading.Event,
    traffic: Traffic,
    policy: RetryPolicy | None = None,
    timeout_s: tuple[float, float] = limits.TIMEOUT_S,
    clock: Callable[[], float],
    is_plan: bool = False,
) -> MailchimpDestination:
    """Prepare an account; nothing is sent yet.

    Args:
        config: The vendor's settings.
        stop: Set when the run is asked to stop.
        traffic: Where requests are counted.
        policy: How often to repeat; core's default where it is not given.
        timeout_s: To connect, and between two bytes of an answer.
        clock: Seconds, monotonic.
        is_plan: Nothing may be written.
    """
    limiter = RateLimiter(limits.RATES, clock=clock, sleep=stop.wait)

    def transport(base_url: str | Callable[[], str], credentials: Authorization | None) -> Transport:
        return Transport(
            base_url,
            dialect=MailchimpDialect(),
            limiter=limiter,
            credentials=credentials,
            traffic=traffic,
            user_agent=f"target-mailchimp/{metadata.version('target-mailchimp')}",
            stop=stop,
            policy=policy,
            timeout_s=timeout_s,
            clock=clock,
        )

    given = config.credentials
    base_url: str | Callable[[], str] = config.api_url or ""
    if config.api_url is None and isinstance(given, OAuthToken):
        base_url = ApiAddress(given.token, transport(LOGIN_URL, None).send)
    destination = MailchimpDestination(
        transport(base_url, Authorization(given)).send,
        Consent(config.status_if_new, config.resubscribe, config.revive_archived),
        list_id=config.list_id,
        tag_prefix=config.tag_prefix,
        skips_required=config.skip_merge_validation,
        adds_fields=config.create_merge_fields,
        makes_segments=not is_plan,
        clock=clock,
    )
    destination.limiter = limiter
    return destination
