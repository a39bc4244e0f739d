"""A run that writes nothing: what it would do becomes a plan.

The same pipeline decides, over a destination that is only read (`read_only.py`) and a ledger that stands in front of
the real one: so a run right after the plan does what the plan says, as long as nothing changes in between.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reverse_etl_core.planlines import Action, PlanLine
from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reverse_etl_core.ledger import Scope, Settlement
    from reverse_etl_core.planfiles import PlanWriter
    from reverse_etl_core.planlines import Change
    from reverse_etl_core.routing import Route
    from reverse_etl_core.schema import ObjectSchema
    from reverse_etl_core.tally import Tally


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the keys of a plan's lines are made of."""

    match_field: str | None = None
    key_fields: tuple[str, ...] | None = None
    has_derived_ids: bool = False
    clears: bool = False


_NO_KEYS = _Keys()


@dataclass(slots=True)
class Rehearsal:
    """What is known of the writes that a run would make, until their lines are written.

    Attributes:
        requests: That the run would make.
        redact: Names, as the user has them, of fields whose values must not be seen.
        redacted: These fields, by their own names; known once the streams are.
        brakes: Those that would stop it, a sentence each.
    """

    redact: frozenset[str] = frozenset()
    redacted: set[str] = field(default_factory=set)
    _redacts: set[str] = field(default_factory=set)

    requests: int = 0
    brakes: list[str] = field(default_factory=list)
    _changes: dict[tuple[str, str], Mapping[str, Change]] = field(default_factory=dict)
    _lined: dict[str, Counter[tuple[Fate, str]]] = field(default_factory=dict)
    _routes: dict[tuple[str, str], _Keys] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count_request(self) -> None:
        """Count a request that the run would make."""
        with self._lock:
            self.requests += 1

    def would_change(self, schema: ObjectSchema, source_key: str, changes: Mapping[str, Change]) -> None:
        """Keep what a write would change, until the record is settled."""
        with self._lock:
            self._changes[schema.name, source_key] = changes

    def know(self, route: Route) -> None:
        """Keep what a plan's lines say of a stream."""
        columns = {one.column: one.field.name for one in route.mapping.columns}
        for name in self.redact:
            meant = {route.schema.canonical(name), *_spelt_like(name, route.schema.fields)}
            meant |= {columns[one] for one in _spelt_like(name, columns)} | set(_spelt_like(name, route.key_columns))
            meant &= {*route.schema.fields, *route.key_columns}
            # What names a record of another object holds the values of that one's field.
            parents = {one.match_field.name: field for field, one in route.references.items()}
            meant |= {parents[one] for one in _spelt_like(name, parents)}
            self.redacted |= meant
            self._redacts |= {name} if meant else set()
        keys = _Keys(
            route.match_field,
            # A key column that feeds no field stands for itself.
            (*(columns.get(one, one) for one in route.key_columns), *route.key_columns),
            has_derived_ids=route.schema.has_derived_ids,
            clears=route.removal.way is None,
        )
        # Not added to: what is under way for other streams looks through it meanwhile.
        self._routes = self._routes | {(route.stream, route.schema.name): keys}

    def unknown_redactions(self) -> list[str]:
        """What `redact` names and no stream has."""
        return sorted(self.redact - self._redacts)

    def match_fields(self, object_name: str) -> set[str | None]:
        """By which fields the streams of this plan recognise the records of an object."""
        return {one.match_field for (_, name), one in self._routes.items() if name == object_name}

    def line(self, scope: Scope, settlement: Settlement, *, is_replay: bool) -> PlanLine | None:
        """The line of a record that was settled; `None` for one of which nothing would change."""
        with self._lock:
            changes = self._changes.pop((scope.object_name, settlement.source_key), None)
        keys = self._routes.get((scope.stream, scope.object_name), _NO_KEYS)
        action = _action(settlement, is_written=changes is not None, clears=keys.clears)
        if action is None:
            return None
        fate = Fate(settlement.outcome)
        if not is_replay:
            self._lined.setdefault(scope.stream, Counter())[fate, settlement.error_code or ""] += 1
        is_hidden = keys.has_derived_ids and keys.match_field in self.redacted
        is_placeholder = str(settlement.destination_id or "").startswith(PLACEHOLDER)
        return PlanLine(
            stream=scope.stream,
            object=scope.object_name,
            source_key=settlement.source_key,
            match_key=settlement.match_key,
            action=action,
            destination_id=None if is_placeholder or is_hidden else settlement.destination_id,
            code=settlement.error_code or "",
            reason=settlement.error or "",
            fields=changes or {},
            is_replay=is_replay,
            match_field=keys.match_field,
            key_fields=keys.key_fields,
        )

    def count_rest(self, writer: PlanWriter, stream: str, object_name: str, tally: Tally) -> None:
        """Count the records of a stream that have no line: those of which nothing would change."""
        lined = self._lined.get(stream, Counter())
        writer.count(stream, object_name, Action.UNCHANGED, tally.fates[Fate.UNCHANGED])
        if superseded := tally.fates[Fate.SUPERSEDED]:
            writer.count(stream, object_name, Action.SKIP, superseded, code=Fate.SUPERSEDED.value)
        for code, count in tally.codes.items():
            rest = count - lined[Fate.REJECTED, code]
            if rest > 0:
                action = Action.REJECT if tally.fates[Fate.REJECTED] else Action.DEFER
                writer.count(stream, object_name, action, rest, code=code)


def _action(settlement: Settlement, *, is_written: bool, clears: bool) -> Action | None:
    if settlement.outcome == Fate.REMOVED.value:
        if not is_written:
            return Action.SKIP
        return Action.CLEAR if clears else Action.REMOVE
    return _ACTIONS.get(Fate(settlement.outcome))


_ACTIONS = {Fate.CREATED: Action.CREATE, Fate.UPDATED: Action.UPDATE, Fate.REJECTED: Action.REJECT}

PLACEHOLDER = "planned:"
"""Begins the ids of records that a plan would create."""


def _spelt_like(name: str, names: Iterable[str]) -> list[str]:
    """Those of the names that are the same but for capitals."""
    return [one for one in names if one.casefold() == name.casefold()]
