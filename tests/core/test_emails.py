"""The plain pattern says nothing that `email-validator` would not say."""

from __future__ import annotations

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reverse_etl_core.emails import PLAIN_LENGTH, PlainAddresses, is_email

labels = st.one_of(
    st.from_regex(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,3}--?[a-z0-9]{1,3}", fullmatch=True),
    st.from_regex(r"xn-{1,2}[a-z0-9-]{0,6}", fullmatch=True),
    st.text("abcXN-019_", max_size=70),
    st.sampled_from(["localhost", "test", "xn--p1ai", "a" * 63, "b" * 64, "0", "1e1", "127", "home-arpa"]),
)
tops = st.one_of(
    st.text("abcdefghijklmnopqrstuvwxyzABC", max_size=22),
    st.sampled_from([name.rsplit(".", 1)[-1] for name in SPECIAL_USE_DOMAIN_NAMES]).map(str.upper),
    st.sampled_from(
        ["com", "COM", "test", "Local", "arpa", "invalid", "onion", "c0m", "com.", "com\n", "museum", "zz"]
    ),
    labels,
)
locals_ = st.one_of(
    st.text("abzA09_+-.", max_size=66),
    st.from_regex(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*", fullmatch=True),
    st.text(max_size=4),
)
addresses = st.builds(
    lambda local, names, top: f"{local}@{'.'.join([*names, top])}", locals_, st.lists(labels, max_size=4), tops
)


PLAIN = PlainAddresses()


def is_plain(address: str) -> bool:
    """Whether the quick way takes an address without asking."""
    return len(address) <= PLAIN_LENGTH and PLAIN.has(address)


@settings(max_examples=500, deadline=None)
@given(addresses)
@example("a@b.com\n")
@example("a@xn--a.com")
@example("a@1.2.3.com")
@example("-a@b.com")
def test_a_plain_address_is_valid(address: str) -> None:
    """What the pattern takes, `email-validator` takes too."""
    if is_plain(address):
        assert is_email(address), address


@pytest.mark.long
@settings(max_examples=100_000, deadline=None)
@given(addresses)
def test_a_plain_address_is_valid_among_many(address: str) -> None:
    """The same, many times."""
    if is_plain(address):
        assert is_email(address), address


@pytest.mark.parametrize("address", ["ada@example.com", "a.b+c_d-e@mail.example.co.uk", "A1@B2.DE", "x@a-b.museum"])
def test_usual_addresses_are_plain(address: str) -> None:
    """The pattern is not vacuous."""
    assert is_plain(address)
    assert is_email(address)


@pytest.mark.parametrize(
    "address",
    ["", "a", "a@", "@b.com", "a@b", "a b@c.com", "a@b..com", "a@localhost", "a@b.test", "a..b@c.com", "a@-b.com"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """By both."""
    assert not is_plain(address)
    assert not is_email(address)
