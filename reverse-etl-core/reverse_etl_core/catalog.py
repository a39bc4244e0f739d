"""The objects of one account as a run sees them: each described once, and checked against all configured streams."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from reverse_etl_core.associations import association_stream, source_of, target_of, uses_of
from reverse_etl_core.errors import AuthError, ConfigError, FatalError, RetryableError
from reverse_etl_core.preparation import lacks_match_field, prepared
from reverse_etl_core.routing import setting_problems
from reverse_etl_core.stream_config import IGNORE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from reverse_etl_core.destination import Destination
    from reverse_etl_core.routing import Promise
    from reverse_etl_core.schema import ObjectSchema, Reference
    from reverse_etl_core.stream_config import StreamConfig

Answer = TypeVar("Answer")


def reach(ask: Callable[[], Answer]) -> Answer:
    """Ask the destination something before anything is delivered.

    Raises:
        FatalError: It cannot be reached.
    """
    try:
        return ask()
    except RetryableError as error:
        msg = f"{error} Nothing was delivered."
        raise FatalError(msg) from None


class Catalog:
    """The objects of one account.

    Args:
        destination: The account.
        promise: What the settings allow that hold for all streams.
    """

    def __init__(self, destination: Destination, promise: Promise) -> None:
        self._destination = destination
        self._promise = promise
        self._schemas: dict[str, ObjectSchema] = {}
        self._associations: dict[Any, ObjectSchema] = {}

    def describe(self, object_name: str) -> ObjectSchema:
        """The schema of an object, by the user's spelling.

        Raises:
            ConfigError: There is no such object.
        """
        if object_name not in self._schemas:
            self._schemas[object_name] = reach(lambda: self._destination.describe(object_name))
        return self._schemas[object_name]

    def prepare(self, object_name: str, singer_schema: Mapping[str, Any], config: StreamConfig) -> ObjectSchema:
        """The schema of an object that a stream is about to write, with the fields that were created for it."""
        described = self.describe(object_name)
        schema = reach(lambda: prepared(self._destination, described, singer_schema, config))
        self._schemas[object_name] = schema
        return schema

    def parents(self, config: StreamConfig) -> dict[str, ObjectSchema]:
        """The objects that a stream's records point to, by the user's spelling."""
        return {one.object_name: self.describe(one.object_name) for one in config.lookups().values()}

    def describe_association(
        self, source: Reference, target: Reference, label: str | None, *, replaces: bool
    ) -> ObjectSchema:
        """The schema of a kind of associations; see `Destination.describe_association`."""
        ends = (source, target)
        key = (*((one.object_name, one.match_field.name, one.is_optional) for one in ends), label, replaces)
        if key not in self._associations:
            self._associations[key] = reach(
                lambda: self._destination.describe_association(source, target, label, replaces=replaces)
            )
        return self._associations[key]

    def check_permissions(self, streams: Iterable[StreamConfig]) -> None:
        """Compare what the credentials may do with what streams need.

        Raises:
            ConfigError: Names every permission that is missing.
        """
        uses = uses_of(streams)
        reach(lambda: self._destination.check_permissions(uses))

    def check_unconfigured(self, stream: str, config: StreamConfig) -> None:
        """Look at a stream that is not in `streams`, and so goes to the object of its own name.

        Raises:
            ConfigError: The credentials do not allow it, or there is no such object.
        """
        self.check_permissions([config])
        try:
            self.describe(config.object_name)
        except ConfigError as error:
            msg = (
                f"Stream '{stream}' is not in 'streams', and so goes to the object of its own name. "
                f"{' '.join(error.problems)} Name its object in 'streams', or deselect it in the tap."
            )
            raise ConfigError(msg) from error

    def check(self, streams: Mapping[str, StreamConfig]) -> None:
        """Look at every stream that is configured, before the first one is written.

        Raises:
            ConfigError: With the problems of all of them.
        """
        problems: list[str] = []
        denied: list[str] = []
        try:
            self.check_permissions(streams.values())
        except ConfigError as error:
            problems += error.problems
        is_told = bool(problems)
        for stream, config in streams.items():
            try:
                problems += self._problems(stream, config)
            except ConfigError as error:
                problems += error.problems
            except AuthError as error:
                denied.append(f"Stream '{stream}': {error}")
        if not is_told:
            problems += denied
        problems += self._shared_associations(streams)
        if problems:
            raise ConfigError(*problems)

    def _shared_associations(self, streams: Mapping[str, StreamConfig]) -> list[str]:
        """Pairs of objects that several entries of `associations` tie, and a mirror among them unties.

        Which of them still names a pair of records, the one that ends it cannot know.
        """
        by_pair: dict[tuple[str, ...], list[str]] = {}
        mirrored: dict[tuple[str, ...], str] = {}
        for stream, config in streams.items():
            for one in config.associations:
                names = [config.object_name, one.object_name]
                known = [self._schemas[name].name if name in self._schemas else name for name in names]
                pair = tuple(sorted(known))
                by_pair.setdefault(pair, []).append(association_stream(stream, one))
                if config.removal != IGNORE:
                    mirrored[pair] = stream
        return [
            f"Stream '{mirrored[pair]}' ends associations that its records no longer have, but several entries are "
            f"about the same two objects: {', '.join(repr(one) for one in entries)}. Keep one of them, or set "
            "'load_method: upsert', which only adds."
            for pair, entries in by_pair.items()
            if len(entries) > 1 and pair in mirrored
        ]

    def _problems(self, stream: str, config: StreamConfig) -> list[str]:
        parents = self.parents(config)
        if config.object_from is not None:
            return []  # which objects there will be is known when records name them
        schema = self.describe(config.object_name)
        if lacks_match_field(self._destination, schema, config):
            others = {name: one for name, one in (config.fields or {}).items() if name != config.match_on}
            config = replace(config, match_on=None, fields=others)
        if self._destination.adds_fields:
            config = replace(config, unknown_fields="drop")
        problems = setting_problems(stream, config, schema, parents, self._promise)
        for one in config.associations:
            try:
                target = target_of(stream, one, self.describe(one.object_name))
                if (source := source_of(config, schema)) is not None:
                    self.describe_association(source, target, one.label, replaces=config.removal != IGNORE)
            except ConfigError as error:
                problems += error.problems
        return problems
