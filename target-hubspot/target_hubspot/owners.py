"""Owners of records by their e-mail addresses, which is how a warehouse knows them."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reverse_etl_core.schema import frozen
from reverse_etl_core.transport import Request
from target_hubspot.errors import NotGrantedError
from target_hubspot.objects import entries, is_owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reverse_etl_core.schema import Field, ObjectSchema
    from reverse_etl_core.transport import Reply
    from target_hubspot.paths import Paths

logger = logging.getLogger(__name__)

SCOPE = "crm.objects.owners.read"
# source: HubSpot docs, "Owners": up to 100 owners per page (api/hubspot.md 8; 500 is told too)
OWNERS_PER_PAGE = 100

UNKNOWN = "Take the id or the e-mail address of an active owner of the account: invite the person, or map another one."
UNREADABLE = f"The access token may not read owners. Grant it the scope '{SCOPE}', or map the owners' ids."


class Owners:
    """The account's owners, read when a stream first writes one.

    Args:
        send: Sends a request with credentials.
        paths: Of the API's version.
    """

    def __init__(self, send: Callable[[Request], Reply], paths: Paths) -> None:
        self._send = send
        self._paths = paths
        self._ids: dict[str, str] | None = None
        self._remedy = UNKNOWN

    def known_in(self, schema: ObjectSchema, names: Iterable[str]) -> ObjectSchema:
        """The schema whose owner properties, of those that are named, take addresses too.

        Ids that are not listed stay as they are: HubSpot judges them.
        """
        fields = {name: schema.fields[name] for name in names if is_owner(schema.fields[name])}
        if not fields:
            return schema
        known = {name: self._named(one) for name, one in fields.items()}
        return replace(schema, fields=frozen({**schema.fields, **known}))

    def _named(self, field: Field) -> Field:
        if self._ids is None:
            self._ids = self._read()
        return replace(field, aliases=self._ids, remedy=self._remedy)

    def _read(self) -> dict[str, str]:
        owners: list[Mapping[str, Any]] = []
        after: str | None = ""
        while after is not None:
            query = {"limit": str(OWNERS_PER_PAGE)} | ({"after": after} if after else {})
            try:
                body = self._send(Request("GET", self._paths.owners(), query=query)).json()
            except NotGrantedError as error:
                logger.warning("Owners are taken by their ids only. %s", error)
                self._remedy = UNREADABLE
                return {}
            page, after = parse_page(body)
            owners += page
        return ids_by_address(owners)


def parse_page(body: object) -> tuple[list[Mapping[str, Any]], str | None]:
    """The owners of a page, and where the next one begins; `None` after the last."""
    owners = list(entries(body))
    paging = body.get("paging") if isinstance(body, dict) else None
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    # A page without owners ends the list, whatever it says: else it would have no end.
    return owners, str(after) if after and owners else None


def ids_by_address(owners: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Addresses in lower case to ids; one that several owners have names none of them.

    >>> ids_by_address([{"id": "7", "email": "Ada@b.io"}, {"id": "8", "email": "c@b.io", "archived": True}])
    {'ada@b.io': '7'}
    """
    found: dict[str, set[str]] = {}
    for one in owners:
        address = str(one.get("email") or "").strip().lower()
        if address and one.get("id") is not None and not one.get("archived"):
            found.setdefault(address, set()).add(str(one["id"]))
    return {address: next(iter(ids)) for address, ids in found.items() if len(ids) == 1}
