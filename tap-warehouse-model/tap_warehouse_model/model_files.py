"""Reads model files: `*.yml` in the models folder, the `*.sql` that models name, and what dbt wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tap_warehouse_model.dbt import Project, is_checksum_of
from tap_warehouse_model.errors import ConfigError
from tap_warehouse_model.manifest import parse_manifest
from tap_warehouse_model.models import SOURCES, Model, parse_model

if TYPE_CHECKING:
    from collections.abc import Iterable

_FEW = 5
_SOURCES = ", ".join(f"'{source}'" for source in SOURCES)


def project_root(environ: Mapping[str, str]) -> Path:
    """Return the folder that relative paths start from."""
    return Path(environ.get("MELTANO_PROJECT_ROOT") or ".").absolute()


def read_project(path: Path) -> Project:
    """Read dbt's manifest.

    Raises:
        ConfigError: It is not there, or not one that this tap can use.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        msg = f"'dbt_manifest': '{path}' does not exist. Run 'dbt parse', 'dbt compile' or 'dbt build', or correct it."
        raise ConfigError(msg) from None
    except OSError as error:
        msg = f"'dbt_manifest': '{path}' cannot be read ({type(error).__name__}). Make it a readable file."
        raise ConfigError(msg) from None
    return Project(parse_manifest(content, where=f"'dbt_manifest': '{path}'"))


def changed_since(project: Project, models: Iterable[Model], *, folder: Path) -> list[str]:
    """Return a warning about the dbt models whose files are no longer what the manifest was made of.

    No error: what is delivered is the relation that dbt built last, which is as right as it was yesterday. A file
    that somebody is editing, or another checkout beside a manifest from production, must not stop a delivery.

    Args:
        project: What the manifest says.
        models: All models; those that are not dbt's are passed over.
        folder: Where the dbt project is, if it is there at all.
    """
    origins = {model.origin.node: model.origin.name for model in models if model.origin}
    changed = [name for node, name in sorted(origins.items()) if _is_changed(project.source_file(node), folder)]
    if not changed:
        return []
    names = ", ".join(f"'{name}'" for name in changed[:_FEW]) + (
        f" and {len(changed) - _FEW} more" if len(changed) > _FEW else ""
    )
    warning = (
        f"dbt's manifest is older than the files of these dbt models: {names}. What dbt built last is delivered; "
        "run 'dbt build' to deliver what the files say."
    )
    return [warning]


def _is_changed(source: tuple[str, str] | None, folder: Path) -> bool:
    if source is None:
        return False
    path, checksum = source
    try:
        with (folder / path).open(encoding="utf-8", newline="") as file:
            return not is_checksum_of(checksum, file.read())
    except (OSError, UnicodeDecodeError):
        return False


def read_folder(folder: Path, *, root: Path, project: Project | None = None) -> tuple[list[Model], list[str]]:
    """Read every model file below a folder, in the order of their paths.

    Returns:
        The models and every problem found.
    """
    if not folder.is_dir():
        return [], [f"'models_path': the folder '{folder}' does not exist. Create it or correct the path."]
    models: list[Model] = []
    problems: list[str] = []
    for path in sorted([*folder.rglob("*.yml"), *folder.rglob("*.yaml")]):
        entries, problem = _entries(path)
        problems += [problem] if problem else []
        found, bad = read_entries(entries, where=f"'{path}'", folders=[path.parent, folder, root], project=project)
        models += found
        problems += bad
    return models, problems


def read_entries(
    entries: list[Any], *, where: str, folders: list[Path], project: Project | None = None
) -> tuple[list[Model], list[str]]:
    """Check models as written by the user.

    Args:
        entries: Anything; only mappings can be models.
        where: For messages: the setting or the file.
        folders: Where `sql_file` is looked for, in this order.
        project: The dbt project that `dbt_model` is looked for in.

    Returns:
        The good models and every problem found.
    """
    models: list[Model] = []
    problems: list[str] = []
    for position, entry in enumerate(entries, start=1):
        place = f"{where}, model {position}"
        if isinstance(entry, Mapping):
            model, bad = _read_entry(entry, place, folders, project)
            models += [model] if model else []
            problems += bad
        else:
            problems.append(f"{place}: must be a mapping with 'name' and one of {_SOURCES}.")
    return models, problems


def _read_entry(
    entry: Mapping[str, Any], place: str, folders: list[Path], project: Project | None
) -> tuple[Model | None, list[str]]:
    if entry.get("dbt_model") is None:
        sql, problem = _statement(entry, folders)
        return (None, [problem]) if problem else parse_model(entry, where=place, sql=sql)
    if project is None:
        return None, [f"Model '{entry.get('name')}': 'dbt_model' needs 'dbt_manifest', the path of dbt's manifest."]
    return project.read(entry, where=place)


def _entries(path: Path) -> tuple[list[Any], str | None]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" near line {mark.line + 1}" if mark else ""
        return [], f"'{path}' is not valid YAML{line}. Correct it."
    except (OSError, UnicodeDecodeError) as error:
        return [], f"'{path}' cannot be read ({type(error).__name__}). Make it a readable UTF-8 file."
    if isinstance(content, Mapping) and "models" in content and "name" not in content:
        content = content["models"]
    if content is None:
        return [], None
    return (content if isinstance(content, list) else [content]), None


def _statement(entry: Mapping[str, Any], folders: list[Path]) -> tuple[str | None, str | None]:
    sql = entry.get("sql")
    if isinstance(sql, str):
        return sql, None
    name = entry.get("sql_file")
    if not isinstance(name, str) or not name.strip():
        return None, None
    candidates = list(dict.fromkeys(folder / name for folder in folders))
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        looked = ", ".join(f"'{candidate}'" for candidate in candidates)
        return None, f"Model '{entry.get('name')}': 'sql_file' was not found (looked for {looked}). Correct the path."
    try:
        return path.read_text(encoding="utf-8-sig"), None
    except (OSError, UnicodeDecodeError) as error:
        return None, (
            f"Model '{entry.get('name')}': '{path}' cannot be read ({type(error).__name__}). "
            "Make it a readable UTF-8 file."
        )
