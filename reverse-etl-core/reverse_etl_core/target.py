"""The Singer SDK's target over a run: messages, checkpoints, signals, exit codes.

What the stock SDK does otherwise, and why it loses data, is in `api/singer.md` 1; each of it has a test.
"""

from __future__ import annotations

import abc
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.exceptions import StreamMapConfigError
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.plugin_base import JSONSchemaValidator

from reverse_etl_core.config import CHECKPOINT_RECORDS, CHECKPOINT_SECONDS, CommonConfig
from reverse_etl_core.emails import EmailRules
from reverse_etl_core.errors import (
    EXIT_BRAKE,
    EXIT_CONFIG,
    BrakeError,
    ConfigError,
    FatalError,
    InputError,
    InterruptedRunError,
    ReverseETLError,
)
from reverse_etl_core.exits import exits
from reverse_etl_core.ledger import Ledger
from reverse_etl_core.reader import LineReader
from reverse_etl_core.run import Run
from reverse_etl_core.settings import common_settings, unknown_settings
from reverse_etl_core.sink import DeliverySink
from reverse_etl_core.stream_maps import StreamMaps
from reverse_etl_core.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import FrameType

    import click
    from singer_sdk.plugin_base import _ConfigInput
    from singer_sdk.sinks import Sink

    from reverse_etl_core.associations import AssociatedStream
    from reverse_etl_core.destination import Destination
    from reverse_etl_core.dispatch import Dispatcher
    from reverse_etl_core.pipeline import Pipeline

MELTANO_TEST_STREAM = "meltano_test_stream"
"""`meltano config test` sends this stream and expects no failure; nothing of it may reach the destination."""


class StoppedError(FatalError):
    """The run was asked to stop by a signal; what was read is settled as far as it could be."""

    def __init__(self, signum: int, *, is_urgent: bool = False) -> None:
        self.exit_code = 128 + signum
        self.is_urgent = is_urgent
        super().__init__(f"Stopped by {signal.Signals(signum).name}. The next run goes on where this one ended.")


class ReverseETLTarget(Target, abc.ABC):
    """Base of the targets: a vendor adds its settings and its destination."""

    message_reader_class = LineReader
    default_sink_class = DeliverySink
    capabilities: ClassVar[list[Any]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    default_concurrency: ClassVar[int] = 4
    """Requests in flight where the user does not say."""
    default_checkpoint_records: ClassVar[int] = CHECKPOINT_RECORDS
    default_checkpoint_seconds: ClassVar[int] = CHECKPOINT_SECONDS
    """How often STATE leaves where the user does not say."""

    message_reader: LineReader

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's arguments
        self.stop = threading.Event()
        self.traffic = Traffic()
        self._signum = 0
        self._is_ended = False
        self.records_delivered = 0
        self._records_at_checkpoint = 0
        self._released_state: dict[str, Any] | None = None
        self._has_warned_of_activation = False
        super().__init__(**kwargs)
        self.max_parallelism = 1
        self._maps = StreamMaps(self.mapper, self.config, self.logger)
        self.common, destination = self._configure()
        self.run = Run(
            self.name,
            self.common,
            destination,
            traffic=self.traffic,
            stop=self.stop,
            open_ledger=self.open_ledger,
            emails=self.email_rules(self.common),
        )
        self.message_reader.on_stop = self._raise_if_stopped
        self.message_reader.on_silence = self.run.settle_requests
        self.message_reader.on_failure = self._end_with

    # -- what a vendor adds

    @abc.abstractmethod
    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """Parse the vendor's settings and prepare the account; nothing is sent yet.

        Args:
            config: As Singer passes it.
            common: The common settings; `None` when they are wrong and only the vendor's problems are wanted.

        Raises:
            ConfigError: Names every bad vendor setting.
        """

    def open_ledger(self, config: CommonConfig) -> Ledger:
        """Open the ledger that the configuration names."""
        return Ledger(config.ledger_url, partition=config.partition)

    def email_rules(self, config: CommonConfig) -> EmailRules:
        """What e-mail addresses have to keep to beyond their syntax."""
        return EmailRules.of(config)

    @classmethod
    def settings(cls, *vendor: th.Property[Any]) -> dict[str, Any]:
        """The configuration's JSON Schema: the vendor's settings, then the common ones."""
        common = common_settings(
            concurrency=cls.default_concurrency,
            checkpoint_records=cls.default_checkpoint_records,
            checkpoint_seconds=cls.default_checkpoint_seconds,
        )
        properties = th.PropertiesList(*vendor, *common)
        schema: dict[str, Any] = properties.to_dict()
        return schema

    def _configure(self) -> tuple[CommonConfig, Destination]:
        """Parse all settings; one error lists what is wrong with any of them, the SDK's own included."""
        known = set(self.config_jsonschema["properties"]) | self._sdk_settings()
        problems = [*self._validate_config(raise_errors=False), *unknown_settings(self.config, known, target=self.name)]
        common = None
        config = {
            "concurrency": self.default_concurrency,
            "checkpoint_records": self.default_checkpoint_records,
            "checkpoint_seconds": self.default_checkpoint_seconds,
        } | dict(self.config)
        try:
            common = CommonConfig.from_mapping(config, target=self.name)
        except ConfigError as error:
            problems += error.problems
        try:
            destination = self.connect(self.config, common)
        except ConfigError as error:
            problems += error.problems
        if problems or common is None:
            raise ConfigError(*problems)
        return common, destination

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Only the SDK's settings that have an effect here: stream maps and flattening."""
        super(Target, cls).append_builtin_config(config_jsonschema)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Fill in defaults, and look at what is not parsed by us, the SDK's own settings.

        The SDK's messages quote values, and so could show a secret. It asks before it uses its settings itself.

        Raises:
            ConfigError: One of them is bad; the error names what is wrong with ours too.
        """
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        errors = JSONSchemaValidator(schema).iter_errors(self._config)
        names = sorted({str(error.path[0]) for error in errors if error.path} & self._sdk_settings())
        if names and raise_errors:
            self._configure()
        return [f"'{name}' does not have the form that the SDK wants; see --about." for name in names]

    @classmethod
    def _sdk_settings(cls) -> set[str]:
        schema: dict[str, Any] = {"properties": {}}
        cls.append_builtin_config(schema)
        return set(schema["properties"])

    # -- messages

    def open_stream(self, sink: DeliverySink) -> Pipeline | Dispatcher | AssociatedStream | None:
        """What delivers a stream; `None` for one that a stream map drops, and for Meltano's connection test."""
        if self._maps.is_dropped(sink.stream_name):
            return None
        if sink.stream_name == MELTANO_TEST_STREAM:
            account = self.run.check_everything()
            looked = f", configured streams in order: {len(self.common.streams)}" if self.common.streams else ""
            self.logger.info("Connection test: account %s is reached%s; nothing is written.", account, looked)
            return None
        return self.run.open_stream(sink.stream_name, sink.schema, sink.key_properties, deliver_collected=sink.deliver)

    def get_sink(self, stream_name: str, **kwargs: Any) -> Sink:  # noqa: ANN401 - the SDK's arguments
        """As the SDK, but a sink that a new SCHEMA replaces is delivered first, so that records keep their order."""
        current = self._sinks_active.get(stream_name)
        if isinstance(current, DeliverySink) and kwargs.get("schema") is not None:
            current.deliver()
        return super().get_sink(stream_name, **kwargs)

    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        """Open the stream, and let the reader hand its records straight to the sink where nothing has to look first."""
        try:
            super()._process_schema_message(message_dict)
        except StreamMapConfigError as error:
            msg = f"'stream_maps': {error}"
            raise ConfigError(msg) from error
        self._maps.register(message_dict)
        stream = message_dict["stream"]
        alias = self._maps.untouched(stream)
        sink = None if alias is None else self._sinks_active.get(alias)
        if isinstance(sink, DeliverySink):
            self.message_reader.takers[stream] = sink.take
        else:
            self.message_reader.takers.pop(stream, None)

    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        """As the SDK, for records that a stream map or flattening has to see; removals have maps of their own."""
        removals = self._maps.removals(message_dict)
        if removals is None:
            super()._process_record_message(message_dict)
            return
        for alias, removal in removals:
            sink = self._sinks_active[alias]
            sink.tally_record_read()
            sink.process_record(removal, {})

    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        super()._process_state_message(message_dict)
        waited_s = time.time() - self._last_full_drain_at
        new_records = self._records_taken() - self._records_at_checkpoint
        if new_records >= self.common.checkpoint_records or waited_s >= self.common.checkpoint_s:
            self.drain_all()

    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Ignored, with one warning: that a record was not sent is never taken for its removal."""
        if not self._has_warned_of_activation:
            self._has_warned_of_activation = True
            stream = message_dict.get("stream")
            self.logger.warning("Stream '%s': ACTIVATE_VERSION messages are ignored; nothing is removed.", stream)

    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        msg = (
            f"Stream '{message_dict.get('stream')}' sends BATCH messages, which bypass validation. "
            "Remove 'batch_config' from the tap's settings."
        )
        raise InputError(msg)

    def _raise_if_stopped(self) -> None:
        if self._signum:
            raise StoppedError(self._signum)

    # -- settling, and STATE only afterwards

    def _drain_all(self, sink_list: Iterable[Sink], parallelism: int) -> None:
        """Deliver and settle everything; the SDK writes STATE after this, and nowhere else.

        It calls this for sinks that were replaced, then for the others: all are delivered before anything is settled,
        or the records that wait would be sent as two requests.
        """
        del parallelism
        for sink in (*sink_list, *self._sinks_active.values()):
            if isinstance(sink, DeliverySink):
                sink.deliver()
        self.run.settle()
        self._records_at_checkpoint = self._records_taken()

    def _records_taken(self) -> int:
        waiting = sum(sink.current_size for sink in self._sinks_active.values())
        return self.records_delivered + waiting

    def _write_state_message(self, state: dict[str, Any]) -> None:
        if state == self._released_state or self.common.dry_run:
            return
        self._released_state = state
        # The SDK's own json.dumps dies of a Decimal (api/singer.md 1). A bookmark must not be rounded either:
        # rounded up, it skips rows.
        sys.stdout.write(_encode_state(state).decode() + "\n")
        sys.stdout.flush()
        self.run.state_released()

    # -- the end

    def process_endofpipe(self) -> None:
        """Settle everything, release STATE, report."""
        try:
            super().process_endofpipe()
            self.run.look_at_whole_input()
        except BaseException as error:  # whatever ends the run, it is reported; it propagates
            self._end_with(error)
            raise
        self._end_with(None)

    def _end_with(self, error: BaseException | None) -> None:
        """End the run once, whatever ended it."""
        if self._is_ended:
            return
        self._is_ended = True
        if isinstance(error, InterruptedRunError) and self._signum:
            error.exit_code = 128 + self._signum
        if isinstance(error, (InputError, StoppedError)) and not self._is_within_chunk(error):
            error = self._settle_what_was_read(error)
        unread = {
            sink.stream_name: len(sink.records)
            for sink in [*self._sinks_active.values(), *self._sinks_to_clear]
            if isinstance(sink, DeliverySink)
        }
        exit_code = self.run.finish(error, unread)
        if error is None and exit_code == EXIT_BRAKE:
            msg = "The plan is held: a run would be stopped by what is named above."
            raise BrakeError(msg)
        if error is None and exit_code:
            msg = "The run's counts do not add up; see the message above."
            raise FatalError(msg)

    def _is_within_chunk(self, error: InputError | StoppedError) -> bool:
        """Whether the error left records half taken: the last STATE may cover them, and must not leave."""
        return (isinstance(error, StoppedError) and error.is_urgent) or self.run.has_records_in_hand()

    def _settle_what_was_read(self, error: ReverseETLError) -> ReverseETLError:
        """A bad line or a signal says nothing against the records before it: deliver them, release their STATE."""
        try:
            self.drain_all()
        except ReverseETLError as failure:
            self.logger.warning("What was read could not be settled: %s", failure)
        return error

    def _setup_signal_handlers(self) -> None:
        """As the SDK, and a closed terminal too."""
        super()._setup_signal_handlers()
        if threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._handle_termination)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Finish what is in flight, repeat nothing, settle what was read, then end with 128 + signal.

        While a message is processed the reader looks at the flag afterwards; while it waits for a line, or
        when the signal comes again, the run ends at once.
        """
        del frame
        is_again = bool(self._signum)
        self._signum = signum
        self.message_reader.is_asked_to_stop = True
        self.stop.set()
        if self.message_reader.is_waiting or is_again:
            raise StoppedError(signum, is_urgent=is_again)

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        """Read the configuration files; one that cannot be read is a message and not a traceback."""
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, ValueError, TypeError) as error:
            reason = "no file that can be read" if isinstance(error, OSError) else "it is not a JSON object"
            names = ", ".join(f"'{one}'" for one in value)
            cls.logger.error("The configuration %s cannot be read: %s.", names, reason)  # noqa: TRY400
            ctx.exit(EXIT_CONFIG)

    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: Any = None,  # noqa: ANN401 - the SDK's argument
    ) -> None:
        """Run; an error ends it with a message and an exit code."""
        with exits(cls.logger):
            super().invoke(about=about, about_format=about_format, config=config, file_input=file_input)


_encode_state = msgspec.json.Encoder(decimal_format="number").encode
