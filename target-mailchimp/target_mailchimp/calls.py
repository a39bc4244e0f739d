"""The endpoints that write, each as one function of what it takes to what it answers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from target_mailchimp import errors, wire
from target_mailchimp.consent import PENDING
from target_mailchimp.objects import EMAIL, STATUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from reverse_etl_core.transport import Reply, Request
    from target_mailchimp.drafts import Member
    from target_mailchimp.wire import Answers


class Calls:
    """Writes to one audience.

    Args:
        list_id: Of the audience.
        send: Sends a request.
        skips_required: Whether required merge fields may be absent.
    """

    def __init__(self, list_id: str, send: Callable[[Request], Reply], *, skips_required: bool) -> None:
        self._list_id = list_id
        self._send = send
        self._skips_required = skips_required

    def subscribe(self, bodies: Sequence[Mapping[str, Any]], *, updates: bool) -> Answers:
        """Write up to 500 members; a second time does nothing more, unless it creates or asks for confirmation."""
        request = wire.build_subscribe(
            self._list_id,
            bodies,
            updates=updates,
            is_idempotent=updates and all(one.get(STATUS) != PENDING for one in bodies),
            skips_required=self._skips_required,
        )
        return wire.parse_subscribe(self._send(request).json(), [one[EMAIL] for one in bodies])

    def add(self, body: Mapping[str, Any]) -> None:
        """Create one member."""
        self._send(wire.build_add(self._list_id, body, skips_required=self._skips_required))

    def read(self, member: str) -> Member:
        """Look at one member."""
        return self._shown(wire.build_find(self._list_id, member))

    def change(self, member: str, body: Mapping[str, Any]) -> Member:
        """Change one member that exists, and look at it."""
        return self._shown(
            wire.build_change(
                self._list_id,
                member,
                body,
                skips_required=self._skips_required,
                is_idempotent=body.get(STATUS) != PENDING,
            )
        )

    def tag(self, member: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Give one member tags, and take others away."""
        self._send(wire.build_tagging(self._list_id, member, add=add, remove=remove))

    def mark(self, member: str, name: str) -> None:
        """Give one member a tag that sets nothing off."""
        self._send(wire.build_mark(self._list_id, member, name))

    def archive(self, member: str) -> None:
        """Archive one member.

        Raises:
            NotAllowedError: It is archived, pending or cleaned.
        """
        self._send(wire.build_archive(self._list_id, member))

    def forget(self, member: str) -> None:
        """Delete one member for good."""
        self._send(wire.build_forget(self._list_id, member))

    def membership(self, segment_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Answers:
        """Put members into a static segment, or take them out."""
        reply = self._send(wire.build_membership(self._list_id, segment_id, add=add, remove=remove))
        return wire.parse_membership(reply.json(), add or remove, "added" if add else "removed")

    def leave(self, segment_id: str, member: str) -> None:
        """Take one member out of a static segment; it does not matter whether it was in there."""
        with contextlib.suppress(errors.MissingError):
            self._send(wire.build_leave(self._list_id, segment_id, member))

    def _shown(self, request: Request) -> Member:
        body = self._send(request).json()
        return body if isinstance(body, dict) else {}
