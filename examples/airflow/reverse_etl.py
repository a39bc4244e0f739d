"""A DAG for each schedule of a Meltano project: `dags/reverse_etl.py`, with `meltano_runs.py` beside it.

Two environment variables of Airflow's workers say what is run: `REVERSE_ETL_PROJECT`, the folder of `meltano.yml`, and
`REVERSE_ETL_ENVIRONMENT`, Meltano's environment. The Airflow Variable `reverse_etl_secrets` holds further ones as JSON:
tokens, and `ledger_url`. Any secrets backend can provide it.
"""

from __future__ import annotations

import json
import logging
import os
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator, Variable
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from meltano_runs import Outcome, Run, Schedule, schedules

if TYPE_CHECKING:
    from airflow.sdk import Context

PROJECT = Path(os.environ.get("REVERSE_ETL_PROJECT", "/srv/crm"))
ENVIRONMENT = os.environ.get("REVERSE_ETL_ENVIRONMENT", "prod")
POOL = "reverse_etl"
"""Its slots bound the workers of all DAGs: `airflow pools set reverse_etl 4 "Reverse ETL"`."""

logger = logging.getLogger(__name__)


class Deliver(BaseOperator):
    """Runs one slice of a schedule's job; the totals and the report's path become its XCom.

    Args:
        schedule: What to run.
        index: The slice, from 0 on.
        options: Of every operator.
    """

    ui_color = "#dff0e8"

    def __init__(self, *, schedule: Schedule, index: int = 0, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.schedule = schedule
        self.index = index
        self._run: Run | None = None

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Run it.

        Raises:
            AirflowFailException: A person must look (65), or a setting is wrong (78): another attempt is no use.
            AirflowException: Anything else; it is tried again.
        """
        secrets = Variable.get("reverse_etl_secrets", default={}, deserialize_json=True)
        self._run = Run(PROJECT, ENVIRONMENT, self.schedule, index=self.index, variables=secrets)
        outcome = self._run.start(logger.log)
        if outcome.exit_code:
            kind = AirflowFailException if outcome.is_final else AirflowException
            msg = f"{self.schedule.job} ended with {outcome.exit_code}: {outcome.message}"
            raise kind(msg)
        return summary(outcome)

    def on_kill(self) -> None:
        """Stop Meltano when somebody marks the task, or its time is up."""
        if self._run is not None:
            self._run.stop()


def summary(outcome: Outcome) -> dict[str, Any]:
    """What a task leaves as XCom: counts and paths, and no value of a record."""
    return {
        "totals": outcome.totals(),
        "reports": {name: report["page"] for name, report in outcome.reports.items()},
    }


def alert(context: Context) -> None:
    """Tell the webhook in `REVERSE_ETL_ALERT_URL` of a task that has failed for good."""
    url = os.environ.get("REVERSE_ETL_ALERT_URL")
    if not url:
        return
    task = context["task_instance"]
    text = f"{task.dag_id}, slice {max(task.map_index, 0)}: {context.get('exception')}"
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - set by the operator
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310
        pass


def dag_of(schedule: Schedule) -> DAG:
    """The DAG of a schedule: one task, mapped over its slices."""
    with DAG(
        dag_id=schedule.name,
        schedule=schedule.interval,
        start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
        catchup=False,  # what a missed run would have delivered, the next one does
        max_active_runs=1,  # a second one would end with 75
        tags=["reverse-etl"],
        default_args={
            "pool": POOL,
            "retries": 4,
            "retry_delay": timedelta(minutes=2),
            "retry_exponential_backoff": 2,
            "max_retry_delay": timedelta(hours=1),
            "execution_timeout": timedelta(hours=6),
            "on_failure_callback": alert,
        },
    ) as dag:
        # Each slice is a task instance of its own: repeated alone, and named in the grid.
        Deliver.partial(task_id="deliver", schedule=schedule, map_index_template="slice {{ task.index }}").expand(
            index=list(range(schedule.slices))
        )
    return dag


for one in schedules(PROJECT, ENVIRONMENT):
    globals()[f"dag_{one.name}"] = dag_of(one)
