"""What a database says when it fails, as errors of ours."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import sqlalchemy as sa

from reverse_etl_core.errors import BusyError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def guarded(url: sa.URL, what: str) -> Iterator[None]:
    """Turn database errors into ours, without the URL's password and without values.

    Args:
        url: Of the ledger.
        what: What cannot be done when it fails: `opened`, `read`, `written`.

    Raises:
        BusyError: Another process has locked it.
        LedgerError: Anything else.
    """
    place = url.render_as_string(hide_password=True)
    try:
        yield
    except sa.exc.DBAPIError as error:
        kind = type(error.orig).__name__
        if "locked" in str(error.orig).lower():
            msg = f"The ledger '{place}' is locked by another process. Run again when that one has finished."
            raise BusyError(msg) from None
        reason = str(error.orig).splitlines()[0] if isinstance(error, sa.exc.OperationalError) else kind
        msg = f"The ledger '{place}' cannot be {what} ({reason}). Check 'ledger_url', the folder and its permissions."
        raise LedgerError(msg) from None
    except sa.exc.NoSuchModuleError as error:
        msg = f"The ledger's driver is not installed ({error}). Install reverse-etl-core[postgres]."
        raise LedgerError(msg) from None
