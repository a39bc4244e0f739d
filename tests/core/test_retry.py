"""When to repeat a request, and how long to wait."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_etl_core.errors import (
    AuthError,
    RateLimitedError,
    ReverseETLError,
    TransportError,
    UnknownOutcomeError,
)
from reverse_etl_core.retry import RetryPolicy, attempts, backoff_s, is_repeatable

if TYPE_CHECKING:
    from collections.abc import Callable


def uniform(share: float) -> Callable[[float, float], float]:
    """A draw that is always the same share of the range."""
    return lambda low, high: low + share * (high - low)


policies = st.builds(RetryPolicy, st.integers(1, 9), st.floats(0, 5), st.floats(0, 60))


@given(policies, st.integers(1, 60), st.floats(0, 1))
def test_the_wait_is_full_jitter_below_the_cap(policy: RetryPolicy, attempt: int, share: float) -> None:
    """Anything from nothing to the doubled base, never past the cap."""
    wait_s = backoff_s(policy, attempt, TransportError("x"), uniform(share))
    assert 0 <= wait_s <= min(policy.cap_s, policy.base_s * 2 ** (attempt - 1))


@given(policies, st.integers(1, 20), st.floats(0, 100), st.floats(0, 1))
def test_retry_after_is_a_lower_bound(policy: RetryPolicy, attempt: int, asked_s: float, share: float) -> None:
    """Waiting less would only be refused again."""
    error = RateLimitedError("x", retry_after_s=asked_s)
    assert asked_s <= backoff_s(policy, attempt, error, uniform(share)) <= asked_s + policy.cap_s


@pytest.mark.parametrize(
    ("error", "when_idempotent", "otherwise"),
    [
        (RateLimitedError("x"), True, True),
        (TransportError("x"), True, True),
        (UnknownOutcomeError("x"), True, False),
        (AuthError("x"), False, False),
        (ValueError("x"), False, False),
    ],
)
def test_only_what_is_safe_is_repeated(error: BaseException, *, when_idempotent: bool, otherwise: bool) -> None:
    """A request that may have been applied is repeated only where twice is the same as once."""
    assert is_repeatable(error, is_idempotent=True) is when_idempotent
    assert is_repeatable(error, is_idempotent=False) is otherwise


def tries(
    error: ReverseETLError, *, is_idempotent: bool = True, stop: threading.Event | None = None
) -> tuple[int, Any]:
    """How often a request that always fails is sent, and the waits that were told."""
    waits: list[Any] = []
    count = 0
    loop = attempts(
        RetryPolicy(attempts=4, base_s=0),
        is_idempotent=is_idempotent,
        rng=random.Random(1),  # noqa: S311 - jitter, not cryptography
        stop=stop or threading.Event(),
        before_wait=lambda seconds, cause: waits.append((seconds, cause)),
    )
    with pytest.raises(type(error)):  # noqa: PT012 - the loop raises
        for attempt in loop:
            with attempt:
                count += 1
                raise error
    return count, waits


def test_attempts_run_out() -> None:
    """The last error comes out, and each wait was told before."""
    error = TransportError("x")
    assert tries(error) == (4, [(0, error)] * 3)


def test_an_unknown_outcome_of_a_create_is_not_repeated() -> None:
    """G2: a create that may have been applied leaves once."""
    assert tries(UnknownOutcomeError("x"), is_idempotent=False) == (1, [])


def test_nothing_is_repeated_once_asked_to_stop() -> None:
    """The current attempt is the last one."""
    stop = threading.Event()
    stop.set()
    assert tries(TransportError("x"), stop=stop) == (1, [])
