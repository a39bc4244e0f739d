"""One call on its way through the simulator, and what every verb reads in the same way."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, Request, decode_json, encode_json
from saas_simulators.salesforce.dml import DmlOptions
from saas_simulators.salesforce.errors import JSON_TYPE, SalesforceError

if TYPE_CHECKING:
    from saas_simulators.salesforce.records import RecordStore
    from saas_simulators.salesforce.state import Org


@dataclass(slots=True)
class Call:
    """A request that found its route; `version` in the parameters is `67.0`."""

    org: Org
    request: Request
    parameters: dict[str, str]

    @property
    def store(self) -> RecordStore:
        """The store of the object that the path names."""
        return self.org.store(self.parameters["object"])

    @property
    def version(self) -> int:
        """The API version as a number."""
        return int(self.parameters["version"].partition(".")[0])

    @property
    def base(self) -> str:
        """The path of this API version."""
        return f"/services/data/v{self.parameters['version']}"

    @property
    def body(self) -> Any:  # noqa: ANN401 - any JSON value
        """The parsed body.

        Raises:
            SalesforceError: 400; the body is not JSON.
        """
        return parse_json(self.request.body)

    def option(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        return self.request.query.get(name, [default])[-1]

    def flag(self, name: str) -> bool:
        """Return whether a query parameter says `true`."""
        return self.option(name).lower() == "true"

    def dml_options(self, **more: Any) -> DmlOptions:  # noqa: ANN401 - fields of DmlOptions
        """Return how the request's headers want rows to be written."""
        headers = self.request.headers
        rule = headers.get("sforce-duplicate-rule-header", "")
        # source: RESTPDF "Duplicate Rule Header"; older and newer texts separate by semicolon and comma
        allow = any(re.fullmatch(r"\s*allowSave\s*=\s*true\s*", part, re.IGNORECASE) for part in re.split("[;,]", rule))
        assign = headers.get("sforce-auto-assign") or None
        return DmlOptions(
            allow_duplicates=allow, auto_assign=assign, method=self.request.method, path=self.request.path, **more
        )


Action = Callable[[Call], Reply]


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a JSON body.

    Raises:
        SalesforceError: 400 `JSON_PARSER_ERROR`.
    """
    try:
        return decode_json(body)
    except (ValueError, RecursionError) as error:
        # source: RESTPDF; the parser is Jackson
        column = getattr(error, "colno", 1) + 1
        line = getattr(error, "lineno", 1)
        shown = body.decode("utf-8", "replace")[getattr(error, "pos", 0) :][:1]
        text = (
            f"Unexpected character ('{shown}' (code {ord(shown)})) at [line:{line}, column:{column}]" if shown else ""
        )
        text = text or "Unexpected end-of-input: expected close marker at [line:1, column:1]"
        raise SalesforceError(400, "JSON_PARSER_ERROR", text) from None


def parser_error(wanted: str) -> SalesforceError:
    """Return the refusal of a JSON value of the wrong kind; where in the body it is, is not computed."""
    # inferred: the wording, after the parser's for dates
    place = "or request may be missing a required field at [line:1, column:1]"
    return SalesforceError(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {wanted} from value {place}")


def as_object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return a JSON object, or refuse as the parser does."""
    if isinstance(value, dict):
        return value
    kind = "complexvalue"
    raise parser_error(kind)


def json_ok(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:  # noqa: ANN401 - any JSON value
    """Return a reply with Salesforce's spelling of the content type."""
    return Reply(status, encode_json(body), JSON_TYPE, headers or {})


def unpacked(request: Request) -> Request:
    """Return the request with its body decompressed.

    Raises:
        SalesforceError: 400; the body is not what `Content-Encoding` says.
    """
    encoding = request.headers.get("content-encoding", "").lower()
    if encoding not in {"gzip", "deflate"} or not request.body:
        return request
    try:
        body = gzip.decompress(request.body) if encoding == "gzip" else zlib.decompress(request.body)
    except (OSError, EOFError, zlib.error):
        raise SalesforceError(400, "INVALID_REQUEST_BODY", f"The body is not {encoding}") from None  # inferred
    return Request(request.method, request.path, request.query_string, request.headers, body)
