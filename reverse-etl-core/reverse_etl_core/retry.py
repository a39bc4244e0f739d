"""When to repeat a request, and how long to wait: full jitter, `Retry-After`, give up.

`tenacity` runs the attempts; this module decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import tenacity

from reverse_etl_core.errors import RateLimitedError, RetryableError, UnknownOutcomeError

if TYPE_CHECKING:
    import random
    import threading
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently.

    Attributes:
        attempts: Requests in all, the first one included.
        base_s: Upper bound of the first wait; it doubles with each attempt.
        cap_s: Upper bound of any wait that the destination did not ask for.
    """

    attempts: int = 9
    base_s: float = 0.5
    cap_s: float = 30.0


def backoff_s(
    policy: RetryPolicy, attempt: int, error: BaseException | None, uniform: Callable[[float, float], float]
) -> float:
    """Seconds to wait after the `attempt`-th request failed, counted from 1.

    Full jitter spreads the repeats of many workers evenly
    (source: AWS Architecture Blog, "Exponential Backoff And Jitter", 2015). What the destination asks for
    is a lower bound: waiting less would only be refused again.

    >>> backoff_s(RetryPolicy(base_s=1, cap_s=30), 3, None, lambda low, high: high)
    4
    >>> backoff_s(RetryPolicy(), 1, RateLimitedError("slow down", retry_after_s=10), lambda low, high: low)
    10
    """
    jittered_s = uniform(0, min(policy.cap_s, policy.base_s * 2 ** (attempt - 1)))
    if isinstance(error, RateLimitedError) and error.retry_after_s is not None:
        return error.retry_after_s + jittered_s
    return jittered_s


def is_repeatable(error: BaseException, *, is_idempotent: bool) -> bool:
    """Whether the same request may be sent again after this error.

    A request that may have been applied is repeated only where applying it twice is the same as once.
    """
    if isinstance(error, UnknownOutcomeError):
        return is_idempotent
    return isinstance(error, RetryableError)


def attempts(
    policy: RetryPolicy,
    *,
    is_idempotent: bool,
    rng: random.Random,
    stop: threading.Event,
    before_wait: Callable[[float, BaseException | None], None],
) -> tenacity.Retrying:
    """A loop of attempts for one request, for `for attempt in ...: with attempt: ...`.

    Args:
        policy: How often and how patiently.
        is_idempotent: Whether the request may be repeated after an unknown outcome.
        rng: Source of the jitter.
        stop: Set when the run is asked to stop: the current attempt is then the last one.
        before_wait: Told the seconds and the error before each wait.
    """

    def wait(state: tenacity.RetryCallState) -> float:
        return backoff_s(policy, state.attempt_number, _error(state), rng.uniform)

    def tell(state: tenacity.RetryCallState) -> None:
        before_wait(state.upcoming_sleep, _error(state))

    return tenacity.Retrying(
        stop=tenacity.stop_any(tenacity.stop_after_attempt(policy.attempts), tenacity.stop_when_event_set(stop)),
        wait=wait,
        retry=tenacity.retry_if_exception(lambda error: is_repeatable(error, is_idempotent=is_idempotent)),
        sleep=tenacity.sleep_using_event(stop),
        before_sleep=tell,
        reraise=True,
    )


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
