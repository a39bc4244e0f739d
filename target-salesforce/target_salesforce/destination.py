"""Salesforce as core's destination: the endpoints, over the transport."""

from __future__ import annotations

import functools
import logging
import random
import re
import threading
from importlib import metadata
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reverse_etl_core.destination import Destination, Jobs
from reverse_etl_core.errors import AuthError, ConfigError, FatalError, ReverseETLError, UnknownOutcomeError
from reverse_etl_core.operations import RejectCode, Rejected, Unanswered, Unattempted, Verb
from reverse_etl_core.ratelimit import RateLimiter
from reverse_etl_core.recovery import Recovery
from reverse_etl_core.transport import Reply, Request, Transport
from target_salesforce import auth, errors, limits, objects, reading, soql, verdicts, wire
from target_salesforce.bulk import BulkJobs
from target_salesforce.codes import TABLE
from target_salesforce.config import RULES
from target_salesforce.contention import BACKOFF, Contention
from target_salesforce.hard_delete import HardDelete
from target_salesforce.verdicts import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from reverse_etl_core.operations import Batch, Current, Operation, Outcome
    from reverse_etl_core.ratelimit import LimitReading
    from reverse_etl_core.retry import RetryPolicy
    from reverse_etl_core.schema import JobLimits, ObjectSchema, Reference
    from reverse_etl_core.traffic import Traffic
    from target_salesforce.config import SalesforceConfig
    from target_salesforce.objects import SObject

logger = logging.getLogger(__name__)

TIMEOUT_S = (10.0, 120.0)
"""To connect, and between two bytes of an answer. A collection of 200 with triggers takes many seconds; Salesforce ends
a call after ten minutes (source: Salesforce Developer Limits, "API Requests Limits")."""

EXAMINED_PER_RUN = 250
"""Records whose duplicates are named, at a request for 25 of them. Whoever has more of them looks at the rule."""

_NAME = re.compile(r"[A-Za-z]\w{0,120}", re.ASCII)
_ORGANIZATION = "SELECT Id FROM Organization"
# source: Object Reference, UserPermissionAccess (v41.0 and later): what the current user may do, which users without
# "View Setup and Configuration" may ask too
_HARD_DELETE = "SELECT PermissionsBulkApiHardDelete FROM UserPermissionAccess"


class SalesforceDialect:
    """What Salesforce's replies mean."""

    def failure(self, request: Request, reply: Reply) -> ReverseETLError | None:
        """The error that a reply amounts to."""
        return errors.failure(request, reply)

    def limits(self, request: Request, reply: Reply) -> LimitReading:
        """What the headers say."""
        del request
        return limits.reading(reply.headers)


class SalesforceDestination(Destination):
    """One org.

    Args:
        send: Sends a request with credentials.
        api_version: Of the paths.
        headers: With which records are written.
        contention: Repeats what was refused because of others.
        job_limits: When bulk jobs pay; `None` where there are none.
        without_jobs: Objects for which they are not used all the same.
        deletes_for_good: Whether a stream removes records so that nobody can bring them back.

    Attributes:
        hard_delete: Deletes for good; like `jobs` it is set once there is a destination, which describes objects to it.
    """

    hard_delete: HardDelete

    def __init__(
        self,
        send: Callable[[Request], Reply],
        api_version: str,
        *,
        headers: Mapping[str, str],
        contention: Contention,
        job_limits: JobLimits | None = None,
        jobs: Jobs | None = None,
        without_jobs: AbstractSet[str] = frozenset(),
        deletes_for_good: bool = False,
    ) -> None:
        self.jobs = jobs
        self._send = send
        self._paths = wire.Paths(api_version)
        self._headers = headers
        self._contention = contention
        self._job_limits = job_limits
        self._without_jobs = without_jobs
        self._deletes_for_good = deletes_for_good
        self._lock = threading.Lock()
        self._sobjects: dict[str, SObject] = {}
        self._examined = 0
        self._end: ReverseETLError | None = None

    def account(self) -> str:
        """The org's id.

        Raises:
            AuthError: Records are to be deleted for good, and the user may not.
            ConfigError: Whoever answers is not Salesforce.
        """
        try:
            found = soql.rows(self._query(_ORGANIZATION).json())
        except errors.NotFoundError as error:
            raise ConfigError(str(error)) from None
        org_id = found[0].get("Id") if found else None
        if not isinstance(org_id, str) or not org_id:
            msg = "The answer names no organization, so it is not one of Salesforce's. Check the address of the org."
            raise ConfigError(msg)
        if self._deletes_for_good and self._may_delete_for_good() is False:
            raise AuthError(TABLE["NO_HARD_DELETE"].sentence)
        return org_id

    def _may_delete_for_good(self) -> bool | None:
        """Whether the user has the permission; `None` where Salesforce does not say, and the job has to."""
        try:
            found = soql.rows(self._query(_HARD_DELETE).json())
        except (ConfigError, FatalError) as error:  # one that ends the run is met again by the next request
            logger.info("Salesforce does not say whether records may be deleted for good: %s", error)
            return None
        allowed = found[0].get("PermissionsBulkApiHardDelete") if found else None
        return allowed if isinstance(allowed, bool) else None

    # -- what there is

    def describe(self, object_name: str) -> ObjectSchema:
        """The live fields of a standard or custom object, whatever the case of its name.

        Raises:
            ConfigError: There is no such object; the message names those that are spelt like it.
        """
        return self.sobject(object_name).schema

    def sobject(self, object_name: str) -> SObject:
        """An object with what only Salesforce needs to know of it; asked for once per run."""
        key = object_name.strip().lower()
        with self._lock:
            known = self._sobjects.get(key)
        if known is None:
            found = self._description(object_name.strip())
            known = objects.sobject(found, jobs=None if found["name"] in self._without_jobs else self._job_limits)
            with self._lock:
                self._sobjects[key] = self._sobjects[known.schema.name.lower()] = known
        return known

    def _description(self, object_name: str) -> Mapping[str, Any]:
        if _NAME.fullmatch(object_name):
            try:
                reply = self._send(Request("GET", self._paths.describe(object_name))).json()
            except (errors.NotFoundError, errors.UnknownObjectError):
                pass
            else:
                if isinstance(reply, dict) and reply.get("name"):
                    return reply
        raise objects.no_such_object(object_name, self._send(Request("GET", self._paths.objects())).json())

    # -- reading

    def read(
        self,
        schema: ObjectSchema,
        key_field: str | None,
        keys: Sequence[str],
        fields: Sequence[str] = (),
        *,
        references: Mapping[str, Reference] = MappingProxyType({}),
    ) -> Mapping[str, Sequence[Current]]:
        """Read by a key field, or by id; deleted records are not found.

        Args:
            schema: The object.
            key_field: A key field, or none for ids.
            keys: Match keys or ids.
            fields: Fields whose values are wanted.
            references: Those of them that name a record of another object by its match value; the others give its id.
        """
        field = soql.ID if key_field in (None, schema.id_field) else schema.fields[str(key_field)]
        wanted = list(reading.columns(self.sobject(schema.name), fields, references)) if fields else []
        queries = soql.selects(schema.name, field, keys, [one.path for one in wanted])
        return reading.current_by_key(field, keys, self._records(queries), wanted)

    def _records(self, queries: Iterable[str]) -> Iterable[Mapping[str, Any]]:
        for query in queries:
            page = soql.page(self._query(query).body)
            yield from soql.rows(page)
            while (path := soql.next_page(page)) is not None:
                page = soql.page(self._send(Request("GET", path)).body)
                yield from soql.rows(page)

    def _query(self, query: str) -> Reply:
        return self._send(Request("GET", self._paths.query(), query={"q": query}))

    # -- writing

    def write(self, batch: Batch) -> list[Outcome]:
        """Send one batch of creates, updates, upserts or removals.

        What was answered once is not lost to what goes wrong afterwards: an error that ends the run is raised by the
        next call, if some records of this one are written.
        """
        if self._end is not None:
            raise self._end
        is_final = batch.removal == limits.HARD_DELETE.name
        answers = self.hard_delete.answers(batch) if is_final else self._first(batch)
        steps = () if is_final else (self._settled, self._repeated, self._examine)
        for improve in (*steps, self._sort_out_lost):
            answers = improve(batch, answers)
            self._end = self._end or verdicts.end_of_run(answers)
        if self._end is None:
            return [one.outcome for one in answers]
        outcomes = [_unfinished(one) for one in answers]
        if all(isinstance(one, Unattempted) for one in outcomes):
            raise self._end
        return outcomes

    def _first(self, batch: Batch) -> list[Answer]:
        """Send a batch, in as many parts as its triggers ask for; only the first may raise."""
        size = self._contention.size_of(batch.schema.name, len(batch.operations))
        parts = [batch.operations[start : start + size] for start in range(0, len(batch.operations), size)]
        with self._contention.gate.together():
            answers = self._attempt(wire.part(batch, parts[0]))
            for one in parts[1:]:
                answers += self._again(batch, one)
        return answers

    def _attempt(self, batch: Batch) -> list[Answer]:
        sobject = self.sobject(batch.schema.name)
        reply = self._send(wire.build_write(batch, sobject, self._paths, self._headers))
        return wire.parse_write(batch, reply.json())

    def _again(self, batch: Batch, operations: Sequence[Operation]) -> list[Answer]:
        """Send more operations of a batch; an error leaves them as they are, and does not touch others."""
        if self._end is not None:
            return self._left(operations, self._end)
        try:
            return self._attempt(wire.part(batch, operations))
        except UnknownOutcomeError:
            return [Answer(one, Unanswered(one.source_key)) for one in operations]
        except ReverseETLError as error:
            return self._left(operations, error)

    def _left(self, operations: Sequence[Operation], error: ReverseETLError) -> list[Answer]:
        if isinstance(error, (FatalError, ConfigError)):
            self._end = self._end or error
        return [Answer(one, Unattempted(one.source_key)) for one in operations]

    def _settled(self, batch: Batch, answers: list[Answer]) -> list[Answer]:
        names = [name for name, one in batch.schema.fields.items() if one.references]

        def parents(operation: Operation) -> list[object]:
            return [operation.fields.get(name) for name in names]

        return self._contention.settle(
            batch.schema.name, answers, lambda some: self._again(batch, some), beside=parents
        )

    def _repeated(self, batch: Batch, answers: list[Answer]) -> list[Answer]:
        """Send once more what met a race, and without their optional references records whose parents are missing."""
        settled = {one.operation.source_key: one for one in answers}
        is_first = True
        while True:
            repeats = [_repeat(batch, one, is_first=is_first) for one in settled.values()]
            operations = [one for one in repeats if one is not None]
            if not operations or self._end is not None:
                return list(settled.values())
            with self._contention.gate.together():
                found = self._again(batch, operations)
            settled.update({one.operation.source_key: one for one in self._settled(batch, found)})
            is_first = False

    def _examine(self, batch: Batch, answers: list[Answer]) -> list[Answer]:
        """Let Salesforce name what a duplicate rule found, which it does for single records only."""
        if batch.verb not in (Verb.CREATE, Verb.UPSERT):
            return answers
        settled = {one.operation.source_key: one for one in answers}
        operations = [one.operation for one in answers if _is_duplicate(one) and wire.is_examinable(one.operation)]
        for start in range(0, len(operations), wire.MOST_EXAMINED):
            group = operations[start : start + wire.MOST_EXAMINED]
            if self._end is not None or not self._may_examine(len(group)):
                break
            settled.update(self._examined_answers(wire.part(batch, group)))
        return list(settled.values())

    def _may_examine(self, count: int) -> bool:
        with self._lock:
            if self._examined + count > EXAMINED_PER_RUN:
                return False
            self._examined += count
            return True

    def _examined_answers(self, batch: Batch) -> dict[str, Answer]:
        sobject = self.sobject(batch.schema.name)
        request = wire.build_examination(batch, sobject, self._paths, self._headers)
        try:
            with self._contention.gate.together():
                reply = self._send(request)
            return wire.parse_examination(batch, reply.json())
        except UnknownOutcomeError:
            return {one.source_key: Answer(one, Unanswered(one.source_key)) for one in batch.operations}
        except ReverseETLError:
            return {}  # nothing is known beyond the refusal, which stands; what ends the run shows in the next request

    def _sort_out_lost(self, batch: Batch, answers: list[Answer]) -> list[Answer]:
        """Tell what is gone from what is there: an id that leads nowhere may be another one's."""
        lost = [one for one in answers if one.recovery is Recovery.FIND]
        if not lost:
            return answers
        ids = {str(one.operation.destination_id) for one in lost}
        try:
            present = self.find(batch.schema, objects.ID_FIELD, sorted(ids)).keys()
        except ReverseETLError:
            present = None
        return [verdicts.sorted_out(batch, one, present) for one in answers]


def _repeat(batch: Batch, answer: Answer, *, is_first: bool) -> Operation | None:
    """The operation as it is sent once more; `None` where its answer stands."""
    if answer.recovery is Recovery.AGAIN:
        return answer.operation if is_first else None
    return verdicts.without_missing_references(batch, answer)


def _unfinished(answer: Answer) -> Outcome:
    """The outcome of a record once nothing more is sent: what would have been repeated was not attempted."""
    is_open = answer.recovery in (Recovery.AGAIN, Recovery.CONTENDED)
    return Unattempted(answer.operation.source_key) if is_open else answer.outcome


def _is_duplicate(answer: Answer) -> bool:
    is_named = bool(answer.complaint and answer.complaint.ids)
    return isinstance(answer.outcome, Rejected) and answer.outcome.code is RejectCode.DUPLICATE_RULE and not is_named


def connect(  # noqa: PLR0913 - everything that a test exchanges
    config: SalesforceConfig,
    *,
    stop: threading.Event,
    traffic: Traffic,
    daily_quota_percent: float,
    folder: Path,
    policy: RetryPolicy | None = None,
    timeout_s: tuple[float, float] = TIMEOUT_S,
    clock: Callable[[], float],
    now: Callable[[], float],
    deletes_for_good: bool = False,
) -> SalesforceDestination:
    """Prepare an org; nothing is sent yet.

    Args:
        config: The vendor's settings.
        stop: Set when the run is asked to stop.
        traffic: Where requests are counted.
        daily_quota_percent: Share of the daily quota that may be used.
        folder: Where bulk jobs keep their files while they travel.
        policy: How often to repeat; core's default where it is not given.
        timeout_s: To connect, and between two bytes of an answer.
        clock: Seconds, monotonic.
        now: Seconds since 1970, for signed logins.
        deletes_for_good: Whether a stream removes records so that nobody can bring them back.
    """
    limiter = RateLimiter(limits.RATES, clock=clock, sleep=stop.wait)
    transport = functools.partial(
        Transport,
        limiter=limiter,
        traffic=traffic,
        user_agent=f"target-salesforce/{metadata.version('target-salesforce')}",
        stop=stop,
        daily_quota_percent=daily_quota_percent,
        timeout_s=timeout_s,
        clock=clock,
    )
    login = transport(config.login_url, dialect=auth.LoginDialect(config.login), policy=policy or auth.LOGIN_POLICY)
    session = auth.session(config, login.send, clock=now)
    org = transport(session.instance_url, dialect=SalesforceDialect(), credentials=session, policy=policy)
    rng = random.Random()  # noqa: S311 - jitter
    contention = Contention(sleep=stop.wait, rng=rng, policy=policy or BACKOFF)
    destination = SalesforceDestination(
        org.send,
        config.api_version,
        headers=config.write_headers(),
        contention=contention,
        job_limits=objects.job_limits(config.api),
        # Collections run the rules that are active, jobs only one that is named: what comes of a record must not depend
        # on how many there are.
        without_jobs=objects.ASSIGNED if (config.api, config.assignment_rule) == ("auto", "default") else frozenset(),
        deletes_for_good=deletes_for_good,
    )
    destination.limiter = limiter
    # With `api: rest` too: it opens none, but an earlier run that was killed may have left one to be looked after.
    rule = config.assignment_rule if config.assignment_rule not in RULES else None
    bulk = functools.partial(BulkJobs, org.send, destination.sobject, config.api_version, folder=folder)
    destination.jobs = bulk(assignment_rule_id=rule)
    destination.hard_delete = HardDelete(bulk(), sleep=stop.wait, rng=rng, policy=policy or BACKOFF)
    return destination
