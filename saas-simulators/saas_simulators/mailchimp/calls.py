"""One call on its way through the simulator, and what every verb reads or answers the same way."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, Request, decode_json, encode_json
from saas_simulators.mailchimp.errors import API, JSON_TYPE, bad_json, not_found, problem, wrong_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saas_simulators.mailchimp.audience import Audience
    from saas_simulators.mailchimp.members import Member
    from saas_simulators.mailchimp.state import Account

# source: Mailchimp docs "Methods and parameters", pagination
DEFAULT_COUNT = 10
MAX_COUNT = 1000


@dataclass(slots=True)
class Call:
    """A request that found its route; `body` is parsed before the account's lock is taken."""

    account: Account
    request: Request
    parameters: dict[str, str]
    body: Any = None

    @property
    def audience(self) -> Audience:
        """The audience that the path names."""
        return self.account.audience(self.parameters["list_id"])

    @property
    def member(self) -> Member:
        """The contact that the path names, archived or not."""
        found = self.audience.find(self.parameters["member"])
        if found is None:
            raise not_found()
        return found

    @property
    def address(self) -> str:
        """The IP address that a write is remembered with."""
        return "127.0.0.1"

    def option(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        return self.request.query.get(name, [default])[-1]

    def flag(self, name: str) -> bool:
        """Return whether a query parameter says `true`."""
        return self.option(name).lower() in {"true", "1"}

    def number(self, name: str, default: int) -> int:
        """Return a query parameter as a number that is not negative."""
        text = self.option(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise problem(name, "Schema describes integer, string found instead")  # inferred: for the query
        return int(text)

    def object_body(self) -> dict[str, Any]:
        """Return the body as an object."""
        if not isinstance(self.body, dict):
            raise wrong_type(self.body, "object", "")
        return self.body


Action = Callable[[Call], Reply]


def parse_body(request: Request) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON body; an empty one is an empty object.

    Raises:
        MailchimpError: 400; the body is not JSON.
    """
    if not request.body or request.method in {"GET", "DELETE"}:
        return {}
    try:
        return decode_json(request.body)
    except (ValueError, RecursionError):
        raise bad_json() from None


def answer(call: Call, body: dict[str, Any], schema: str = "Lists/Instance") -> Reply:
    """Return a 200 with the parts of the body that `fields` and `exclude_fields` ask for."""
    if call.request.query_string:
        body = _chosen(call, body)
    return raw_answer(encode_json(body), schema)


def raw_answer(body: bytes, schema: str) -> Reply:
    """Return a 200 with a body that is JSON already."""
    # source: recordings grouparoo 2021, dominicsayers 2016 (Link)
    return Reply(200, body, JSON_TYPE, {"Link": f'<{API}/schema/3.0/{schema}.json>; rel="describedBy"'})


def no_content() -> Reply:
    """Return a 204, which keeps the content type of a 200."""
    # source: recordings grouparoo 2021
    return Reply(204, headers={"Content-Type": JSON_TYPE})


def page(call: Call, items: Sequence[Any]) -> Sequence[Any]:
    """Return the items from `offset` on, at most `count`; more than 1,000 are never sent."""
    offset = call.number("offset", 0)
    return items[offset : offset + min(call.number("count", DEFAULT_COUNT), MAX_COUNT)]


def wants_parts(call: Call) -> bool:
    """Whether the client wants only parts of the answer."""
    return "fields=" in call.request.query_string  # `exclude_fields=` too


def links(path: str, *relations: tuple[str, str, str]) -> list[dict[str, str]]:
    """Return `_links`: one of `self`, then relations with suffix and method."""
    base = f"{API}/3.0{path}"
    shown = [{"rel": "self", "href": base, "method": "GET"}]
    return shown + [
        {"rel": relation, "href": f"{base}{suffix}", "method": method} for relation, suffix, method in relations
    ]


def names(text: str) -> list[list[str]]:
    """Return the dotted paths of a comma-separated list.

    >>> names("lists.id,total_items")
    [['lists', 'id'], ['total_items']]
    """
    return [part.strip().split(".") for part in text.split(",") if part.strip()]


def _chosen(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    if wanted := names(call.option("fields")):
        body = _only(body, wanted)
    if unwanted := names(call.option("exclude_fields")):
        body = _without(body, unwanted)
    return body


def _only(value: Any, paths: list[list[str]]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return [_only(one, paths) for one in value]
    if not isinstance(value, dict):
        return value
    shown = {}
    for name, inner in value.items():
        below = [path[1:] for path in paths if path[0] == name]
        if below:
            shown[name] = inner if [] in below else _only(inner, below)
    return shown


def _without(value: Any, paths: list[list[str]]) -> Any:  # noqa: ANN401 - any JSON value
    # source: recording grouparoo 2021: a bare name does not reach into the items of a collection
    if isinstance(value, list):
        return [_without(one, paths) for one in value]
    if not isinstance(value, dict):
        return value
    shown = {}
    for name, inner in value.items():
        below = [path[1:] for path in paths if path[0] == name]
        if [] not in below:
            shown[name] = _without(inner, below) if below else inner
    return shown
