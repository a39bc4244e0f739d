"""The interface that a target implements for its API: describe, find, write; and jobs, where the API has them."""

from __future__ import annotations

import abc
import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import Field, FieldType, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from reverse_etl_core.operations import Batch, Current, Outcome
    from reverse_etl_core.ratelimit import Rate, RateLimiter
    from reverse_etl_core.schema import ObjectSchema, Reference


@dataclass(frozen=True, slots=True)
class Use:
    """What the settings do with an object, as far as permissions go.

    Attributes:
        object_name: As the user wrote it.
        is_written: Whether its records are written, or tied to those that are; else they are looked up.
    """

    object_name: str
    is_written: bool = True


class Destination(abc.ABC):
    """One account of one API. `read` and `write` are called from several threads at once.

    Attributes:
        jobs: Asynchronous jobs, which `ObjectSchema.jobs` limits; `None` for an API without them.
        adds_fields: Whether `add_fields` makes what an object lacks, so that it is no mistake to name it.
        adds_match_fields: The same of `add_match_field`.
        rate: How many requests the account takes, for the estimate of a plan; `None` where there is no such limit.
        limiter: Of its requests, where several workers may share the account's limits.
    """

    jobs: Jobs | None = None
    limiter: RateLimiter | None = None
    adds_fields: bool = False
    adds_match_fields: bool = False
    rate: Rate | None = None

    @abc.abstractmethod
    def account(self) -> str:
        """The account's id as the API itself reports it; costs a request, and so checks the credentials.

        Raises:
            AuthError: The credentials are refused.
            RetryableError: The host cannot be reached.
        """

    def only_look(self) -> None:
        """Create nothing from now on, also nothing that the settings name and the account lacks: a connection test."""
        return

    def check_permissions(self, uses: Sequence[Use]) -> None:
        """Compare what the credentials may do with what is going to be done, where the API tells; here: it does not.

        Raises:
            ConfigError: Names every permission that is missing.
        """
        del uses

    @abc.abstractmethod
    def describe(self, object_name: str) -> ObjectSchema:
        """The live schema of an object.

        Args:
            object_name: As the user wrote it in `streams`; singular, plural or an id, as the API allows.

        Raises:
            ConfigError: There is no such object; the message names those that there are.
        """

    def describe_association(
        self, source: Reference, target: Reference, label: str | None, *, replaces: bool
    ) -> ObjectSchema:
        """The associations from the records of one object to those of another, as an object of its own.

        Its records have two fields, `from` and `to`: match values of the two, of which `to` may list several. They are
        upserted by `from`, and removed by an id that says what this sync added.

        Args:
            source: The object that the stream writes, and its match field.
            target: The other object, and the field that names its records.
            label: What kind of association; `None` for the plain one.
            replaces: Whether associations that this sync added go when the source no longer has them.

        Raises:
            ConfigError: The API has none between these objects, or none with this label.
        """
        del label, replaces
        msg = f"'associations': the API knows none between '{source.object_name}' and '{target.object_name}'."
        raise ConfigError(msg)

    def add_fields(self, schema: ObjectSchema, columns: Mapping[str, Mapping[str, Any]]) -> ObjectSchema:
        """Create fields that a stream wants and an object lacks, where the user asked for that; here: none.

        Args:
            schema: The object.
            columns: Wanted field to the JSON Schema of the column that feeds it, as the SCHEMA message has it.

        Returns:
            The object's schema afterwards; what it still lacks is dropped or an error, as the user says.

        Raises:
            ConfigError: A field cannot be created.
        """
        del columns
        return schema

    def add_match_field(self, schema: ObjectSchema, name: str) -> ObjectSchema:
        """Create the field that `match_on` names and the object lacks, where the user asked for that; here: none.

        Raises:
            ConfigError: It cannot be created, or records could then be created twice.
        """
        del name
        return schema

    def with_planned_fields(
        self, schema: ObjectSchema, columns: Mapping[str, Mapping[str, Any]], match_field: str | None = None
    ) -> ObjectSchema:
        """The schema as it will be after `add_fields` or `add_match_field`, for a plan; writes nothing.

        Raises:
            ConfigError: A field cannot be created, as far as that can be told.
        """
        made = {name: Field(name, FieldType.STRING, is_key=name == match_field) for name in columns}
        return replace(schema, fields=frozen({**{name: schema.fields[name] for name in schema.fields}, **made}))

    def with_options(self, schema: ObjectSchema, names: Sequence[str]) -> ObjectSchema:
        """The schema once the options of these fields are known that take requests of their own; here: none do.

        Args:
            schema: The object.
            names: Its fields that a stream writes.
        """
        del names
        return schema

    @abc.abstractmethod
    def read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str] = ()
    ) -> Mapping[str, Sequence[Current]]:
        """Records as they are, read consistently (never from a search index) and in as few requests as there can be.

        Args:
            schema: The object.
            key_field: One of `schema.key_fields()`, or `schema.id_field`; `None` where the keys are destination ids.
            keys: Canonical match keys or ids, at most `schema.limits.records_per_request`.
            fields: Fields whose values are wanted, as `Current.fields` describes them.

        Returns:
            Key to the records found; a key without a record is absent. More than one record is ambiguous.
        """

    def find(self, schema: ObjectSchema, match_field: str, match_keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Match key to the ids of the records that hold it, read as `read` does."""
        found = self.read(schema, match_field, match_keys)
        return {key: [one.destination_id for one in some] for key, some in found.items()}

    def prepare(self, batch: Batch) -> Sequence[Batch]:
        """Read what has to be noted before a batch is sent, for `ObjectSchema.prepares`; here: nothing.

        Returns:
            The batch in one part or more, with other destination ids where these say what is about to be added, or
            another verb where reading tells what is a create. Both are durable before the request leaves, so that a
            run that is killed knows afterwards what was its own.
        """
        return [batch]

    @abc.abstractmethod
    def write(self, batch: Batch) -> list[Outcome]:
        """Send one batch, once it is within the account's limits.

        Repeats by itself what is safe to repeat: upserts, updates and removals after any passing failure, creates
        only where the API says that nothing was applied. A removal of a record that is away already is `Removed`.

        Returns:
            Exactly one outcome per operation, in any order, joined by source key.

        Raises:
            BatchRefusedError: One record spoils the batch; the caller splits it.
            UnknownOutcomeError: A create may have been applied; the caller reads it back.
            RetryableError: Attempts ran out.
            FatalError: Credentials, quota, schema.
        """


class JobState(enum.Enum):
    """Where a job stands."""

    OPEN = "open"
    """It waits for its records, and does nothing before `Jobs.submit`."""
    RUNNING = "running"
    """It has its records and may have written some of them."""
    ENDED = "ended"
    """It writes nothing any more; what came of its records can be read."""
    UNKNOWN = "unknown"
    """The API has forgotten it."""


class Jobs(abc.ABC):
    """Records handed over in one piece, whose outcomes are read later. Used by one thread.

    A job's id is known, and noted in the ledger, before it can write anything: a run that was killed finds its job
    again instead of sending its records twice.
    """

    @abc.abstractmethod
    def open(self, batch: Batch) -> str:
        """Create a job without records; its id."""

    @abc.abstractmethod
    def submit(self, job_id: str, batch: Batch) -> None:
        """Hand over the records and start the job. Called at most once per job; repeats by itself what got lost.

        Raises:
            RetryableError: Attempts ran out; `state` tells how far it came.
        """

    @abc.abstractmethod
    def state(self, job_id: str) -> JobState:
        """Where a job stands, of this run or of an earlier one."""

    @abc.abstractmethod
    def abort(self, job_id: str) -> None:
        """Close a job that was never submitted; `state` tells whether that came too late."""

    @abc.abstractmethod
    def outcomes(self, job_id: str, batch: Batch) -> Iterator[Outcome]:
        """Exactly one outcome per operation of an ended job, in any order, joined by the operations' own keys."""
