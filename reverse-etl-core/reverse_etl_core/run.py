"""One run of a target: what is shared by its streams, from the first SCHEMA to the report."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from reverse_etl_core.associations import (
    AssociatedStream,
    AssociationPipeline,
    association_stream,
    compile_association,
    target_of,
)
from reverse_etl_core.brakes import RejectionBrake, RemovalBrake
from reverse_etl_core.catalog import Catalog, reach
from reverse_etl_core.conclusion import conclude, notify
from reverse_etl_core.dispatch import NO_OBJECT, Dispatcher
from reverse_etl_core.errors import (
    BrakeError,
    ConfigError,
    FatalError,
    QuotaExhaustedError,
    ReverseETLError,
    exit_code_of,
    message_of,
)
from reverse_etl_core.holding import PlanHolder
from reverse_etl_core.ledger import Ledger, Scope
from reverse_etl_core.operations import DeferCode
from reverse_etl_core.pipeline import Pipeline
from reverse_etl_core.plan_run import PlanRun
from reverse_etl_core.progress import Progress
from reverse_etl_core.relations import Relations
from reverse_etl_core.report import Report
from reverse_etl_core.routing import Promise, compile_route
from reverse_etl_core.sending import Crew
from reverse_etl_core.tally import Tally

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination
    from reverse_etl_core.emails import EmailRules
    from reverse_etl_core.ledger import StreamLedger
    from reverse_etl_core.routing import Route
    from reverse_etl_core.stream_config import AssociationConfig
    from reverse_etl_core.traffic import Traffic

logger = logging.getLogger(__name__)


class Run:
    """Delivers the streams of one input to one account.

    Nothing is asked of the destination, and no ledger is opened, before the first stream.

    Args:
        target: Name of the target.
        config: Common settings.
        destination: The account.
        traffic: Where its requests are counted.
        stop: Set when the run is asked to stop.
        open_ledger: Opens the ledger that the configuration names.
        emails: What e-mail addresses have to keep to beyond their syntax.
    """

    def __init__(
        self,
        target: str,
        config: CommonConfig,
        destination: Destination,
        *,
        traffic: Traffic,
        stop: threading.Event,
        open_ledger: Callable[[CommonConfig], Ledger],
        emails: EmailRules | None = None,
    ) -> None:
        self._target = target
        self._config = config
        self._plan = PlanRun(target, config, destination, now=time.time) if config.dry_run else None
        self._destination: Destination = self._plan.destination if self._plan is not None else destination
        self._traffic = traffic
        self._stop = stop
        self._open_ledger = open_ledger
        self._emails = emails
        self._promise = Promise(
            keeps_deliveries=config.ledger == "full",
            hard_delete=config.hard_delete,
            remove_adopted=config.remove_adopted,
            compares=config.compare_with == "destination",
        )
        self._crew: Crew[Any, Any] = Crew(config.concurrency)
        self._account = ""
        self._ledger: Ledger | None = None
        self._streams: dict[str, Pipeline | Dispatcher] = {}
        self._deliver_collected: dict[str, Callable[[], None]] = {}
        self._relations = Relations(self._pipelines, self._deliver_collected)
        self._stream_ledgers: dict[Scope, StreamLedger] = {}
        self._catalog = Catalog(self._destination, self._promise)
        self._tallies: dict[str, Tally] = {}
        self._holders: list[PlanHolder] = []
        self._states_released = 0
        self._started_s = time.monotonic()
        self._started_at = time.time()
        self._progress = Progress(self._tallies, traffic, clock=time.monotonic)

    def check(self) -> str:
        """Reach the account and nothing else; the account's id.

        Raises:
            AuthError: The credentials are refused.
            FatalError: The host cannot be reached.
        """
        return reach(self._destination.account)

    def check_everything(self) -> str:
        """Look at the credentials and at every configured stream, without a ledger; the account's id.

        Raises:
            AuthError: The credentials are refused.
            ConfigError: With the problems of all streams.
            FatalError: The host cannot be reached.
        """
        self._destination.only_look()
        account = self.check()
        self._catalog.check(self._config.streams)
        return account

    def open_stream(
        self,
        stream: str,
        singer_schema: Mapping[str, Any],
        key_properties: Sequence[str],
        *,
        deliver_collected: Callable[[], None],
    ) -> Pipeline | Dispatcher | AssociatedStream:
        """Decide a stream's way, and deliver first what earlier runs left open.

        A stream that is opened again, because its SCHEMA changed, settles its earlier records first.

        Args:
            stream: Its name.
            singer_schema: Of its SCHEMA message.
            key_properties: Of its SCHEMA message.
            deliver_collected: Hands over the records that arrived but wait for their chunk to fill.

        Raises:
            ConfigError: The stream cannot be delivered as configured.
            FatalError: Account or ledger cannot be used.
        """
        ledger = self._ledger or self._open()
        earlier = self._streams.get(stream)
        if earlier is not None:
            earlier.flush()
        config = self._config.stream(stream)
        if stream not in self._config.streams:
            self._catalog.check_unconfigured(stream, config)

        brake = RejectionBrake(self._config.max_rejected, self._config.max_rejected_percent)

        def open_pipeline(object_name: str) -> Pipeline:
            # Where a stream goes to several objects, what it rejects is looked at once, by whoever sees all of it.
            own = brake if config.object_from is None else RejectionBrake(None, 100)
            return self._open_pipeline(stream, singer_schema, key_properties, object_name, own)

        self._deliver_collected[stream] = deliver_collected
        if config.object_from is None:
            pipeline = self._streams[stream] = open_pipeline(config.object_name)
            associations = [
                self._open_association(one, pipeline.route, singer_schema, key_properties)
                for one in config.associations
            ]
            for one in associations:
                self._deliver_collected[one.route.stream] = deliver_collected
            if earlier is None:  # what waits for its parent since then is tried again at the end, and counted once
                for one in (pipeline, *associations):
                    one.replay()
            return AssociatedStream(pipeline, associations) if associations else pipeline
        if config.object_from not in singer_schema.get("properties", {}):
            msg = f"Stream '{stream}' has no column '{config.object_from}' that 'object_from' names."
            raise ConfigError(msg)
        dispatcher = self._streams[stream] = Dispatcher(
            stream,
            config.object_from,
            key_properties,
            describe=self._catalog.describe,
            open_pipeline=open_pipeline,
            ledger=self._stream_ledger(stream, NO_OBJECT),
            tally=self._tallies.setdefault(stream, Tally()),
            brake=brake,
            holder=self._holder(stream, NO_OBJECT),
            objects=lambda: ledger.objects_of(self._config.sync_id, self._account, stream),
        )
        dispatcher.replay(ledger.open_objects(self._config.sync_id, self._account, stream))
        return dispatcher

    def _open_pipeline(
        self,
        stream: str,
        singer_schema: Mapping[str, Any],
        key_properties: Sequence[str],
        object_name: str,
        brake: RejectionBrake,
    ) -> Pipeline:
        """The pipeline from a stream to an object."""
        config = self._config.stream(stream)
        schema = self._catalog.prepare(object_name, singer_schema, config)
        route = compile_route(
            stream,
            singer_schema,
            key_properties,
            config,
            schema,
            parents=self._catalog.parents(config),
            promise=self._promise,
            emails=self._emails,
        )
        removal_brake = RemovalBrake(self._config.max_removed, self._config.max_removed_percent)
        pipeline = self._pipeline(Pipeline, route, (brake, removal_brake))
        logger.info(
            "Stream '%s' goes to '%s' of account %s, matched on '%s', load method '%s'.",
            stream,
            schema.name,
            self._account,
            route.match_field,
            config.load_method,
        )
        return pipeline

    def _pipeline(self, kind: type[Pipeline], route: Route, brakes: tuple[RejectionBrake, RemovalBrake]) -> Pipeline:
        if self._plan is not None:
            self._plan.know(route)
        return kind(
            route,
            destination=self._destination,
            ledger=self._stream_ledger(route.stream, route.schema.name),
            crew=self._crew,
            tally=self._tallies.setdefault(route.stream, Tally()),
            brakes=brakes,
            holder=self._holder(route.stream, route.schema.name),
            grace_ms=int(self._config.reconcile_grace_s * 1000),
            wait=self._stop.wait,
            traffic=self._traffic,
            parents=self._relations.parents(route),
        )

    def _open_association(
        self,
        config: AssociationConfig,
        main: Route,
        singer_schema: Mapping[str, Any],
        key_properties: Sequence[str],
    ) -> Pipeline:
        """The pipeline of a stream's associations with another object."""
        name = association_stream(main.stream, config)
        if name in self._streams:
            self._streams[name].flush()
        route = compile_association(
            name,
            config,
            main,
            target_of(main.stream, config, self._catalog.describe(config.object_name)),
            lambda source, target, replaces: self._catalog.describe_association(
                source, target, config.label, replaces=replaces
            ),
            singer_schema=singer_schema,
            key_properties=key_properties,
            promise=self._promise,
        )
        # Whoever removes a record removes its associations: one brake looks at both.
        brakes = (
            RejectionBrake(self._config.max_rejected, self._config.max_rejected_percent),
            RemovalBrake(None, 100),
        )
        pipeline = self._streams[name] = self._pipeline(AssociationPipeline, route, brakes)
        return pipeline

    def _stream_ledger(self, stream: str, object_name: str) -> StreamLedger:
        scope = Scope(self._config.sync_id, self._account, object_name, stream)
        if scope not in self._stream_ledgers:
            ledger = self._ledger or self._open()
            self._stream_ledgers[scope] = ledger.open_stream(scope, keeps_deliveries=self._config.ledger == "full")
        return self._stream_ledgers[scope]

    def _holder(self, stream: str, object_name: str) -> PlanHolder:
        ledger = self._stream_ledger(stream, object_name)
        own = PlanHolder(stream, ledger.plans, self._config.approve or "")
        holder = own if self._plan is None else self._plan.holder(stream, ledger)
        self._holders.append(holder)
        return holder

    def _open(self) -> Ledger:
        self._account = self.check()
        self._catalog.check(self._config.streams)
        self._ledger = self._plan.open_ledger(self._account) if self._plan else self._open_ledger(self._config)
        self._ledger.check_partition(self._config.sync_id, self._account)
        shared = self._ledger.limits(self._target, self._account)
        if self._destination.limiter and shared:
            self._destination.limiter.share(shared)
        self._ledger.start_run(sync_id=self._config.sync_id, target=self._target, account=self._account)
        return self._ledger

    def settle(self) -> None:
        """Settle everything that was taken; after this, STATE may leave (L5)."""
        for stream in self._streams.values():
            stream.flush()
        self._progress.note()

    def settle_requests(self) -> None:
        """Write down what comes of the requests in flight: while nobody looks at them, no lease is renewed."""
        for pipeline in self._pipelines():
            pipeline.settle_requests()

    def _pipelines(self) -> Iterator[Pipeline]:
        """Every way from a stream to an object."""
        for stream in self._streams.values():
            yield from stream.pipelines

    def look_at_whole_input(self) -> None:
        """Check what can only be judged once the input has ended."""
        self._relations.retry_waiting()
        for tally in self._tallies.values():
            tally.waiting.clear()
        # A connection test opens no stream, and an empty input says nothing of names.
        missing = self._config.streams.keys() - self._streams.keys() if self._streams else ()
        for stream in sorted(missing):
            logger.warning("'streams' configures '%s', which did not arrive. Is its name right?", stream)
        for opened in self._streams.values():
            opened.finish()
        self._remove()

    def _remove(self) -> None:
        """Carry out the removals, once none of the streams' brakes holds them; children before their parents."""
        pipelines = list(self._pipelines())
        for pipeline in pipelines:
            pipeline.check_removals()
        for pipeline in sorted(pipelines, key=lambda one: len(self._relations.parents_of(one.route)), reverse=True):
            pipeline.remove()
        if self._config.approve and not any(one.has_released for one in self._holders):
            logger.warning("'approve' names the plan '%s', and no brake held it in this run.", self._config.approve)

    def has_records_in_hand(self) -> bool:
        """Whether an error left records of a chunk that are neither queued nor settled."""
        return any(stream.has_records_in_hand for stream in self._streams.values())

    def state_released(self) -> None:
        """Count a STATE message."""
        self._states_released += 1

    def tell_progress(self) -> None:
        """Log the counts, at most every few seconds."""
        self._progress.tell()

    def finish(self, error: BaseException | None, unread: Mapping[str, int]) -> int:
        """Count what is left, write report and history, release everything.

        Args:
            error: What ended the run; `None` when the input ended.
            unread: Records per stream that arrived but were not taken.

        Returns:
            The exit code.
        """
        exit_code = exit_code_of(error)
        code = _defer_code(error)
        try:
            for stream, opened in self._streams.items():
                opened.abandon(code, unread.get(stream, 0))
                opened.tally.verify(stream)
        except ReverseETLError as defect:
            logger.error("%s", defect)  # noqa: TRY400 - the message is the whole story
            exit_code = exit_code or defect.exit_code
        self._progress.note()
        if self._plan is not None:
            exit_code = self._finish_plan(self._plan, exit_code, is_whole=error is None)
            conclusion = None
        else:
            report = self._report(error, exit_code)
            conclusion = conclude(report, self._config, self._ledger)
        if self._ledger is not None:
            self._close(self._ledger)
        self._crew.close()
        if conclusion is not None:
            notify(report, self._config, conclusion)  # last: nobody waits for it
        return exit_code

    def _finish_plan(self, plan: PlanRun, exit_code: int, *, is_whole: bool) -> int:
        try:
            found = plan.finish(
                self._tallies,
                self._objects(),
                self._traffic,
                account=self._account,
                is_whole=is_whole and not exit_code,
            )
        except FatalError as error:
            logger.error("%s", error)  # noqa: TRY400 - the message is the whole story
            found = error.exit_code
        return exit_code or found

    def _objects(self) -> dict[str, str]:
        """Where each stream goes, for people."""
        return {
            stream: ", ".join(one.route.schema.name for one in opened.pipelines)
            for stream, opened in self._streams.items()
        }

    def _report(self, error: BaseException | None, exit_code: int) -> Report:
        return Report(
            target=self._target,
            run_id=self._ledger.run_id if self._ledger is not None else "",
            sync_id=self._config.sync_id,
            account=self._account,
            exit_code=exit_code,
            started_at=self._started_at,
            seconds=time.monotonic() - self._started_s,
            states_released=self._states_released,
            objects=self._objects(),
            tallies=self._tallies,
            traffic=self._traffic,
            message=message_of(error),
        )

    def _close(self, ledger: Ledger) -> None:
        try:
            for stream_ledger in self._stream_ledgers.values():
                stream_ledger.close()
        except FatalError as error:
            logger.warning("A lease cannot be given back: %s", error)
        ledger.close()


def _message(error: BaseException | None) -> str:
    """What ended a run, in words without a field value; of a defect only its kind is known to hold none."""
    if error is None:
        return ""
    return str(error) if isinstance(error, ReverseETLError) else f"Unexpected {type(error).__name__}."


def _defer_code(error: BaseException | None) -> DeferCode:
    if isinstance(error, QuotaExhaustedError):
        return DeferCode.QUOTA
    return DeferCode.BRAKE if isinstance(error, BrakeError) else DeferCode.STOPPED
