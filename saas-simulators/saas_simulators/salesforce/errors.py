"""Salesforce's refusals of whole requests: one class, and a function for each body that was recorded or documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, encode_json

if TYPE_CHECKING:
    from collections.abc import Sequence

JSON_TYPE = "application/json;charset=UTF-8"  # source: recordings grouparoo, spelt like this


class SalesforceError(Exception):
    """A request is refused with `status` and the vendor's body, an array of one error."""

    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = None if fields is None else tuple(fields)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the body; `fields` is there only for errors of a write."""
        # source: RESTPDF "Status codes and error responses"; recordings amp-labs, grouparoo
        shown: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            shown["fields"] = list(self.fields)
        return [shown]

    def reply(self) -> Reply:
        """Return the refusal as a reply."""
        return error_reply(self.status, self.as_json())


def error_reply(status: int, body: list[dict[str, Any]]) -> Reply:
    """Return a refusal with a body of one or more errors."""
    return Reply(status, encode_json(body), JSON_TYPE)


def not_found(message: str = "The requested resource does not exist") -> SalesforceError:
    """Return the refusal of a path, object or row that does not exist."""
    # source: recordings grouparoo, cumulusci
    return SalesforceError(404, "NOT_FOUND", message)


def no_such_column(object_name: str, field: str) -> str:
    """Return the message about a field that a read names and the object does not have."""
    # source: body with headers of 2026-08-21; recordings cumulusci
    return (
        f"No such column '{field}' on entity '{object_name}'. If you are attempting to use a custom field, be sure to "
        "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
        "appropriate names."
    )
