"""Records on their way to an audience: what each of them wants of its member. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from target_mailchimp.audience import objects
from target_mailchimp.bodies import Bodies, subscriber_hash
from target_mailchimp.objects import STATUS, TAGS

if TYPE_CHECKING:
    from reverse_etl_core.operations import Operation
    from target_mailchimp.audience import Audience

Member: TypeAlias = Mapping[str, Any]
"""A member as an answer shows it."""


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """One record, ready to be sent.

    Attributes:
        operation: Where it comes from.
        body: What it says of the member, apart from the following.
        status: The status that it wants; `None` where it says nothing.
        tags: The tags that it wants; `None` where it says nothing.
        permissions: Marketing permissions by id.
    """

    operation: Operation
    body: Mapping[str, Any] = field(default_factory=dict)
    status: str | None = None
    tags: Sequence[str] | None = None
    permissions: Mapping[str, bool] = field(default_factory=dict)

    @property
    def source_key(self) -> str:
        """Who it is in the source."""
        return self.operation.source_key

    @property
    def address(self) -> str:
        """The member's address, always in lower case: one spelling, whatever call it travels in."""
        return self.operation.match_key

    @property
    def member(self) -> str:
        """The hash of the address."""
        return subscriber_hash(self.address)

    @property
    def known_member(self) -> str:
        """The id that the member is known by: the hash of an address that it may have had before."""
        return self.operation.destination_id or self.member

    def tagged(self) -> dict[str, Any]:
        """The body with its tags, which are added to those that the member has."""
        return {**self.body, TAGS: list(self.tags)} if self.tags else dict(self.body)

    def permission_gaps(self, shown: Member) -> dict[str, bool]:
        """The marketing permissions that differ from those that the member shows."""
        listed = objects(shown.get("marketing_permissions"))
        has = {str(one.get("marketing_permission_id")): one.get("enabled") is True for one in listed}
        return {one: wanted for one, wanted in self.permissions.items() if wanted is not has.get(one, False)}


class Drafter:
    """Makes drafts of an audience's records.

    Args:
        audience: The audience.
        demands_required: Whether required merge fields have to have a value.
    """

    def __init__(self, audience: Audience, *, demands_required: bool) -> None:
        self._bodies = Bodies(audience, demands_required=demands_required)

    def draft(self, operation: Operation) -> Draft:
        """Make one draft.

        Raises:
            RejectedRecordError: Mailchimp would refuse the record for certain.
        """
        fields = operation.fields
        status, tags = fields.get(STATUS), fields.get(TAGS)
        return Draft(
            operation,
            self._bodies.member(fields),
            status if isinstance(status, str) else None,
            (tags if isinstance(tags, list) else []) if TAGS in fields else None,
            self._bodies.permissions(fields),
        )


def permission_list(permissions: Mapping[str, bool]) -> list[dict[str, Any]]:
    """Marketing permissions as a body holds them."""
    return [{"marketing_permission_id": one, "enabled": enabled} for one, enabled in permissions.items()]
