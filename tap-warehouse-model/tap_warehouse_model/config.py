"""The configuration, parsed once into a frozen value; one error lists every bad setting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from tap_warehouse_model.errors import ConfigError
from tap_warehouse_model.model_files import changed_since, read_entries, read_folder, read_project
from tap_warehouse_model.models import Model, suggestion

if TYPE_CHECKING:
    from pathlib import Path

    from tap_warehouse_model.dbt import Project


@dataclass(frozen=True)
class TapConfig:
    """Settings that were checked; `repr` shows no secret.

    Attributes:
        warnings: What the user should know before anything is emitted.
    """

    url: sa.URL
    models: tuple[Model, ...]
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
        if problems or url is None:
            raise ConfigError.from_problems(problems)
        warnings = changed_since(project, models, folder=manifest.parent.parent) if project and manifest else []
        return cls(url=url, models=tuple(models), engine_options=MappingProxyType(options), warnings=tuple(warnings))


def _unknown_settings(config: Mapping[str, Any], known: Collection[str]) -> list[str]:
    names = dict.fromkeys(known)
    return [f"Unknown setting '{name}'.{suggestion(name, names)}" for name in config if name not in names]


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
