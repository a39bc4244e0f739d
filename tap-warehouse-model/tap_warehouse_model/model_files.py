"""Reads model files: `*.yml` in the models folder and the `*.sql` that models name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tap_warehouse_model.models import Model, parse_model


def project_root(environ: Mapping[str, str]) -> Path:
    """Return the folder that relative paths start from."""
    return Path(environ.get("MELTANO_PROJECT_ROOT") or ".").absolute()


def read_folder(folder: Path, *, root: Path) -> tuple[list[Model], list[str]]:
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
        found, bad = read_entries(entries, where=f"'{path}'", folders=[path.parent, folder, root])
        models += found
        problems += bad
    return models, problems


def read_entries(entries: list[Any], *, where: str, folders: list[Path]) -> tuple[list[Model], list[str]]:
    """Check models as written by the user.

    Args:
        entries: Anything; only mappings can be models.
        where: For messages: the setting or the file.
        folders: Where `sql_file` is looked for, in this order.

    Returns:
        The good models and every problem found.
    """
    models: list[Model] = []
    problems: list[str] = []
    for position, entry in enumerate(entries, start=1):
        place = f"{where}, model {position}"
        if not isinstance(entry, Mapping):
            problems.append(f"{place}: must be a mapping with 'name' and one of 'sql', 'sql_file', 'table'.")
            continue
        sql, problem = _statement(entry, folders)
        if problem:
            problems.append(problem)
            continue
        model, bad = parse_model(entry, where=place, sql=sql)
        models += [model] if model else []
        problems += bad
    return models, problems


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
