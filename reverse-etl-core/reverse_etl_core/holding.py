"""What a brake held becomes a plan that a person approves by its id: exactly that, and once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from reverse_etl_core.errors import BrakeError
from reverse_etl_core.ledger import HeldPlan
from reverse_etl_core.operations import RejectCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reverse_etl_core.brakes import Violation
    from reverse_etl_core.ledger.held_plans import HeldPlans

REMOVALS, REJECTIONS = "removals", "rejections"

MORE_CODES = 4
"""How many codes of an approved plan may be still to come when the brake looks for the first time."""


class PlanHolder:
    """Holds what brakes find in one stream, unless it was approved.

    Args:
        stream: For messages.
        plans: Where they are kept.
        approved: Id of the plan that the setting `approve` names; empty for none.
    """

    def __init__(self, stream: str, plans: HeldPlans, approved: str = "") -> None:
        self._stream = stream
        self._plans = plans
        self._approved = approved
        self._released: set[str] = set()

    def hold_removals(self, violation: Violation, source_keys: Iterable[str]) -> None:
        """Go on if a person approved exactly these removals; else keep them as a plan.

        Raises:
            BrakeError: They are not approved; the message says how to approve them.
        """
        plan_id = self._new_id(REMOVALS, source_keys)
        plan = HeldPlan(plan_id, REMOVALS, violation.reason, violation.counted, violation.base)
        if plan_id in self._plans.approved(REMOVALS, self._approved):
            self._released.add(plan_id)
        elif plan_id == self._approved:  # only a dry run knows it: the ledger gets it now
            self._plans.save(plan)
            self._released.add(plan_id)
        else:
            self._hold(plan, violation)

    def _new_id(self, kind: str, parts: Iterable[str]) -> str:
        """The id of a plan; what was carried out once and is to be done again is another plan."""
        plan_id = self._plans.id_of(kind, parts)
        while self._plans.is_carried_out(plan_id):
            plan_id = self._plans.id_of(kind, [plan_id])
        return plan_id

    def hold_rejections(self, violation: Violation, codes: Sequence[str]) -> None:
        """Go on if a person approved rejections with these codes; else keep them as a plan.

        Raises:
            BrakeError: They are not approved; the message says how to approve them.
        """
        codes = tuple(sorted(codes))
        approved = self._plans.approved(REJECTIONS, self._approved) or self._of_dry_run(codes, violation)
        covering = [one for one, allowed in approved.items() if allowed.issuperset(codes)]
        self._released.update(covering)
        if covering:
            return
        plan_id = self._new_id(REJECTIONS, codes)
        plan = HeldPlan(plan_id, REJECTIONS, violation.reason, violation.counted, violation.base, codes)
        if plan_id != self._approved:
            self._hold(plan, violation)
        self._plans.save(plan)
        self._released.add(plan_id)

    def _of_dry_run(self, codes: Sequence[str], violation: Violation) -> dict[str, frozenset[str]]:
        """The plan that `approve` names, where only a dry run knows it: the ledger gets it now.

        An id follows from the codes, so those that a dry run found beyond these are found by trying.
        """
        if not self._approved or self._plans.is_carried_out(self._approved):
            return {}
        others = [one.value for one in RejectCode if one.value not in codes]
        more = itertools.chain.from_iterable(itertools.combinations(others, count) for count in range(MORE_CODES + 1))
        for some in more:
            allowed = tuple(sorted((*codes, *some)))
            if self._plans.id_of(REJECTIONS, allowed) == self._approved:
                reason = violation.reason
                held = HeldPlan(self._approved, REJECTIONS, reason, violation.counted, violation.base, allowed)
                self._plans.save(held)
                return {self._approved: frozenset(allowed)}
        return {}

    def _hold(self, plan: HeldPlan, violation: Violation) -> None:
        self._plans.save(plan)
        raise BrakeError(self.message(plan, violation))

    def message(self, plan: HeldPlan, violation: Violation) -> str:
        """What a brake says, and the way on."""
        way_on = self.way_on(plan.plan_id)
        return f"Stream '{self._stream}': {plan.reason} {violation.remedy} If it is right, {way_on}"

    def way_on(self, plan_id: str) -> str:
        """How to approve a plan."""
        return (
            f"approve exactly this and run again: 'reverse-etl approve {plan_id}', or 'approve: {plan_id}' in the "
            "settings for one run."
        )

    @property
    def has_released(self) -> bool:
        """Whether an approved plan was needed."""
        return bool(self._released)

    def carried_out(self) -> None:
        """Note that what was approved is done: it is approved once. Other plans are moot: nothing held the run."""
        for plan_id in sorted(self._released):
            self._plans.carry_out(plan_id)
        self._plans.drop()


class RehearsedHolder(PlanHolder):
    """Notes what brakes find, and lets the plan go on.

    Args:
        stream: For messages.
        plans: Those that runs held.
        approved: Id of the plan that the setting `approve` names.
        found: Where the messages go.
    """

    def __init__(self, stream: str, plans: HeldPlans, approved: str, found: list[str]) -> None:
        super().__init__(stream, plans, approved)
        self._found: dict[str, str] = {}
        self._messages = found

    @property
    def kinds(self) -> set[str]:
        """What brakes found here: `REMOVALS`, `REJECTIONS`."""
        return set(self._found)

    def way_on(self, plan_id: str) -> str:
        """How to approve a plan that no ledger keeps."""
        return f"approve exactly this by 'approve: {plan_id}' in the settings of the next run."

    def _hold(self, plan: HeldPlan, violation: Violation) -> None:
        """Keep the newest message of each kind: rejections go on."""
        earlier = self._found.get(plan.kind)
        if earlier in self._messages:
            self._messages.remove(earlier)
        self._found[plan.kind] = self.message(plan, violation)
        self._messages.append(self._found[plan.kind])
