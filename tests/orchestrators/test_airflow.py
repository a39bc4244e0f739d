"""The example for Airflow, loaded and run by the real one."""

from __future__ import annotations

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .stage import EXAMPLES, ROWS, SCHEDULE, SLICES, Stage, environment, last_json, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

DRIVER = Path(__file__).with_name("airflow_driver.py")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The project."""
    environment("airflow")
    with stage(tmp_path_factory.mktemp("airflow")) as built:
        yield built


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DAGs folder with what the page says to copy there."""
    folder = tmp_path_factory.mktemp("home") / "dags"
    folder.mkdir()
    for path in (EXAMPLES / "airflow/reverse_etl.py", EXAMPLES / "meltano_runs.py"):
        shutil.copy2(path, folder)
    return folder


def airflow(one: Stage, dags: Path, *arguments: str, **more: str) -> Any:
    """Run the driver in Airflow's environment."""
    variables = one.variables(
        AIRFLOW_HOME=str(dags.parent),
        AIRFLOW__CORE__DAGS_FOLDER=str(dags),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__USAGE_DATA_COLLECTION__ENABLED="False",
        AIRFLOW__CORE__HOSTNAME_CALLABLE="socket.gethostname",
        **more,
    )
    python, log = str(environment("airflow") / "bin/python"), dags.parent / "output.log"
    if not (dags.parent / "airflow.db").exists():
        command = [python, "-c", "from airflow.utils.db import initdb; initdb(); print(1)"]
        last_json(command, variables, log, timeout_s=200)
    return last_json([python, str(DRIVER), str(dags), *arguments], variables, log, timeout_s=400)


def test_every_schedule_becomes_a_dag(one: Stage, dags: Path) -> None:
    """No import error; at its time, one run at once, in the pool, with a task for each slice."""
    told = airflow(one, dags)
    assert told["errors"] == {}
    common = {"max_active_runs": 1, "catchup": False, "task": "deliver", "pool": "reverse_etl", "retries": 4}
    assert told["dags"] == {
        SCHEDULE: common | {"schedule": "5 * * * *", "slices": SLICES},
        "salesforce-hourly": common | {"schedule": "20 * * * *", "slices": 1},
        "mailchimp-daily": common | {"schedule": "40 5 * * *", "slices": 1},
    }


def test_a_dag_delivers_and_a_second_run_writes_nothing(one: Stage, dags: Path) -> None:
    """Both slices run, each leaves its totals and its report as XCom; together they created each row once."""
    first, second = airflow(one, dags, SCHEDULE, "2")
    assert first["state"] == second["state"] == "success"
    assert [task["index"] for task in first["tasks"]] == list(range(SLICES))
    totals = [task["xcom"]["totals"] for task in first["tasks"]]
    assert all(each["created"] for each in totals)
    assert sum(each["created"] for each in totals) == ROWS == one.created()
    assert all(Path(task["xcom"]["reports"]["target-hubspot"]).is_file() for task in first["tasks"])
    assert one.deliveries() == {"delivered": ROWS}
    assert [task["xcom"]["totals"]["created"] + task["xcom"]["totals"]["updated"] for task in second["tasks"]] == [0, 0]
    writes = one.writes()
    assert writes == SLICES


def test_what_is_configured_wrong_is_not_tried_again(one: Stage, dags: Path) -> None:
    """A refused token, from Airflow's own secrets, ends the task at its first attempt, and the webhook is told."""
    told: list[dict[str, Any]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    secrets = json.dumps({"TARGET_HUBSPOT_ACCESS_TOKEN": "invalid-token"})
    try:
        (run,) = airflow(
            one, dags, SCHEDULE, "1",
            AIRFLOW_VAR_REVERSE_ETL_SECRETS=secrets,
            REVERSE_ETL_ALERT_URL=f"http://127.0.0.1:{server.server_port}/",
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    assert run["state"] == "failed"
    assert [(task["state"], task["tries"]) for task in run["tasks"]] == [("failed", 1)] * SLICES
    assert len(told) == SLICES
    assert all("ended with 78" in one["text"] for one in told)
