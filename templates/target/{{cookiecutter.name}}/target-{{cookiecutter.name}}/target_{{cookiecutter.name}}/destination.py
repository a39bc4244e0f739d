"""{{cookiecutter.title}} as core's destination: the endpoints, over the transport."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

from reverse_etl_core.destination import Destination
from reverse_etl_core.errors import ConfigError
from reverse_etl_core.ratelimit import RateLimiter
from reverse_etl_core.transport import Transport
from target_{{cookiecutter.name}} import errors, limits, objects, wire
from target_{{cookiecutter.name}}.auth import FixedToken

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
    from target_{{cookiecutter.name}}.config import {{cookiecutter.class_name}}Config

# Skeleton: to connect, and between two bytes of an answer. Yours: longer than the vendor's slowest answer, which
# is often stated as the time-out of its gateway.
TIMEOUT_S = (10.0, 60.0)


class {{cookiecutter.class_name}}Dialect:
    """What the replies mean."""

    def failure(self, request: Request, reply: Reply) -> ReverseETLError | None:
        """The error that a reply amounts to."""
        return errors.failure(request, reply)

    def limits(self, request: Request, reply: Reply) -> LimitReading:
        """What the headers say."""
        del request
        return limits.reading(reply.headers)


class {{cookiecutter.class_name}}Destination(Destination):
    """One account.

    Args:
        send: Sends a request with credentials.
    """

    rate = limits.RATES["default"]

    def __init__(self, send: Callable[[Request], Reply]) -> None:
        self._send = send

    def account(self) -> str:
        """The account's id.

        Raises:
            ConfigError: Whoever answers is not {{cookiecutter.title}}.
        """
        account_id = self._json(wire.account()).get("id")
        if not account_id:
            msg = "The answer names no account, so it is not one of {{cookiecutter.title}}'s. Check 'api_url'."
            raise ConfigError(msg)
        return str(account_id)

    def describe(self, object_name: str) -> ObjectSchema:
        """The live fields of an object.

        Raises:
            ConfigError: There is no such object; the message names those that there are.
        """
        try:
            return objects.object_schema(self._json(wire.description(object_name)))
        except errors.UnknownObjectError:
            known = self._json(wire.objects()).get("objects")
            raise objects.no_such_object(object_name, known if isinstance(known, list) else []) from None

    def read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str] = ()
    ) -> Mapping[str, Sequence[Current]]:
        """Read by id or by a unique field, page by page; archived records are not found."""
        key_field = key_field or objects.ID_FIELD
        found: dict[str, list[Current]] = {}
        cursor: str | None = None
        while True:
            body = self._json(wire.build_search(schema, key_field, keys, cursor))
            page, cursor = wire.parse_search(schema, key_field, keys, body, fields)
            for key, records in page.items():
                found.setdefault(key, []).extend(records)
            if cursor is None:
                return found

    def write(self, batch: Batch) -> list[Outcome]:
        """Send one batch of creates, updates or removals."""
        return wire.parse_write(batch, self._json(wire.build_write(batch)))

    def _json(self, request: Request) -> Mapping[str, Any]:
        body: Mapping[str, Any] = self._send(request).json()
        return body


def connect(
    config: {{cookiecutter.class_name}}Config,
    *,
    stop: threading.Event,
    traffic: Traffic,
    daily_quota_percent: float,
    policy: RetryPolicy | None,
    timeout_s: tuple[float, float],
    clock: Callable[[], float],
) -> {{cookiecutter.class_name}}Destination:
    """Prepare an account; nothing is sent yet.

    Args:
        config: The target's own settings.
        stop: Set when the run is asked to stop.
        traffic: Where requests are counted.
        daily_quota_percent: Share of the daily quota that may be used.
        policy: How often to repeat; core's default where it is not given.
        timeout_s: To connect, and between two bytes of an answer.
        clock: Seconds, monotonic.
    """
    limiter = RateLimiter(limits.RATES, clock=clock, sleep=stop.wait)
    transport = Transport(
        config.api_url,
        dialect={{cookiecutter.class_name}}Dialect(),
        limiter=limiter,
        credentials=FixedToken(config.access_token),
        traffic=traffic,
        user_agent=f"target-{{cookiecutter.name}}/{metadata.version('target-{{cookiecutter.name}}')}",
        stop=stop,
        daily_quota_percent=daily_quota_percent,
        policy=policy,
        timeout_s=timeout_s,
        clock=clock,
    )
    destination = {{cookiecutter.class_name}}Destination(transport.send)
    destination.limiter = limiter
    return destination
