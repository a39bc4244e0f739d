"""Where the ledger is: named by the user, or the only one of the project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from reverse_etl_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = ".reverse-etl"
VARIABLE = "REVERSE_ETL_LEDGER_URL"
COPY_VARIABLE = "REVERSE_ETL_COPY_TO"


def ledger_url(named: str | None, target: str | None, environ: Mapping[str, str]) -> sa.URL:
    """The URL of the ledger that is meant.

    Args:
        named: A URL or the path of a file; `None` looks into the project's folder.
        target: Whose ledger of that folder; `None` takes the only one.
        environ: Its `MELTANO_PROJECT_ROOT` is the project's root, else the working directory is.

    Raises:
        ConfigError: None or several are found, or the URL is none.
    """
    if named:
        return parsed(named)
    folder = Path(environ.get("MELTANO_PROJECT_ROOT") or Path.cwd()) / FOLDER
    found = sorted(folder.glob("*.db"))
    if target:
        found = [path for path in found if path.stem == target]
    if len(found) == 1:
        return sa.URL.create("sqlite", database=str(found[0]))
    if not found:
        of_target = f" of '{target}'" if target else ""
        msg = f"There is no ledger{of_target} in '{folder}'. Name one with --ledger, or in {VARIABLE}."
        raise ConfigError(msg)
    names = ", ".join(path.stem for path in found)
    msg = f"There are several ledgers in '{folder}': {names}. Choose one with --target, or name one with --ledger."
    raise ConfigError(msg)


def parsed(named: str) -> sa.URL:
    """The URL of a ledger that is named by a URL, or by the path of a file.

    Raises:
        ConfigError: It is none.
    """
    if "://" not in named:
        return sa.URL.create("sqlite", database=str(Path(named).expanduser()))
    try:
        # The driver that our extra installs; SQLAlchemy's own default is another one.
        url = sa.make_url(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", named))
        backend = url.get_backend_name()
    except (sa.exc.ArgumentError, ValueError):
        msg = "The ledger's URL is none. Name one like sqlite:////var/lib/ledger.db or postgresql://…, or a path."
        raise ConfigError(msg) from None
    if backend not in {"sqlite", "postgresql"}:
        msg = f"The ledger's URL names '{backend}', but a ledger lives in SQLite or PostgreSQL."
        raise ConfigError(msg)
    if backend == "sqlite" and url.database in {None, "", ":memory:"}:
        msg = "The ledger's URL names no file. Name one like sqlite:////var/lib/ledger.db."
        raise ConfigError(msg)
    return url
