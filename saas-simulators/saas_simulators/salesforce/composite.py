"""Up to 25 requests in one call, which may refer to the answers of those before."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, Request, encode_json
from saas_simulators.salesforce.calls import Call, as_object, json_ok, parser_error
from saas_simulators.salesforce.errors import SalesforceError, not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.routing import Match
    from saas_simulators.salesforce.calls import Action

MAX_REQUESTS = 25  # source: RESTPDF "Composite"
MAX_HEAVY = 5  # source: RESTPDF: queries and collections among them
# source: RESTPDF "Composite", allOrNone
HALTED = {
    "errorCode": "PROCESSING_HALTED",
    "message": "The transaction was rolled back since another operation in the same transaction failed.",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")


class Composite:
    """Runs the requests of one call; `find` is the route table, so that every path works that works alone."""

    def __init__(self, find: Callable[[Request], Match[Action] | None]) -> None:
        self._find = find

    def __call__(self, call: Call) -> Reply:
        """`POST /composite`."""
        body = as_object(call.body)
        requests = body.get("compositeRequest")
        if not isinstance(requests, list) or not all(isinstance(one, dict) for one in requests):
            wanted = "compositeRequest"
            raise parser_error(wanted)
        _check(requests)
        answers: list[dict[str, Any]] = []

        def is_kept() -> bool:
            return body.get("allOrNone") is not True or not any(map(_has_failed, answers))

        with call.org.changes.together(is_kept):
            for one in requests:
                answers.append(self._answer(call, one, answers))
        if not is_kept():
            answers = [answer if _has_failed(answer) else _halted(answer) for answer in answers]
        return json_ok({"compositeResponse": answers})

    def _answer(self, call: Call, one: dict[str, Any], answers: list[dict[str, Any]]) -> dict[str, Any]:
        known = {answer["referenceId"]: answer for answer in answers}
        try:
            given = {name: _filled(one.get(name), known) for name in ("url", "body")}
            reply = self._sent(call, str(one.get("method", "")).upper(), given, one.get("httpHeaders") or {})
        except SalesforceError as error:
            reply = error.reply()
        headers = {name: value for name, value in reply.headers.items() if name == "Location"}
        return {
            "body": json.loads(reply.body) if reply.body else None,
            "httpHeaders": headers,
            "httpStatusCode": reply.status,
            "referenceId": one["referenceId"],
        }

    def _sent(self, call: Call, method: str, given: dict[str, Any], headers: dict[str, str]) -> Reply:
        path, _, query = str(given["url"]).partition("?")
        sent = b"" if given["body"] is None else encode_json(given["body"])
        lower = {name.lower(): str(value) for name, value in headers.items()}
        request = Request(method, path, query, {**call.request.headers, **lower}, sent)
        match = self._find(request)
        if match is None or path.rstrip("/").endswith("/composite"):
            raise not_found()
        return match.route.action(Call(call.org, request, match.parameters))


def _check(requests: list[dict[str, Any]]) -> None:
    """Refuse too many requests, and names that are missing or not unique."""
    # inferred: the texts; the numbers are documented
    if len(requests) > MAX_REQUESTS:
        text = f"Limit for the maximum number of subrequests is {MAX_REQUESTS}"
        raise SalesforceError(400, "LIMIT_EXCEEDED", text)
    heavy = [one for one in requests if re.search(r"/(query|queryAll|composite/sobjects)\b", str(one.get("url")))]
    if len(heavy) > MAX_HEAVY:
        text = f"Limit for the maximum number of query and collections subrequests is {MAX_HEAVY}"
        raise SalesforceError(400, "LIMIT_EXCEEDED", text)
    names = [one.get("referenceId") for one in requests]
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or names.count(name) > 1:
            # source: guardian/support-service-lambdas#1512, wording; inferred: the same for a name that is not unique
            rule = (
                "must start with a letter or a number, and it can contain only letters, numbers and underscores ('_')"
            )
            raise SalesforceError(400, "INVALID_INPUT", f"Provided referenceId ('{name}') {rule}.")


def _filled(value: Any, known: dict[str, dict[str, Any]]) -> Any:  # noqa: ANN401 - any JSON value
    """Put the answers in for `@{name.field}`."""
    if isinstance(value, dict):
        return {name: _filled(one, known) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    if not isinstance(value, str) or "@{" not in value:
        return value
    if whole := _REFERENCE.fullmatch(value):
        return _looked_up(whole, known)
    return _REFERENCE.sub(lambda match: str(_looked_up(match, known)), value)


def _looked_up(match: re.Match[str], known: dict[str, dict[str, Any]]) -> Any:  # noqa: ANN401 - any JSON value
    answer = known.get(match[1])
    found = answer["body"] if answer else None
    for step in re.findall(r"\w+", match[2]):
        if isinstance(found, list):
            found = found[int(step)] if step.isdigit() and int(step) < len(found) else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    if found is None or (answer and _has_failed(answer)):
        # source: RESTPDF "Composite": a request whose reference cannot be filled in is not run; inferred: the text
        text = f"Invalid reference specified. No value for {match[0]} found in {match[1]}"
        raise SalesforceError(400, "PROCESSING_HALTED", text)
    return found


def _has_failed(answer: dict[str, Any]) -> bool:
    return bool(answer["httpStatusCode"] >= 300)  # noqa: PLR2004 - several choices are no success either


def _halted(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "body": [HALTED], "httpHeaders": {}, "httpStatusCode": 400}
