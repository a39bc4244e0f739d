"""What a database says when it fails, as errors of ours."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import sqlalchemy as sa

from reverse_etl_core.errors import BusyError, ConfigError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_etl_core.errors import ReverseETLError


@contextlib.contextmanager
def guarded(url: sa.URL, what: str) -> Iterator[None]:
    """Turn database errors into ours, without the URL's password and without values.

    Args:
        url: Of the ledger.
        what: What cannot be done when it fails: `opened`, `read`, `written`.

    Raises:
        BusyError: Another process has locked it.
        ConfigError: It cannot be opened for want of permission.
        LedgerError: Anything else.
    """
    place = url.render_as_string(hide_password=True)
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _fault(error, place, what) from None
    except sa.exc.NoSuchModuleError as error:
        msg = f"The ledger's driver is not installed ({error}). Install reverse-etl-core[postgres]."
        raise LedgerError(msg) from None


def _fault(error: sa.exc.DBAPIError, place: str, what: str) -> ReverseETLError:
    """Which of our errors it is: SQLite's are told apart by their text."""
    text = (str(error.orig).splitlines() or [""])[0]
    if "locked" in text.lower():
        return BusyError(f"The ledger '{place}' is locked by another process. Run again when that one has finished.")
    if type(error.orig) is sqlite3.DatabaseError:  # the class of SQLITE_CORRUPT and SQLITE_NOTADB alone
        return LedgerError(
            f"The ledger '{place}' is damaged, or is none ({text}). Restore it from a backup, or go on without it: "
            "docs/operations.md, 'A lost ledger'."
        )
    reason = text if isinstance(error, sa.exc.OperationalError) else type(error.orig).__name__
    msg = f"The ledger '{place}' cannot be {what} ({reason}). Check 'ledger_url', the folder and its permissions."
    is_denied = any(one in text for one in ("readonly database", "unable to open database file"))
    return ConfigError(msg) if is_denied and what == "opened" else LedgerError(msg)
