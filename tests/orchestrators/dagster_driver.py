"""Loads the definitions into the real Dagster, and materializes all partitions of a schedule; in `.venv-dagster`.

`dagster_driver.py` prints what is defined, `dagster_driver.py SCHEDULE TIMES` what each materialization left, by
partition: JSON, as the last line.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any

import dagster as dg
from definitions import ASSETS, defs


def described() -> dict[str, Any]:
    """What the tests look at."""
    dg.Definitions.validate_loadable(defs)
    repository = defs.get_repository_def()
    return {
        "assets": {
            name: {
                "keys": sorted(key.to_user_string() for key in assets.keys),
                "partitions": assets.partitions_def.get_partition_keys(),
                "checks": sorted(key.name for key in assets.check_keys),
            }
            for name, assets in ASSETS.items()
        },
        "schedules": {one.name: one.cron_schedule for one in repository.schedule_defs},
        "due": due(repository),
    }


def due(repository: dg.RepositoryDefinition) -> dict[str, list[str]]:
    """The partitions that each schedule starts."""
    found = {}
    for schedule in defs.schedules:
        now = dt.datetime(2026, 11, 28, 6, 5, tzinfo=dt.timezone.utc)
        with dg.build_schedule_context(repository_def=repository, scheduled_execution_time=now) as context:
            requests = schedule.evaluate_tick(context).run_requests
            found[schedule.name] = [one.partition_key for one in requests]
    return found


def materialized(name: str, index: int, instance: dg.DagsterInstance) -> dict[str, Any]:
    """Materialize a partition in this process."""
    done = dg.materialize([ASSETS[name]], partition_key=str(index), instance=instance, raise_on_error=False)
    failures = [one for one in done.all_events if one.event_type_value == "STEP_FAILURE"]
    return {
        "success": done.success,
        "assets": {
            one.asset_key.to_user_string(): {key: value.value for key, value in one.materialization.metadata.items()}
            for one in done.get_asset_materialization_events()
        },
        "checks": {one.asset_key.to_user_string(): one.passed for one in done.get_asset_check_evaluations()},
        "failures": [told(one.step_failure_data) for one in failures],
        "retries": sum(one.event_type_value == "STEP_UP_FOR_RETRY" for one in done.all_events),
    }


def told(failure: Any) -> str:
    """What a step says of its failure, or what it failed with."""
    own = failure.user_failure_data
    return failure.error.to_string() if own is None else own.description


def main() -> None:
    """The command line."""
    found: Any = described()
    if len(sys.argv) > 1:
        partitions = found["assets"][sys.argv[1]]["partitions"]
        with dg.DagsterInstance.ephemeral() as instance:
            found = [
                [materialized(sys.argv[1], int(key), instance) for key in partitions] for _ in range(int(sys.argv[2]))
            ]
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
