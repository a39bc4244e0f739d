"""Access tokens. They live in memory only.

Skeleton: one token that does not expire. Yours: the vendor's page on authentication. `target_hubspot.auth.RenewedToken`
shows a token that is asked for, kept until shortly before its end, and renewed once for all threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reverse_etl_core.redaction import Secret


class FixedToken:
    """A token that cannot be renewed."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def authorization(self) -> str:
        """The value of the `Authorization` header."""
        return f"Bearer {self._token.reveal()}"

    def renew(self, refused: str) -> bool:
        """Never: a refused token stays refused."""
        del refused
        return False
