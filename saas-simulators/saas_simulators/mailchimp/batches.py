"""Batch operations: many requests in one, answered later by a file."""

from __future__ import annotations

import io
import json
import secrets
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from saas_simulators.exchange import Reply, Request, encode_json
from saas_simulators.mailchimp.calls import Call, answer, links, no_content, page
from saas_simulators.mailchimp.errors import MailchimpError, missing, not_found, problem, wrong_type

if TYPE_CHECKING:
    from saas_simulators.mailchimp.state import Account

RESULTS = "/mailchimp-batch-results/"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LINK_LIFETIME_S = 600  # source: Mailchimp docs "Run async requests with batch endpoint": ten minutes
OPEN = ("pending", "started")
# source: tap-mailchimp, jethro-pmm: finished may be seen before the link. inferred: one step with each look at it
STEPS = ("pending", "started", "finished", "finished")


@dataclass(slots=True)
class Operations:
    """One batch; its operations are done at once, and only the news of them is late."""

    id: str
    submitted: str
    results: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0
    links: dict[str, float] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """How far it seems to be."""
        return STEPS[min(self.looks, len(STEPS) - 1)]


def create(call: Call) -> Reply:
    """Start a batch."""
    account = call.account
    given = call.object_body().get("operations")
    if given is None:
        raise missing(["operations"])
    if not isinstance(given, list):
        raise wrong_type(given, "array", "operations")
    if account.limits.is_over("open_batches", 1 + sum(one.status in OPEN for one in account.batches.values())):
        # inferred: the body; the limit is documented
        raise MailchimpError(429, "Too Many Requests", "You have more than 500 pending batches.")
    requests = [_request(one, f"operations.item:{position}") for position, one in enumerate(given)]
    made = Operations(secrets.token_hex(5), account.moment())
    made.results = [_result(account, operation_id, request) for operation_id, request in requests]
    account.batches[made.id] = made
    return answer(call, _shown(call, made, None), "Batches/Instance")


def get(call: Call) -> Reply:
    """Return how far a batch is; a fresh link to the results with each look at a finished one."""
    one = _find(call)
    one.looks += 1
    return answer(call, _shown(call, one, _link(call, one)), "Batches/Instance")


def listing(call: Call) -> Reply:
    """Return one page of batches, without moving them on."""
    found = list(call.account.batches.values())
    body = {
        "batches": [_shown(call, one, None) for one in page(call, found)],
        "total_items": len(found),
        "_links": links("/batches", ("create", "", "POST")),
    }
    return answer(call, body, "Batches/Collection")


def remove(call: Call) -> Reply:
    """Stop and forget a batch; what was done stays done (inferred)."""
    del call.account.batches[_find(call).id]
    return no_content()


def download(account: Account, path: str) -> Reply:
    """Return the file of results that a link names; no credential is asked for."""
    batch_id, _, rest = path.removeprefix(RESULTS).partition("-")
    one = account.batches.get(batch_id)
    expiry = one.links.get(rest.removesuffix(".tar.gz"), 0.0) if one else 0.0
    if one is None or account.clock() > expiry:
        # inferred: the storage behind the link answers so
        text = b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>'
        return Reply(403, text, "application/xml")
    return Reply(200, archive(one), "application/gzip")


def archive(one: Operations) -> bytes:
    """Return the results as real files hold them: a `.` entry, an empty file, and results in no certain order."""
    # source: jethro-pmm#870, #982 (`.` and empty files), tap-mailchimp; inferred: reversed stands for any order
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        folder = tarfile.TarInfo(".")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        half = (len(one.results) + 1) // 2
        for number, part in enumerate(([], one.results[half:][::-1], one.results[:half][::-1])):
            content = encode_json(part) if number else b""
            entry = tarfile.TarInfo(f"./{one.id}-{number}.json")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return raw.getvalue()


def _find(call: Call) -> Operations:
    found = call.account.batches.get(call.parameters["batch_id"])
    if found is None:
        raise not_found()
    return found


def _link(call: Call, one: Operations) -> str | None:
    if one.looks < len(STEPS) - 1:
        return None
    token = secrets.token_hex(8)
    one.links[token] = call.account.clock() + LINK_LIFETIME_S
    host = call.request.headers.get("host", "127.0.0.1")
    return f"http://{host}{RESULTS}{one.id}-{token}.tar.gz"


def _shown(call: Call, one: Operations, link: str | None) -> dict[str, Any]:
    # source: quoted 2016 (all counters are 0 while pending)
    is_finished = one.status == "finished"
    failed = sum(result["status_code"] >= 400 for result in one.results)  # noqa: PLR2004 - HTTP
    return {
        "id": one.id,
        "status": one.status,
        "total_operations": len(one.results) if one.looks else 0,
        "finished_operations": len(one.results) if is_finished else 0,
        "errored_operations": failed if is_finished else 0,
        "submitted_at": one.submitted,
        "completed_at": call.account.moment() if is_finished else "",
        "response_body_url": link or "",
        "_links": links(f"/batches/{one.id}", ("delete", "", "DELETE")),
    }


def _request(given: Any, place: str) -> tuple[str | None, Request]:  # noqa: ANN401 - any JSON value
    """Return an operation as a request of its own."""
    if not isinstance(given, dict):
        raise wrong_type(given, "object", place)
    method, path, body = given.get("method"), given.get("path"), given.get("body", "")
    if method not in METHODS:
        raise problem(field=f"{place}.method", message=f"Value must be one of: {', '.join(METHODS)}")
    for name, value in (("path", path), ("body", body)):
        if not isinstance(value, str):
            raise wrong_type(value, "string", f"{place}.{name}")
    parameters = given.get("params") or {}
    if not isinstance(parameters, dict):
        raise wrong_type(parameters, "object", f"{place}.params")
    full_path = "/3.0/" + str(path).lstrip("/").removeprefix("3.0/")
    return given.get("operation_id"), Request(str(method), full_path, urlencode(parameters), {}, str(body).encode())


def _result(account: Account, operation_id: str | None, request: Request) -> dict[str, Any]:
    """Do one operation; its answer is JSON inside JSON, without an `instance`."""
    reply = account.perform(request)
    text = reply.body.decode()
    if reply.status >= 400:  # noqa: PLR2004 - HTTP
        text = json.dumps({**json.loads(text), "instance": ""})
    return {"status_code": reply.status, "operation_id": operation_id, "response": text}
