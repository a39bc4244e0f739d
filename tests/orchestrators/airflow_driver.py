"""Loads DAGs into the real Airflow, and runs one of them; in `.venv-airflow`, with AIRFLOW_HOME set.

`airflow_driver.py DAGS` prints what Airflow finds in a folder, `airflow_driver.py DAGS DAG TIMES` runs a DAG and
prints how it ended each time: JSON, as the last line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session


def described(dag: Any) -> dict[str, Any]:
    """What the tests look at."""
    (task,) = dag.tasks
    return {
        "schedule": dag.schedule,
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "task": task.task_id,
        "pool": task.pool,
        "retries": task.retries,
        "slices": len(task.expand_input.value["index"]),
    }


def xcom(task: Any) -> Any:
    """What a task left for others."""
    value = XComModel.get_many(
        run_id=task.run_id, dag_ids=task.dag_id, task_ids=task.task_id, map_indexes=task.map_index, key="return_value"
    )
    with create_session() as session:
        found = session.execute(value).scalars().first()
        return None if found is None else XComModel.deserialize_value(found)


def run(dag: Any) -> dict[str, Any]:
    """Run it in this process, without a scheduler."""
    done = dag.test()
    tasks = sorted(done.get_task_instances(), key=lambda one: one.map_index)
    return {
        "state": str(done.state),
        "tasks": [
            {"index": one.map_index, "state": str(one.state), "tries": one.try_number, "xcom": xcom(one)}
            for one in tasks
        ],
    }


def main() -> None:
    """The command line."""
    folder = Path(sys.argv[1])
    bag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder")  # as the DAG processor does it
    told: Any
    if len(sys.argv) > 2:
        told = [run(bag.dags[sys.argv[2]]) for _ in range(int(sys.argv[3]))]
    else:
        told = {"errors": bag.import_errors, "dags": {name: described(dag) for name, dag in bag.dags.items()}}
    sys.stdout.write("\n" + json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
