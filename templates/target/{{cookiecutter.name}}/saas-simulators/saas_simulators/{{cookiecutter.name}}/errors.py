"""Errors as the API words them.

Skeleton: the codes of the skeleton's API. Yours: the vendor's page on errors and recorded replies. Do not read the
table of the target: what was misunderstood there would be simulated too, and no test could tell.
"""

from __future__ import annotations

from typing import Any

from saas_simulators.exchange import Reply, json_reply


class ApiError(Exception):
    """A refusal, as the API words it."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        super().__init__(message)

    def body(self) -> dict[str, Any]:
        """The error, in a reply or beside one record of it."""
        error = {"code": self.code, "message": self.message} | ({"field": self.field} if self.field else {})
        return {"error": error}

    def reply(self, **headers: str) -> Reply:
        """The whole reply."""
        return json_reply(self.status, self.body(), {name.replace("_", "-"): text for name, text in headers.items()})


def invalid_token() -> ApiError:
    """The credential is missing or wrong."""
    return ApiError(401, "invalid_token", "The access token is not known.")


def expired_token() -> ApiError:
    """The credential is too old."""
    return ApiError(401, "expired_token", "The access token has expired.")


def not_found() -> ApiError:
    """There is no such record."""
    return ApiError(404, "not_found", "There is no such record.")


def no_route() -> ApiError:
    """There is nothing at this path."""
    return ApiError(404, "no_such_path", "There is nothing at this path.")


def unknown_object(name: str) -> ApiError:
    """There is no such object."""
    return ApiError(404, "unknown_object", f"There is no object '{name}'.")


def invalid_request(*, message: str) -> ApiError:
    """The body is not what the endpoint takes."""
    return ApiError(400, "invalid_request", message)


def refused(field: str, code: str, message: str) -> ApiError:
    """A value is refused."""
    return ApiError(422, code, message, field)


def rate_limited(code: str = "rate_limited") -> ApiError:
    """One request too many."""
    return ApiError(429, code, "Too many requests. Slow down.")
