"""One stream to several objects: a column of each record names its object."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from reverse_etl_core import identity, lenient, settling
from reverse_etl_core.errors import ConfigError
from reverse_etl_core.intake import source_key_of
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.planning import Refusal
from reverse_etl_core.tally import Fate
from reverse_etl_core.typed import is_removed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_etl_core.brakes import RejectionBrake
    from reverse_etl_core.holding import PlanHolder
    from reverse_etl_core.ledger import StreamLedger
    from reverse_etl_core.operations import DeferCode
    from reverse_etl_core.pipeline import Pipeline
    from reverse_etl_core.schema import ObjectSchema
    from reverse_etl_core.tally import Tally

logger = logging.getLogger(__name__)

Raw: TypeAlias = "msgspec.Raw | Mapping[str, Any]"
"""A record as the sink has it."""

NO_OBJECT = ""
"""Stands for the object of records that name none, in the ledger's scopes."""
NAMES_REMEMBERED = 1000
"""Of objects that there are not."""
REASON = "Column '{column}' names no object that the destination has. Correct it in the model, or create the object."

_decoder = msgspec.json.Decoder(float_hook=Decimal)


class Dispatcher:
    """Delivers the records of one stream, each to the object that it names.

    Args:
        stream: Singer stream.
        column: Column that names the object.
        key_columns: Of the source key.
        describe: From an object's name to its schema; raises `ConfigError` where there is none.
        open_pipeline: Makes the pipeline of an object by its name.
        ledger: Where records are kept that name no object.
        tally: Where fates are counted, of all objects together.
        brake: Looks at rejections.
        holder: Holds what it finds.
        objects: Names in the ledger of the objects to which the stream ever went.
    """

    def __init__(  # noqa: PLR0913 - the parts that a dispatcher joins
        self,
        stream: str,
        column: str,
        key_columns: Sequence[str],
        *,
        describe: Callable[[str], ObjectSchema],
        open_pipeline: Callable[[str], Pipeline],
        ledger: StreamLedger,
        tally: Tally,
        brake: RejectionBrake,
        holder: PlanHolder,
        objects: Callable[[], Iterable[str]],
    ) -> None:
        self.tally = tally
        self._stream = stream
        self._column = column
        self._key_columns = tuple(key_columns)
        self._describe = describe
        self._open_pipeline = open_pipeline
        self._ledger = ledger
        self._brake = brake
        self._holder = holder
        self._objects = objects
        self._has_all_objects = False
        self._by_object: dict[str, Pipeline] = {}
        self._by_name: dict[str, Pipeline] = {}
        self._unknown: set[str] = set()
        self._in_hand = 0

    @property
    def records_at_once(self) -> int:
        """Records with which all threads are busy for a while."""
        return max((one.records_at_once for one in self.pipelines), default=0)

    @property
    def pipelines(self) -> list[Pipeline]:
        """Those that were opened by now."""
        return list(self._by_object.values())

    def replay(self, objects: Iterable[str] = ()) -> None:
        """Try again what earlier runs could not deliver.

        Args:
            objects: Those with open records, by their names in the ledger.
        """
        for name in objects:
            if name != NO_OBJECT and self._pipeline(name) is None:
                logger.warning(
                    "Stream '%s': object '%s', which records of earlier runs wait for, is gone.", self._stream, name
                )
        self._place_again()

    def _place_again(self) -> None:
        """Hand on records that named no object in an earlier run, and name one now."""
        placed: list[str] = []
        for page in self._ledger.replayable():
            groups: dict[str, list[Mapping[str, Any]]] = {}
            for row in page:
                record = _decoder.decode(row.record or "{}")
                pipeline = self._pipeline(_name(record.get(self._column)))
                if pipeline is None:
                    self.tally.settle(Fate.REJECTED, code=str(row.error_code), is_replay=True)
                    continue
                groups.setdefault(pipeline.route.schema.name, []).append(record)
                placed.append(row.source_key)
            for name, records in groups.items():
                self._by_object[name].take_over(records)
        if placed:
            self.flush()
            self._ledger.forget_rejects(placed)

    def _pipeline(self, name: str | None) -> Pipeline | None:
        """The pipeline of an object; `None` where there is no such object."""
        if name is None or name in self._unknown:
            return None
        if name not in self._by_name:
            try:
                schema = self._describe(name)
            except ConfigError:
                if len(self._unknown) >= NAMES_REMEMBERED:
                    self._unknown.clear()
                self._unknown.add(name)
                return None
            self._by_name[name] = self._by_object.get(schema.name) or self._open(name, schema.name)
        return self._by_name[name]

    def _open(self, name: str, object_name: str) -> Pipeline:
        pipeline = self._open_pipeline(name)
        self._by_object[object_name] = pipeline
        pipeline.replay()
        return pipeline

    def deliver(self, records: Sequence[Raw]) -> None:
        """Take records of the stream.

        Raises:
            ConfigError: An object does not take the stream as it is configured.
            FatalError: The run cannot continue; see `abandon`.
        """
        self._in_hand = len(records)
        groups: dict[str, dict[str, Raw]] = {}
        homeless: dict[str, Mapping[str, Any]] = {}
        gone: dict[str, Raw] = {}
        latest = self._latest(records)
        for key, (record, values) in latest.items():
            pipeline = self._pipeline(_name(values.get(self._column)))
            if pipeline is not None:
                groups.setdefault(pipeline.route.schema.name, {})[key] = record
            elif is_removed(values):
                gone[key] = record
            else:
                homeless[key] = values
        self._take(Fate.SUPERSEDED, len(records) - len(latest))
        self._refuse(homeless)
        for name, keys in self._homes(list(gone)).items():
            groups.setdefault(name, {}).update({key: gone.pop(key) for key in keys})
        self._take(Fate.UNCHANGED, len(gone))
        for name, some in groups.items():
            self._forget_elsewhere(name, [one for one in some if one not in gone])
            self._in_hand -= len(some)
            self._by_object[name].deliver(list(some.values()))
        self._check_rejections(at_end=False)

    def _check_rejections(self, *, at_end: bool) -> None:
        violation = self._brake.violation(self.tally, at_end=at_end)
        if violation is not None:
            self._holder.hold_rejections(violation, list(self.tally.codes))

    def _homes(self, source_keys: Sequence[str]) -> dict[str, set[str]]:
        """The objects that removed records are in, which name none themselves; records that are nowhere are absent."""
        if source_keys and not self._has_all_objects:
            self._has_all_objects = True
            for name in self._objects():
                if name != NO_OBJECT:
                    self._pipeline(name)
        homes: dict[str, set[str]] = {}
        left = list(source_keys)
        for name, pipeline in self._by_object.items():
            homes[name] = pipeline.knows(left) if left else set()
            left = [one for one in left if one not in homes[name]]
        return {name: keys for name, keys in homes.items() if keys}

    def _latest(self, records: Sequence[Raw]) -> dict[str, tuple[Raw, Mapping[str, Any]]]:
        """The last version of each record by source key, whichever object it names; those without a key one by one."""
        latest: dict[str, tuple[Raw, Mapping[str, Any]]] = {}
        for number, record in enumerate(records):
            values = _values(record)
            key = source_key_of(values, self._key_columns) or f"no key: {number}"
            latest.pop(key, None)
            latest[key] = (record, values)
        return latest

    def _take(self, fate: Fate, count: int, *, code: str = "") -> None:
        self.tally.read += count
        self.tally.settle(fate, count, code=code)
        self._in_hand -= count

    def _refuse(self, homeless: Mapping[str, Mapping[str, Any]]) -> None:
        """Reject records that name no object; they are looked at again in every run."""
        refusals = [self._refusal(values) for values in homeless.values()]
        known = self._ledger.lookup([one.source_key for one in refusals])
        for one in refusals:
            one.learn(known.get(one.source_key))
        news = {one.source_key: one for one in refusals if not one.is_known}
        now_ms = self._ledger.now_ms()
        self._ledger.settle([settling.refused_by_us(one, now_ms=now_ms, in_doubt_until=None) for one in news.values()])
        self._take(Fate.REJECTED, len(refusals), code=RejectCode.INVALID_VALUE.value)

    def _refusal(self, values: Mapping[str, Any]) -> Refusal:
        payload = identity.encode(values)
        digest = identity.digest(payload)
        key = source_key_of(values, self._key_columns) or f"no key: {digest.hex()}"
        is_whole = bool(values) and lenient.UNREADABLE not in values.values()
        reason = REASON.format(column=self._column)
        return Refusal(key, RejectCode.INVALID_VALUE, reason, payload, digest, is_curable=is_whole)

    def _forget_elsewhere(self, object_name: str, keys: Sequence[str]) -> None:
        """Forget earlier versions that other objects refused: they must not be tried again after this one."""
        self._ledger.forget_rejects(keys)
        for name, pipeline in self._by_object.items():
            if name != object_name:
                pipeline.forget_rejects(keys)

    def flush(self) -> None:
        """Settle everything: after this, STATE may leave."""
        for pipeline in self.pipelines:
            pipeline.flush()

    @property
    def has_records_in_hand(self) -> bool:
        """Whether an error left records that are neither queued nor settled."""
        return bool(self._in_hand) or any(one.has_records_in_hand for one in self.pipelines)

    def finish(self) -> None:
        """Look at the whole input once it has ended."""
        self._check_rejections(at_end=True)
        for pipeline in self.pipelines:
            pipeline.finish()

    def abandon(self, code: DeferCode, unread: int) -> None:
        """Count what the run leaves behind; the next run delivers it.

        Args:
            code: Why.
            unread: Records that arrived but were not taken.
        """
        left = unread + self._in_hand
        self.tally.read += left
        self.tally.settle(Fate.DEFERRED, left, code=code.value)
        for pipeline in self.pipelines:
            pipeline.abandon(code, 0)


def _values(record: Raw) -> Mapping[str, Any]:
    """A record's columns; empty for what cannot be read at all."""
    if not isinstance(record, msgspec.Raw):
        return record
    try:
        values = _decoder.decode(record)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        try:
            values = lenient.read(bytes(record))
        except RecursionError:
            values = None
    return values if isinstance(values, dict) else {}


def _name(value: object) -> str | None:
    """The name of an object; ids may be numbers."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value).strip() or None
