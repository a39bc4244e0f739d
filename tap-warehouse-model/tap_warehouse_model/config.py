"""The configuration, parsed once into a frozen value; one error lists every bad setting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from tap_warehouse_model import brakes
from tap_warehouse_model.brakes import Brakes
from tap_warehouse_model.errors import ConfigError
from tap_warehouse_model.model_files import changed_since, read_entries, read_folder, read_project
from tap_warehouse_model.models import DUPLICATE_POLICIES, LOG_BASED, REJECT, Model, suggestion
from tap_warehouse_model.slices import Slice, parse_slice

if TYPE_CHECKING:
    from pathlib import Path

    from tap_warehouse_model.dbt import Project


DEFAULT_STATE_SCHEMA = "reverse_etl"
LONGEST_SYNC_ID = 200


@dataclass(frozen=True)
class DiffConfig:
    """Where and how changes are found (`LOG_BASED`).

    Attributes:
        root: Folder of the project; a state file of its own lies below it.
        sync_id: None where no model needs it.
        url: Where the tables are kept; None for the warehouse, or a file beside a DuckDB warehouse.
        schema: Of the tables.
        brakes: What one plan may do.
        rejects_duplicates: Whether one row of each key is kept, instead of refusing the model.
    """

    root: Path
    sync_id: str | None = None
    url: sa.URL | None = None
    schema: str = DEFAULT_STATE_SCHEMA
    brakes: Brakes = field(default_factory=Brakes)
    rejects_duplicates: bool = False

    def rejects_duplicates_of(self, model: Model) -> bool:
        """Return whether one row of each key of a model is kept."""
        return self.rejects_duplicates if model.on_duplicate_key is None else model.on_duplicate_key == REJECT


@dataclass(frozen=True)
class TapConfig:
    """Settings that were checked; `repr` shows no secret.

    Attributes:
        warnings: What the user should know before anything is emitted.
    """

    url: sa.URL
    models: tuple[Model, ...]
    diff: DiffConfig
    slice: Slice = field(default_factory=Slice)
    engine_options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_mapping(
        cls, config: Mapping[str, Any], *, root: Path, known: Collection[str], more_problems: Collection[str] = ()
    ) -> TapConfig:
        """Return the configuration as a frozen value.

        Args:
            config: As the user wrote it.
            root: The folder that relative paths start from.
            known: Every setting that this tap takes, the SDK's included.
            more_problems: What others found; listed in the same error.

        Raises:
            ConfigError: Lists every bad setting with its remedy.
        """
        problems = [*_unknown_settings(config, known), *more_problems]
        url = _url(config.get("sqlalchemy_url"), problems)
        options = _options(config.get("engine_options"), problems)
        manifest = _manifest(config.get("dbt_manifest"), root, problems)
        project = _project(manifest, url, problems)
        models = _models(config, root, project, problems)
        diff = _diff(config, root, models, problems)
        part = parse_slice(config, problems)
        if not part.is_whole:
            problems += [_no_slices(model) for model in models if not model.key_properties]
        if problems or url is None:
            raise ConfigError.from_problems(problems)
        warnings = changed_since(project, models, folder=manifest.parent.parent) if project and manifest else []
        return cls(
            url=url,
            models=tuple(models),
            diff=diff,
            slice=part,
            engine_options=MappingProxyType(options),
            warnings=tuple(warnings),
        )


def _unknown_settings(config: Mapping[str, Any], known: Collection[str]) -> list[str]:
    names = dict.fromkeys(known)
    return [f"Unknown setting '{name}'.{suggestion(name, names)}" for name in config if name not in names]


def _diff(config: Mapping[str, Any], root: Path, models: list[Model], problems: list[str]) -> DiffConfig:
    problems += brakes.settings_problems(config)
    sync_id, schema = config.get("sync_id"), config.get("state_schema")
    if sync_id is not None and not (isinstance(sync_id, str) and 0 < len(sync_id.strip()) <= LONGEST_SYNC_ID):
        problems.append(f"'sync_id' must be a text of 1 to {LONGEST_SYNC_ID} characters, such as 'crm-prod'.")
    names = ", ".join(f"'{model.name}'" for model in models if model.replication_method == LOG_BASED)
    if sync_id is None and names:
        problems.append(needs_sync_id(names))
    if schema is not None and not (isinstance(schema, str) and schema.strip()):
        problems.append("'state_schema' must be the name of a schema.")
        schema = None
    if config.get("on_duplicate_key") not in (None, *DUPLICATE_POLICIES):
        problems.append("'on_duplicate_key' must be 'fail' or 'reject'.")
    return DiffConfig(
        root=root,
        sync_id=sync_id.strip() if isinstance(sync_id, str) else None,
        url=_state_url(config.get("state_url"), problems),
        schema=schema or DEFAULT_STATE_SCHEMA,
        brakes=Brakes(**brakes.given(config)),
        rejects_duplicates=config.get("on_duplicate_key") == REJECT,
    )


def needs_sync_id(models: str) -> str:
    """Return why LOG_BASED cannot go without a name for the sync."""
    return (
        f"LOG_BASED (of {models}) needs 'sync_id': a name for this sync, one per destination, such as 'crm-prod'. "
        "What was delivered there is remembered under it."
    )


def _state_url(value: object, problems: list[str]) -> sa.URL | None:
    if value is None:
        return None
    wrong = (
        "'state_url' must be the SQLAlchemy URL of a DuckDB file, such as 'duckdb:////data/state.duckdb'. "
        "To keep the tables of the diff in the warehouse itself, remove it and set 'state_schema'."
    )
    try:
        url = sa.make_url(value.strip()) if isinstance(value, str) else None
    except (ArgumentError, ValueError):
        url = None
    if (
        url is None
        or url.get_backend_name() != "duckdb"
        or not url.database
        or url.database.startswith((":memory:", "md:"))
    ):
        problems.append(wrong)
        return None
    return url


def _no_slices(model: Model) -> str:
    return f"Model '{model.name}': 'partition_count' divides the keys of a model; give it 'key_properties'."


def _url(value: object, problems: list[str]) -> sa.URL | None:
    if not isinstance(value, str) or not value.strip():
        problems.append(
            "'sqlalchemy_url' is missing. Set it to the warehouse, for example "
            "'duckdb:////data/warehouse.duckdb' or 'postgresql://user:password@host/database'."
        )
        return None
    try:
        return sa.make_url(value.strip())
    except (ArgumentError, ValueError):
        # The value is not shown: it may hold a password.
        problems.append(
            "'sqlalchemy_url' is not a SQLAlchemy URL. Write 'dialect://user:password@host/database' and "
            "percent-encode special characters in the password."
        )
        return None


def _options(value: object, problems: list[str]) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.append("'engine_options' must map names to values, as 'create_engine' takes them.")
        return {}
    return dict(value)


def _manifest(value: object, root: Path, problems: list[str]) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        problems.append("'dbt_manifest' must be the path of dbt's manifest, such as 'transform/target/manifest.json'.")
        return None
    return root / value.strip()


def _project(manifest: Path | None, url: sa.URL | None, problems: list[str]) -> Project | None:
    if manifest is None:
        return None
    try:
        project = read_project(manifest)
    except ConfigError as error:
        problems.append(str(error))
        return None
    if url is not None and (problem := project.adapter_problem(url.get_backend_name())):
        problems.append(problem)
    return project


def _models(config: Mapping[str, Any], root: Path, project: Project | None, problems: list[str]) -> list[Model]:
    inline, path = config.get("models"), config.get("models_path")
    before = len(problems)
    folder = root
    models: list[Model] = []
    if path is not None and not (isinstance(path, str) and path.strip()):
        problems.append("'models_path' must be the path of a folder.")
    elif path is not None:
        folder = root / path
        models, bad = read_folder(folder, root=root, project=project)
        problems += bad
    if inline is not None and not isinstance(inline, list):
        problems.append("'models' must be a list of models.")
    elif inline:
        folders = list(dict.fromkeys([folder, root]))
        found, bad = read_entries(inline, where="'models'", folders=folders, project=project)
        models += found
        problems += bad
    if project is not None:
        found, bad = project.marked(models)
        models += found
        problems += bad
    if not models and len(problems) == before:
        problems.append(_no_models(folder if path else None, has_project=project is not None))
    problems += [
        f"Model '{name}' is defined {count} times. Names of models must differ, as they name the streams."
        for name, count in Counter(model.name for model in models).items()
        if count > 1
    ]
    return models


def _no_models(folder: Path | None, *, has_project: bool) -> str:
    if has_project:
        return (
            "There are no models: no node of dbt's manifest has 'meta.reverse_etl'. Write 'meta: {reverse_etl: true}' "
            "in dbt and run it, or set 'models' with 'dbt_model'."
        )
    if folder is None:
        return "There are no models. Set 'models', or 'models_path' to a folder of model files, or 'dbt_manifest'."
    return f"There are no models: '{folder}' holds no model file (*.yml). Add one, or set 'models'."
