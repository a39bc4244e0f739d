"""Whatever is sent, the simulator answers as the vendor would, and its indexes stay true."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from saas_simulators.exchange import Request
from saas_simulators.mailchimp.members import subscriber_hash
from saas_simulators.mailchimp.routes import routes
from saas_simulators.simulation import Simulation

HEADERS = {"authorization": "Bearer x"}
KEYS = [
    *["members", "email_address", "status", "status_if_new", "merge_fields", "tags", "name", "interests", "type"],
    *["title", "static_segment", "members_to_add", "operations", "method", "path", "body", "LTV", "FNAME", "tag"],
    *["vip", "location", "latitude", "timestamp_opt", "marketing_permissions", "options", "update_existing"],
]
VALUES = [
    *[
        None,
        True,
        -1,
        1.5,
        10**400,
        "",
        "x",
        "1",
        "9" * 5000,
        "a@b.example",
        "A@B.example",
        "c@d.example",
        "\ud800@x.y",
    ],
    *["subscribed", "unsubscribed", "pending", "cleaned", "active", "number", "checkboxes", "POST", "/lists", "{}"],
]
JSON = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=14,
)
MEMBER = st.fixed_dictionaries(
    {
        "email_address": st.sampled_from(["a@b.example", "A@B.example", "c@d.example", "e@f.example"]),
        "status": st.sampled_from(["subscribed", "unsubscribed", "pending", "cleaned", "transactional"]),
    },
    optional={"tags": st.lists(st.sampled_from(["x", "X", "y"]), max_size=2), "vip": st.booleans()},
)
ADDRESSES = ["a%40b.example", "c%40d.example", "e%40f.example", "x"]
WRITES = [one for one in routes() if "/members" in one.template or one.template.endswith("{list_id}")]
simulation = Simulation()


def send(route: Any, word: str, query: str, body: Any) -> None:
    """Send one request to a route, and look at the answer."""
    path = route.template.replace("{list_id}", "demo0000aa")
    for parameter in ("member", "merge_id", "segment_id", "category_id", "interest_id", "batch_id"):
        path = path.replace("{" + parameter + "}", word)
    request = Request(route.method, path, query, HEADERS, json.dumps(body).encode())
    reply = simulation.deliver(request).reply
    assert reply is not None
    assert reply.status in {200, 204, 301, 400, 404, 405, 429}
    if reply.status >= 400:
        assert {"title", "status", "detail", "instance"} <= set(json.loads(reply.body))
    elif reply.status == 200:
        json.loads(reply.body)


def assert_consistent() -> None:
    """Assert that hashes, contacts, tags and segments of all audiences agree."""
    for audience in simulation.mailchimp.account.audiences.values():
        for key, member in audience.members.items():
            assert key == member.key == subscriber_hash(member.email)
            assert audience.find(member.contact_id) is member
            assert all(member.contact_id in audience.segments[number].members for number in member.tags)
        assert not audience.forgotten & set(audience.members)
        assert len(audience._contacts) == len(audience.members)
        for segment in audience.segments.values():
            assert all(segment.id in audience._contacts[contact].tags for contact in segment.members)


@given(
    route=st.sampled_from(routes()),
    word=st.sampled_from([*ADDRESSES, "1", "2", "400000002"]),
    query=st.sampled_from(
        [
            *["", "count=0", "count=x", "offset=99", "fields=,", "exclude_fields=members.id"],
            *["skip_merge_validation=true", "since_last_changed=x", "sort_field=last_changed"],
            *["interest_ids=x&interest_match=all", "unique_email_id=x", "status=archived"],
        ]
    ),
    body=JSON,
)
@settings(max_examples=500, deadline=None, derandomize=True)
def test_every_request_gets_an_answer(route: Any, word: str, query: str, body: Any) -> None:
    """No body, query or path makes the simulator fail; refusals are problem documents."""
    send(route, word, query, body)
    assert_consistent()


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(
                [one for one in routes() if "/members" in one.template or one.template.endswith("list_id}")]
            ),
            st.sampled_from(ADDRESSES),
            MEMBER,
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_indexes_stay_true(steps: list[tuple[Any, str, dict[str, Any]]]) -> None:
    """After any row of writes every index leads to its contact, and a saved state is the same."""
    simulation.reset()
    for route, word, member in steps:
        body = member if "/members" in route.template else {"members": [member, member], "update_existing": True}
        send(route, word, "", body)
    assert_consistent()
    saved = json.loads(json.dumps(simulation.mailchimp.dump()))
    other = Simulation()
    other.mailchimp.load(saved)
    assert other.mailchimp.dump() == saved
