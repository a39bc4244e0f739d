"""A receiver as core's destination: one POST a record."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from reverse_etl_core.destination import Destination
from reverse_etl_core.errors import FatalError
from reverse_etl_core.ratelimit import RateLimiter
from reverse_etl_core.transport import Transport
from target_webhook import errors, limits, objects, wire
from target_webhook.auth import FixedToken

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from reverse_etl_core.errors import ReverseETLError
    from reverse_etl_core.operations import Batch, Current, Outcome
    from reverse_etl_core.ratelimit import LimitReading
    from reverse_etl_core.retry import RetryPolicy
    from reverse_etl_core.schema import ObjectSchema
    from reverse_etl_core.traffic import Traffic
    from reverse_etl_core.transport import Reply, Request
    from target_webhook.config import WebhookConfig

TIMEOUT_S = (10.0, 60.0)
"""To connect, and between two bytes of an answer."""


class WebhookDialect:
    """What the replies mean."""

    def failure(self, request: Request, reply: Reply) -> ReverseETLError | None:
        """The error that a reply amounts to."""
        return errors.failure(request, reply)

    def limits(self, request: Request, reply: Reply) -> LimitReading:
        """What the headers say."""
        del request
        return limits.reading(reply.headers)


class WebhookDestination(Destination):
    """One receiver.

    Args:
        send: Sends a request with credentials.
        config: The target's own settings.
    """

    rate = limits.RATES["default"]

    def __init__(self, send: Callable[[Request], Reply], config: WebhookConfig) -> None:
        self._send = send
        self._config = config

    def account(self) -> str:
        """The receiver's address, once it took the token: it has no id of its own."""
        self._send(wire.build_check(self._config.check_path))
        return self._config.api_url

    def describe(self, object_name: str) -> ObjectSchema:
        """The object as the settings have it.

        Raises:
            ConfigError: They do not have it; the message names those that there are.
        """
        endpoint = self._config.objects.get(object_name)
        if endpoint is None:
            raise objects.no_such_object(object_name, self._config.objects)
        return objects.object_schema(endpoint)

    def read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str] = ()
    ) -> Mapping[str, Sequence[Current]]:
        """Never: a receiver cannot be asked what it has. Settings that would need it are refused before.

        Raises:
            FatalError: Always.
        """
        del schema, key_field, keys, fields
        msg = "A webhook cannot be read, so nobody knows what it holds."
        raise FatalError(msg)

    def write(self, batch: Batch) -> list[Outcome]:
        """Post one record, or several one by one."""
        endpoint = self._config.objects[batch.schema.name]
        outcomes: list[Outcome] = []
        for operation in batch.operations:
            reply = self._send(wire.build_post(endpoint, operation))
            outcomes.append(wire.parse_post(endpoint, operation, reply.status))
        return outcomes


def connect(
    config: WebhookConfig,
    *,
    stop: threading.Event,
    traffic: Traffic,
    daily_quota_percent: float,
    policy: RetryPolicy | None,
    timeout_s: tuple[float, float],
    clock: Callable[[], float],
) -> WebhookDestination:
    """Prepare a receiver; nothing is sent yet.

    Args:
        config: The target's own settings.
        stop: Set when the run is asked to stop.
        traffic: Where requests are counted.
        daily_quota_percent: Share of a daily quota that may be used.
        policy: How often to repeat; core's default where it is not given.
        timeout_s: To connect, and between two bytes of an answer.
        clock: Seconds, monotonic.
    """
    limiter = RateLimiter(limits.RATES, clock=clock, sleep=stop.wait)
    transport = Transport(
        config.api_url,
        dialect=WebhookDialect(),
        limiter=limiter,
        credentials=FixedToken(config.access_token),
        traffic=traffic,
        user_agent=f"target-webhook/{metadata.version('target-webhook')}",
        stop=stop,
        daily_quota_percent=daily_quota_percent,
        policy=policy,
        timeout_s=timeout_s,
        clock=clock,
    )
    destination = WebhookDestination(transport.send, config)
    destination.limiter = limiter
    return destination
