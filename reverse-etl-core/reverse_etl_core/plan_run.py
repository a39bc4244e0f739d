"""The plan as a run sees it: where it reads, where it settles, and what it leaves behind."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import uuid
from typing import TYPE_CHECKING

from reverse_etl_core.errors import EXIT_BRAKE, EXIT_OK
from reverse_etl_core.holding import REJECTIONS, REMOVALS, RehearsedHolder
from reverse_etl_core.ledger.rehearsed import RehearsedLedger, existing
from reverse_etl_core.plan_table import table
from reverse_etl_core.planfiles import Action, PlanSummary, PlanWriter
from reverse_etl_core.read_only import ReadOnlyDestination
from reverse_etl_core.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination
    from reverse_etl_core.ledger import Ledger, Scope, Settlement, StreamLedger
    from reverse_etl_core.routing import Route
    from reverse_etl_core.tally import Tally
    from reverse_etl_core.traffic import Traffic

logger = logging.getLogger(__name__)


class PlanRun:
    """What replaces the parts of a run that would write, in a dry run.

    Args:
        target: Name of the target.
        config: Common settings.
        destination: The account.
        now: Seconds since 1970.
    """

    def __init__(
        self, target: str, config: CommonConfig, destination: Destination, *, now: Callable[[], float]
    ) -> None:
        self.plan_id = uuid.uuid4().hex[:8]
        self._target = target
        self._config = config
        self._now = now
        self._rate = destination.rate
        self._rehearsal = Rehearsal(config.redact)
        self._closing = contextlib.ExitStack()
        self._writer: PlanWriter | None = None
        self._holders: list[RehearsedHolder] = []
        self.destination = ReadOnlyDestination(destination, self._rehearsal)

    def open_ledger(self, account: str) -> Ledger:
        """Open the plan's files, and its ledger over the real one.

        Raises:
            FatalError: The files cannot be written, or the ledger not read.
        """
        stamp = dt.datetime.fromtimestamp(self._now(), tz=dt.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        folder = self._config.report_dir / f"{stamp}-plan-{self.plan_id}"
        self._closing.callback(self.destination.close)
        self._writer = self._closing.enter_context(PlanWriter(folder, self._rehearsal.redacted))
        ledger = RehearsedLedger(
            existing(self._config.ledger_url, now=self._now),
            self._settled,
            now=self._now,
            part=self._config.partition,
        )
        self.destination.planned = ledger.planned
        if not ledger.knows_sync(self._config.sync_id, account) and (known := ledger.syncs(account)):
            logger.warning(
                "The ledger knows nothing of sync '%s', so the plan takes every record for a new one. It knows %s; set "
                "'sync_id' to plan for one of them.",
                self._config.sync_id,
                ", ".join(f"'{one}'" for one in known),
            )
        return ledger

    def _settled(self, scope: Scope, settlement: Settlement, is_replay: bool) -> None:  # noqa: FBT001 - a callback
        line = self._rehearsal.line(scope, settlement, is_replay=is_replay)
        if line is not None and self._writer is not None:
            self._writer.add(line)

    def holder(self, stream: str, ledger: StreamLedger) -> RehearsedHolder:
        """Notes what brakes find, and lets the plan go on."""
        holder = RehearsedHolder(stream, ledger.plans, self._config.approve or "", self._rehearsal.brakes)
        self._holders.append(holder)
        return holder

    def know(self, route: Route) -> None:
        """Keep what the plan says of a stream."""
        self._rehearsal.know(route)

    def finish(
        self,
        tallies: Mapping[str, Tally],
        objects: Mapping[str, str],
        traffic: Traffic,
        *,
        account: str,
        is_whole: bool,
    ) -> int:
        """Write the plan's files, and its table into the log.

        Args:
            tallies: Counts by stream.
            objects: Where each stream goes, for people.
            traffic: Knows the daily quota.
            account: The account's id.
            is_whole: Whether the whole input was planned; otherwise the files stay unfinished.

        Returns:
            The exit code: 65 where a brake would stop the run.
        """
        unknown = self._rehearsal.unknown_redactions()
        if unknown:
            logger.warning(
                "'redact' names %s, which no stream has as a field or column: nothing is masked for it.",
                ", ".join(f"'{one}'" for one in unknown),
            )
        with self._closing:
            if self._writer is None or not is_whole:
                return EXIT_OK
            for stream, tally in tallies.items():
                self._rehearsal.count_rest(self._writer, stream, objects.get(stream, ""), tally)
            held = {kind for one in self._holders for kind in one.kinds}
            way_on = _way_on(held, self._writer.counted(Action.REMOVE, Action.CLEAR))
            summary = self._summary(traffic, account, way_on)
            counts = self._writer.finish(summary)
        for line in table(counts, summary):
            logger.info("%s", line)
        paths = self._writer.page_path, self._writer.lines_path, self._writer.markdown_path
        logger.info("Plan: %s, %s and %s", *paths)
        return EXIT_BRAKE if self._rehearsal.brakes else EXIT_OK

    def _summary(self, traffic: Traffic, account: str, way_on: str) -> PlanSummary:
        requests, rate = self._rehearsal.requests, self._rate
        return PlanSummary(
            plan_id=self.plan_id,
            target=self._target,
            sync_id=self._config.sync_id,
            account=account,
            made_at=self._now(),
            requests=requests,
            seconds=requests * rate.interval_s / rate.requests if rate is not None else None,
            daily_limit=traffic.daily_limit,
            daily_remaining=traffic.daily_remaining,
            brakes=tuple(self._rehearsal.brakes),
            way_on=way_on,
        )


def _way_on(held: AbstractSet[str], removals: int) -> str:
    """What a run does of what is listed.

    Args:
        held: The kinds of what would stop it.
        removals: Records that are listed as gone.
    """
    if not held:
        return "Run without 'dry_run' to do this."
    if held == {REJECTIONS} and removals:
        return (
            f"A run stops before it removes any of the {removals:,} records above. One for which the rejections are "
            "approved goes on to its end, and removes them too."
        )
    if held == {REJECTIONS, REMOVALS}:
        return (
            "Approved rejections let a run go on to its removals, which are not approved with them: it stops there, "
            "until they are."
        )
    return "All that is listed is done by a run for which it is approved; without that, it stops there."
