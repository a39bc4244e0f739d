"""How members are read: one by one while they are few, else the whole audience in pages, once."""

from __future__ import annotations

import logging
import math
import threading
from typing import TYPE_CHECKING, Any

from target_mailchimp import errors, wire
from target_mailchimp.audience import entries
from target_mailchimp.consent import ARCHIVED
from target_mailchimp.objects import STATUS, TAGS
from target_mailchimp.readings import TAGS_COUNT
from target_mailchimp.snapshot import Snapshot
from target_mailchimp.wire import PAGE, Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reverse_etl_core.transport import Reply, Request
    from target_mailchimp.drafts import Member

logger = logging.getLogger(__name__)

FEW = 10
"""Members that are always read one by one, so that what a lost reply left behind is seen as it is now."""
KEPT_S = 900.0
"""How long the audience is believed once it has been read; what this run writes is forgotten at once."""
OVERLAP = 10
"""Members of a page that the next one repeats: were others removed meanwhile, the pages would have a gap."""


class Lookup:
    """Reads members of one audience, archived ones too. Used by several threads at once.

    Mailchimp finds one member a request, or gives a page of the audience, in its own order, whoever is asked for. So:

    - A call for up to ten members reads each of them, always.
    - A call for more does so as long as all such calls together asked for fewer members than the audience has pages;
      then the whole audience is read in pages of a thousand, with its archived members, and kept on disk for a quarter
      of an hour. Whatever follows, that takes at most twice the fewest requests, and 52 for an audience of 50,000.
    - Members that this run has written since are read one by one again.

    Batch operations (`POST batches`) are not used: they take a request of their own for each member inside Mailchimp,
    which promises no time for that, several of ours for each 500, and a download from another host.

    Args:
        list_id: Of the audience.
        send: Sends a request.
        contacts: How many members the audience has, roughly.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, list_id: str, send: Callable[[Request], Reply], *, contacts: int, clock: Callable[[], float]
    ) -> None:
        self._list_id = list_id
        self._send = send
        self._clock = clock
        self._pages = math.ceil(contacts / PAGE) + 1
        self._asked = 0
        self._reading = threading.Lock()
        self._changing = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._read_at_s = 0.0
        self._filling: Snapshot | None = None

    def read(self, members: Collection[str], parts: Iterable[str]) -> dict[str, Member]:
        """Members by their hashes; who is not there is absent.

        Args:
            members: Hashes of addresses.
            parts: What is wanted of each, by its top-level names; `id` and `status` come with them.
        """
        parts = frozenset(parts)
        if len(members) <= FEW:
            return self._complete(self._each(members, parts), parts)
        with self._reading:
            snapshot = self._worthwhile(len(members), parts)
        if snapshot is None:
            return self._complete(self._each(members, parts), parts)
        found, outdated = snapshot.find(members)
        return self._complete(found | self._each(outdated, parts), parts)

    def outdate(self, members: Sequence[str]) -> None:
        """Read these members anew from now on: they are being written."""
        with self._changing:
            snapshots = [one for one in (self._snapshot, self._filling) if one is not None]
        for one in snapshots:
            one.outdate(members)

    # -- one by one

    def _each(self, members: Iterable[str], parts: frozenset[str]) -> dict[str, Member]:
        found: dict[str, Member] = {}
        for one in members:
            try:
                found[one] = self._get(wire.build_find(self._list_id, one, sorted(parts)))
            except errors.MissingError:
                continue
        return found

    # -- all of them

    def _worthwhile(self, count: int, parts: frozenset[str]) -> Snapshot | None:
        """The audience as a whole, read now if that pays; `None` where it does not yet."""
        kept = self._snapshot
        if kept is not None and self._clock() - self._read_at_s > KEPT_S:
            kept = self._keep(None)
            self._asked = 0
        if kept is not None and parts <= kept.parts:
            return kept
        self._asked += count
        if self._asked <= self._pages:
            return None
        self._filling = Snapshot(parts | (kept.parts if kept is not None else frozenset()))
        try:
            self._fill(self._filling)
            self._read_at_s = self._clock()
            return self._keep(self._filling)
        finally:
            self._filling = None

    def _keep(self, snapshot: Snapshot | None) -> Snapshot | None:
        with self._changing:
            self._snapshot = snapshot
        return snapshot

    def _fill(self, snapshot: Snapshot) -> None:
        pages, shows_archived = self._copy(snapshot)
        # inferred: a list without a status leaves archived members out; should it show them, they are not read twice
        if not shows_archived:
            pages += self._copy(snapshot, status=ARCHIVED)[0]
        self._pages = pages
        logger.info("Audience %s is read as a whole, in %d requests.", self._list_id, pages)

    def _copy(self, snapshot: Snapshot, **query: str) -> tuple[int, bool]:
        """Read all pages of a list: how many, and whether archived members were among them."""
        fields = [f"members.{one}" for one in sorted({"id", STATUS, *snapshot.parts})]
        query["fields"] = ",".join([*fields, "total_items"])
        path = Paths.audience(self._list_id, "/members")
        offset, count, shows_archived = 0, 0, False
        tail: set[str] = set()
        while True:
            body = self._get(wire.build_page(path, offset, **query))
            count += 1
            page = entries(body, "members")
            ids = [str(one.get("id")) for one in page]
            if offset > 0 and tail.isdisjoint(ids):
                offset = max(0, offset - PAGE // 2)  # the list has moved: who is between the pages was not seen
                continue
            snapshot.add(page)
            shows_archived = shows_archived or any(one.get(STATUS) == ARCHIVED for one in page)
            if not page or offset + len(page) >= int(body.get("total_items") or 0):
                return count, shows_archived
            tail = set(ids[-OVERLAP:])
            offset += max(1, len(page) - OVERLAP)

    # -- tags

    def _complete(self, found: dict[str, Member], parts: frozenset[str]) -> dict[str, Member]:
        """Add the tags that answers leave out: they show fifty of a member."""
        # source: OpenAPI of 2026, `tags` of a member
        if TAGS not in parts:
            return found
        return {key: self._with_all_tags(key, member) for key, member in found.items()}

    def _with_all_tags(self, key: str, member: Member) -> Member:
        shown = entries(member, TAGS)
        if int(member.get(TAGS_COUNT) or 0) <= len(shown):
            return member
        tags: list[Mapping[str, Any]] = []
        while True:
            body = self._get(wire.build_page(Paths.member(self._list_id, key, "/tags"), len(tags)))
            page = entries(body, TAGS)
            tags += page
            if not page or len(tags) >= int(body.get("total_items") or 0):
                return {**member, TAGS: tags}

    def _get(self, request: Request) -> Member:
        body = self._send(request).json()
        return body if isinstance(body, dict) else {}
