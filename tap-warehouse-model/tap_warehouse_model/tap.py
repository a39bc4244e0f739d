"""The tap: settings in, one stream per model out."""

from __future__ import annotations

import copy
import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.helpers._util import load_json
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities

from tap_warehouse_model.command import TapCommand
from tap_warehouse_model.config import TapConfig
from tap_warehouse_model.dbt import fitted
from tap_warehouse_model.errors import BrakeError, ConfigError, DuplicateKeyError, StateError
from tap_warehouse_model.model_files import project_root
from tap_warehouse_model.models import LOG_BASED
from tap_warehouse_model.output import Output, StateOutput
from tap_warehouse_model.settings import SETTINGS
from tap_warehouse_model.streams import ModelStream
from tap_warehouse_model.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.singerlib import Catalog, CatalogEntry
    from singer_sdk.streams import Stream

    from tap_warehouse_model.models import Model


class TapWarehouseModel(Tap):
    """Singer tap for warehouse models: the rows of a query or a table, with bookmarks."""

    name = "tap-warehouse-model"
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(SETTINGS)  # the SDK adds its own to it
    dynamic_catalog = True
    message_writer_class = Output
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.LOG_BASED,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, *, catalog: Any = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Read the settings; with a catalog, also what the SDK's catalog class does not keep."""
        self.catalog_overrides = _catalog_overrides(catalog)
        _check_shape(kwargs.get("state"))
        self._settings: TapConfig | None = None
        self._signal: int | None = None
        self.held: list[BrakeError] = []
        """Why models were not carried out; the run ends with it."""
        self._has_state = False
        self._last: Stream | None = None
        super().__init__(catalog=catalog, **kwargs)
        self._state_writer = StateOutput(self.output)

    @property
    def output(self) -> Output:
        """Standard output."""
        return self.message_writer  # type: ignore[return-value]

    @property
    def catalog(self) -> Catalog:
        """The catalog in force: selection from the input, types from the queries of today."""
        return self._singer_catalog

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the STATE of the last run."""
        super().load_state(state)
        self._has_state = True

    def setup_mapper(self) -> None:
        """Prepare stream maps and flattening.

        Raises:
            ConfigError: Their settings are wrong.
        """
        try:
            super().setup_mapper()
        except ConfigValidationError as error:
            raise ConfigError.from_problems(error.errors or [str(error)]) from None
        except (MappingError, TypeError, AttributeError) as error:  # the latter two for maps of a wrong shape
            msg = f"'stream_maps' cannot be used: {error}. Correct them."
            raise ConfigError(msg) from None

    def discover_streams(self) -> Sequence[ModelStream]:
        """Describe every model's query.

        Raises:
            ConfigError: Lists every model that cannot be described.
        """
        try:
            return self._described()
        except Exception:  # a signal breaks off a connection with an error of any driver; others propagate
            self.exit_if_stopped()
            raise

    def _described(self) -> Sequence[ModelStream]:
        settings = self._checked_settings()
        warehouse = Warehouse(settings)
        streams: list[ModelStream] = []
        problems: list[str] = []
        for warning in settings.warnings:
            self.logger.warning("%s", warning)
        for written in self._selected(settings.models):
            with _collected(problems):
                model, columns = fitted(written, warehouse.describe(written))
                streams.append(ModelStream(self, model=model, columns=columns, warehouse=warehouse))
        warehouse.release()
        if problems:
            raise ConfigError.from_problems(problems)
        return streams

    def _selected(self, models: Sequence[Model]) -> list[Model]:
        """Leave out what the catalog does not select: it is not described, so it cannot fail either."""
        catalog = self.input_catalog
        if catalog is None:
            return list(models)
        if unknown := [model.name for model in models if model.name not in catalog]:
            self.logger.warning(
                "The catalog does not know the models %s. They are not emitted; discover again "
                "('meltano run --refresh-catalog').",
                ", ".join(unknown),
            )
        selected = [model for model in models if model.name in catalog and _is_selected(catalog[model.name])]
        self.logger.info("The catalog selects %d of %d models.", len(selected), len(models))
        return selected

    def is_last(self, stream: ModelStream) -> bool:
        """Return whether no other stream is read after this one."""
        if self._last is None:
            self._last = next((one for one in reversed(self.streams.values()) if one.selected), None)
        return stream is self._last

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the SDK's command with our error handling."""
        command = super().get_singer_command()
        plan = click.Option(
            ["--plan"], is_flag=True, help="Show what LOG_BASED models would emit, and emit nothing.", default=False
        )
        return TapCommand(
            name=command.name,
            callback=cls._invoke,
            params=[*command.params, plan],
            context_settings=command.context_settings,
            help=command.help,
            logger=cls.logger,
        )

    @classmethod
    def _invoke(cls, *, plan: bool, **arguments: Any) -> None:  # noqa: ANN401
        """Run the command line; `--plan` only looks.

        Raises:
            BrakeError: At least one model was not carried out; the others were.
        """
        if arguments.get("about"):
            cls.invoke(**arguments)
            return
        cls.print_version(print_fn=cls.logger.info)
        given = arguments.get("config")
        tap = cls(
            config=given.config if given else None,
            parse_env_config=bool(given and given.parse_env),
            **{
                name: None if arguments.get(name) is None else load_json(arguments[name].read())
                for name in ("state", "catalog")
            },
        )
        if plan:
            tap.show_plans()
            return
        tap.sync_all()
        if tap.held:
            raise BrakeError("\n".join(map(str, tap.held)))

    def show_plans(self) -> None:
        """Print what each LOG_BASED model would emit.

        Raises:
            ConfigError: There is no such model.
            SystemExit: A model would be refused.
        """
        chosen = [
            stream
            for stream in self.streams.values()
            if isinstance(stream, ModelStream) and stream.selected and stream.replication_method == LOG_BASED
        ]
        if not chosen:
            msg = "--plan shows the changes of LOG_BASED models, and none is selected. Set 'replication_method'."
            raise ConfigError(msg)
        refused = None
        for stream in chosen:
            try:
                click.echo(str(stream.preview()))
            except DuplicateKeyError as error:
                click.echo(f"{stream.name}\n  {error}")
                refused = error
        if refused is not None:
            sys.exit(refused.exit_code)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Parse the settings; the SDK checks only what belongs to it (stream maps, flattening).

        Its messages quote values, which for our settings could be a password.
        """
        errors: list[str] = []
        try:
            super()._validate_config(raise_errors=True)
        except ConfigValidationError as error:
            errors = error.errors
        ours = tuple(f"config['{name}'" for name in SETTINGS["properties"])
        foreign = [error for error in errors if " in config[" in error and not any(name in error for name in ours)]
        if raise_errors:
            self._settings = self._parse(foreign)
        return foreign

    def _checked_settings(self) -> TapConfig:
        if self._settings is None:
            self._settings = self._parse([])
        return self._settings

    def _parse(self, more_problems: list[str]) -> TapConfig:
        return TapConfig.from_mapping(
            self.config,
            root=project_root(os.environ),
            known=self.config_jsonschema["properties"],
            more_problems=more_problems,
        )

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Stop after the line in hand, with a last STATE and exit code 128 + n.

        The SDK exits with 0, which Meltano takes for a finished sync. A second signal stops at once.
        """
        if self._signal is not None:
            os._exit(128 + signum)
        self._signal = signum
        # The exit may pass through SQLAlchemy while it closes a connection; it would log that with a traceback.
        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
        self.output.when_idle(self._terminate)

    def _terminate(self) -> None:
        number = self._signal or signal.SIGTERM
        self.logger.warning("Stopped by %s; the next run resumes at the last STATE.", signal.Signals(number).name)
        if self._has_state:  # before, it is empty or taken over in part only, and would replace the complete one
            self.state_writer.write_state(self.state)
        sys.exit(128 + number)

    def exit_if_stopped(self) -> None:
        """Leave as the signal asked: DuckDB turns the exit of a handler that ran inside it into its own error."""
        if self._signal is not None:
            sys.exit(128 + self._signal)


@contextmanager
def _collected(problems: list[str]) -> Iterator[None]:
    """Note a configuration error instead of raising it, so that all of them are reported at once."""
    try:
        yield
    except ConfigError as error:
        problems.append(str(error))


def _check_shape(state: object) -> None:
    """Refuse a STATE that the SDK would stumble over."""
    bookmarks = state.get("bookmarks", {}) if isinstance(state, Mapping) else None
    if state is None or isinstance(state, (str, PurePath)):  # nothing, or a path that the SDK reads
        return
    if not isinstance(bookmarks, Mapping) or not all(isinstance(one, Mapping) for one in bookmarks.values()):
        msg = "STATE is damaged: it must be an object whose 'bookmarks' hold an object per stream. Restore it."
        raise StateError(msg)


def _is_selected(entry: CatalogEntry) -> bool:
    return entry.metadata.resolve_selection()[()]


def _catalog_overrides(catalog: object) -> dict[str, Mapping[str, Any]]:
    """Return the stream metadata `replication-method` and `replication-key`, by stream.

    The SDK's catalog keeps only `forced-replication-method`; Meltano's `metadata` writes the other name.
    """
    if not isinstance(catalog, Mapping):
        return {}
    return {
        str(stream.get("tap_stream_id")): dict(entry.get("metadata") or {})
        for stream in catalog.get("streams") or []
        for entry in stream.get("metadata") or []
        if not entry.get("breadcrumb")
    }
