"""Assets, checks and schedules for a Meltano project: `definitions.py`, with `meltano_runs.py` beside it.

Each stream that a schedule delivers is an asset, and each slice of its keys a partition. Two environment variables say
what is run: `REVERSE_ETL_PROJECT`, the folder of `meltano.yml`, and `REVERSE_ETL_ENVIRONMENT`, Meltano's environment.
Tokens and `ledger_url` come from the environment as well: plugins read `TARGET_HUBSPOT_ACCESS_TOKEN` and the like.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from meltano_runs import Outcome, Run, Schedule, schedules

PROJECT = Path(os.environ.get("REVERSE_ETL_PROJECT", "/srv/crm"))
ENVIRONMENT = os.environ.get("REVERSE_ETL_ENVIRONMENT", "prod")
REJECTED_PERCENT = 1.0
"""More than this share of a stream's records rejected fails its check; the target's own brake is at 10 %."""

RETRIES = dg.RetryPolicy(max_retries=4, delay=120, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def asset_key(loader: str, stream: str) -> dg.AssetKey:
    """The key of a delivered stream: `hubspot/contacts`."""
    return dg.AssetKey([loader.removeprefix("target-").replace("-", "_"), stream])


def delivery(schedule: Schedule) -> dg.AssetsDefinition:
    """The assets of a schedule: one run of its job materializes a partition of all of them."""
    streams = {
        asset_key(loader, stream): (loader, stream) for loader, names in schedule.streams.items() for stream in names
    }

    @dg.multi_asset(
        name=schedule.name.replace("-", "_"),
        # A stream that is configured, but that the tap did not send, is not materialized.
        specs=[dg.AssetSpec(key, group_name="reverse_etl", kinds={"meltano"}, skippable=True) for key in streams],
        check_specs=[dg.AssetCheckSpec("few_rejects", asset=key) for key in streams],
        partitions_def=dg.StaticPartitionsDefinition([str(index) for index in range(schedule.slices)]),
        pool="reverse_etl",
        retry_policy=RETRIES,
    )
    def deliver(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        run = Run(PROJECT, ENVIRONMENT, schedule, index=int(context.partition_key))
        outcome = run.start(context.log.log)
        if outcome.exit_code:
            raise failure(schedule, outcome)
        for key, (loader, stream) in streams.items():
            report = outcome.reports.get(loader, {})
            if stream in report.get("streams", {}):
                yield result(key, report, report["streams"][stream])
            else:  # a check has to end somehow
                yield dg.AssetCheckResult(
                    passed=True, check_name="few_rejects", asset_key=key, description="The tap did not send the stream."
                )

    return deliver


def failure(schedule: Schedule, outcome: Outcome) -> dg.Failure:
    """A failure that is repeated, unless a person must look (65) or a setting is wrong (78)."""
    return dg.Failure(
        f"{schedule.job} ended with {outcome.exit_code}: {outcome.message}",
        metadata={name: dg.MetadataValue.path(report["page"]) for name, report in outcome.reports.items()},
        allow_retries=not outcome.is_final,
    )


def result(key: dg.AssetKey, report: Mapping[str, Any], stream: Mapping[str, Any]) -> dg.MaterializeResult:
    """What the run's report says of a stream; counts and codes, and no value of a record."""
    counts = stream["counts"]
    share = 100 * counts["rejected"] / counts["read"] if counts["read"] else 0.0
    codes = dict(stream["codes"])
    return dg.MaterializeResult(
        asset_key=key,
        metadata={
            **counts,
            "codes": codes,
            "report": dg.MetadataValue.path(report["page"]),
            "seconds": report["seconds"],
        },
        check_results=[
            dg.AssetCheckResult(
                passed=share <= REJECTED_PERCENT,
                check_name="few_rejects",
                asset_key=key,
                metadata={"rejected_percent": share, "codes": codes},
            )
        ],
    )


def timetable(schedule: Schedule, assets: dg.AssetsDefinition) -> dg.ScheduleDefinition:
    """Starts a run for each partition when the schedule is due."""
    job = dg.define_asset_job(f"{assets.op.name}_job", selection=[assets])

    @dg.schedule(job=job, cron_schedule=schedule.interval, name=assets.op.name)
    def due(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        for index in range(schedule.slices):
            run_key = f"{context.scheduled_execution_time.isoformat()}-{index}"
            yield dg.RunRequest(run_key=run_key, partition_key=str(index))

    return due


SCHEDULES = [one for one in schedules(PROJECT, ENVIRONMENT) if any(one.streams.values())]
ASSETS = {one.name: delivery(one) for one in SCHEDULES}
defs = dg.Definitions(
    assets=list(ASSETS.values()),
    schedules=[timetable(one, ASSETS[one.name]) for one in SCHEDULES],
)
