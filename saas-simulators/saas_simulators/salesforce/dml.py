"""Writes of up to 200 rows: the one way in which rows, collections and bulk jobs change an org."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from saas_simulators.salesforce.state import Org

Verb = Literal["insert", "update", "upsert", "delete"]
MAX_ROWS = 200  # source: RESTPDF "sObject Collections"; LIMDOC: triggers run per 200 rows of a bulk job


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was refused: the vendor's code, its message (with labels) and the API names of the fields."""

    status_code: str
    message: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row; `id` is known for refused updates too."""

    success: bool
    id: str | None
    created: bool
    errors: tuple[RowError, ...] = ()


@dataclass(frozen=True, slots=True)
class DmlOptions:
    """How a chunk is written.

    Attributes:
        allow_duplicates: `allowSave` of `Sforce-Duplicate-Rule-Header`.
        auto_assign: The value of `Sforce-Auto-Assign`, None when it was not sent.
        all_or_none: One refused row undoes the others.
        update_only: An upsert without a match is refused.
        columns: Given for CSV text: the zero-based column of each field. A value that cannot be parsed then fails its
            row; without, it is a `JSON_PARSER_ERROR` of the request.
        method: Of the request, for fault rules.
        path: Of the request or the job, for fault rules.
        request_rows: Rows of the whole request or job, for fault rules; None when the chunk is all of it.
    """

    allow_duplicates: bool = False
    auto_assign: str | None = None
    all_or_none: bool = False
    update_only: bool = False
    columns: Mapping[str, int] | None = None
    method: str = ""
    path: str = ""
    request_rows: int | None = None


DEFAULTS = DmlOptions()


def write_rows(
    org: Org,
    verb: Verb,
    object_name: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    external_id_field: str | None = None,
    options: DmlOptions = DEFAULTS,
) -> list[RowResult]:
    """Write one chunk and return one result per row, in order; rows fail alone.

    Args:
        org: Its lock is taken here.
        verb: `update` and `delete` find the row by `Id`.
        object_name: In any case.
        rows: Values by field name in any case, as JSON values or (see `options.columns`) as CSV text; None clears.
            A parent by external id is `{"Account": {"External_Id__c": "A1"}}`, with
            `"attributes": {"type": "Account"}` inside where the reference is polymorphic.
        external_id_field: Of an upsert; may be `Id`.
        options: See `DmlOptions`.

    Raises:
        SalesforceError: The object does not exist, the external id field is none, or a JSON value cannot be parsed.
    """
    raise NotImplementedError
