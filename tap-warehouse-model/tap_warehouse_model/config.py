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
from tap_warehouse_model.model_files import read_entries, read_folder
from tap_warehouse_model.models import Model, suggestion

if TYPE_CHECKING:
    from pathlib import Path

_LATER = {
    "dbt_manifest": "dbt models are not available in this version; use 'models' or 'models_path'.",
}


@dataclass(frozen=True)
class TapConfig:
    """Settings that were checked; `repr` shows no secret."""

    url: sa.URL
    models: tuple[Model, ...]
    engine_options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)

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
        models = _models(config, root, problems)
        if problems or url is None:
            raise ConfigError.from_problems(problems)
        return cls(url=url, models=tuple(models), engine_options=MappingProxyType(options))


def _unknown_settings(config: Mapping[str, Any], known: Collection[str]) -> list[str]:
    names = dict.fromkeys(known)
    return [
        f"Unknown setting '{name}'. {_LATER[name]}"
        if name in _LATER
        else f"Unknown setting '{name}'.{suggestion(name, names)}"
        for name in config
        if name not in names
    ]


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


def _models(config: Mapping[str, Any], root: Path, problems: list[str]) -> list[Model]:
    inline, path = config.get("models"), config.get("models_path")
    before = len(problems)
    folder = root
    models: list[Model] = []
    if path is not None and not (isinstance(path, str) and path.strip()):
        problems.append("'models_path' must be the path of a folder.")
    elif path is not None:
        folder = root / path
        models, bad = read_folder(folder, root=root)
        problems += bad
    if inline is not None and not isinstance(inline, list):
        problems.append("'models' must be a list of models.")
    elif inline:
        found, bad = read_entries(inline, where="'models'", folders=list(dict.fromkeys([folder, root])))
        models += found
        problems += bad
    if not models and len(problems) == before:
        problems.append(_no_models(folder if path else None))
    problems += [
        f"Model '{name}' is defined {count} times. Names of models must differ, as they name the streams."
        for name, count in Counter(model.name for model in models).items()
        if count > 1
    ]
    return models


def _no_models(folder: Path | None) -> str:
    if folder is None:
        return "There are no models. Set 'models', or 'models_path' to a folder of model files."
    return f"There are no models: '{folder}' holds no model file (*.yml). Add one, or set 'models'."
