"""The body of a job's creation: JSON alone, or JSON and CSV in one multipart request."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.bulk import refusals
from saas_simulators.salesforce.bulk.jobs import Order
from saas_simulators.salesforce.bulk.upload import DELIMITERS, LINE_ENDINGS
from saas_simulators.salesforce.calls import as_object, parse_json
from saas_simulators.salesforce.dml import DELETIONS
from saas_simulators.salesforce.errors import SalesforceError

if TYPE_CHECKING:
    from collections.abc import Collection

    from saas_simulators.exchange import Request
    from saas_simulators.salesforce.state import Org

# source: Bulk API 2.0 guide v66, "Create a Job"
OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
OPTIONS = (
    "object",
    "operation",
    "externalIdFieldName",
    "contentType",
    "columnDelimiter",
    "lineEnding",
    "assignmentRuleId",
    "concurrencyMode",  # source: older guides: "for future use"; always Parallel
)
MAX_MULTIPART_CHARACTERS = 100_000  # source: as above


def read_request(request: Request) -> tuple[dict[str, Any], bytes | None]:
    """Return the options and, of a multipart request, the CSV.

    Raises:
        SalesforceError: 400; the body is neither JSON nor multipart with the parts `job` and `content`.
    """
    content_type = request.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        return _options(request.body), None
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + request.body)
    parts = {str(part.get_param("name", header="content-disposition")): _payload(part) for part in message.iter_parts()}
    if missing := [name for name in ("job", "content") if name not in parts]:
        # inferred
        message_text = f"InvalidJob : The multipart request has no part '{missing[0]}'"
        raise refusals.invalid_job(message_text)
    if len(parts["content"].decode("utf-8", "replace")) > MAX_MULTIPART_CHARACTERS:
        # inferred: the limit is documented, the text is not
        message_text = f"InvalidJob : The content exceeds {MAX_MULTIPART_CHARACTERS} characters"
        raise refusals.invalid_job(message_text)
    return _options(parts["job"]), parts["content"]


def _payload(part: Any) -> bytes:  # noqa: ANN401 - an e-mail part
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _options(body: bytes) -> dict[str, Any]:
    return as_object(parse_json(body))


def order(org: Org, options: dict[str, Any], api_version: str) -> Order:
    """Return what the client asks for.

    Raises:
        SalesforceError: 400; the object, the operation, the key or an option is not usable.
    """
    if unknown := [name for name in options if name not in OPTIONS]:
        # inferred: that options are checked by name, and the text, which is the parser's
        raise SalesforceError(400, "JSON_PARSER_ERROR", f'Unrecognized field "{unknown[0]}"')
    operation = _choice(options, "operation", "", OPERATIONS)
    if operation == "hardDelete" and not org.jobs.settings.hard_delete:
        raise refusals.hard_delete_forbidden()
    _choice(options, "contentType", "CSV", ("CSV",))
    object_name = _object(org, options.get("object"))
    if operation in DELETIONS and not org.store(object_name).definition.is_deletable:
        raise refusals.deletion_forbidden(object_name)
    return Order(
        operation=operation,
        object_name=object_name,
        external_id_field=_key(org, object_name, options) if operation == "upsert" else None,
        column_delimiter=_choice(options, "columnDelimiter", "COMMA", DELIMITERS),
        line_ending=_choice(options, "lineEnding", "LF", LINE_ENDINGS),
        assignment_rule_id=options.get("assignmentRuleId"),
        api_version=api_version,
    )


def _object(org: Org, name: object) -> str:
    if not isinstance(name, str) or not org.has_object(name):
        raise refusals.unknown_object(str(name))
    return org.store(name).name


def _choice(options: dict[str, Any], name: str, default: str, known: Collection[str]) -> str:
    value = options.get(name) or default
    if value not in known:
        raise refusals.wrong_option(name, value, known)
    return str(value)


def _key(org: Org, object_name: str, options: dict[str, Any]) -> str:
    name = options.get("externalIdFieldName")
    if not isinstance(name, str) or not name:
        raise refusals.blank_key(object_name)
    store = org.store(object_name)
    found = store.fields.get(store.field_name(name) or "")
    if found is None or not (found.is_id_lookup or found.is_external_id):
        raise refusals.no_key(name, object_name)
    return name  # as sent, as the recordings echo it
