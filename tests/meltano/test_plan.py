"""The environment `plan`: what a run of the demo would do, and a tap whose production sync goes on undisturbed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from demo.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 12
CUSTOMERS = f"""
CREATE SCHEMA raw;
CREATE TABLE raw.customers AS SELECT 'C-' || n AS customer_id, 'A-1' AS account_id,
    'user' || n || '@shop.example' AS email, 'First' AS first_name, 'Last' AS last_name, NULL::VARCHAR AS phone,
    'job' AS job, 'free' AS plan, 0.5 AS churn_score, NULL::VARCHAR AS note, TIMESTAMP '2026-01-01' AS updated_at
FROM generate_series(1, {ROWS}) AS t(n)
"""  # noqa: S608 - a constant


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the workspace with a small warehouse, and its simulators."""
    one = Project.copy(tmp_path_factory.mktemp("plan") / "project")
    (one.root / "demo/.work").mkdir(parents=True)
    for other in ("companies", "deals"):
        (one.root / f"demo/models/{other}.yml").unlink()
    change(one, CUSTOMERS)
    return one


@pytest.fixture(scope="module")
def url(project: Project) -> Iterator[str]:
    """Of the simulators."""
    simulators = project.start("saas-simulators", "serve", "--port", "0")
    assert simulators.stdout is not None
    port = int(simulators.stdout.readline())
    yield f"http://127.0.0.1:{port}"
    simulators.terminate()
    simulators.communicate(timeout=10)


def change(project: Project, statement: str) -> None:
    """Change the warehouse, as a transformation would."""
    with duckdb.connect(str(project.root / "demo/.work/warehouse.duckdb")) as connection:
        connection.execute(statement)


def run(project: Project, url: str, environment: str, **variables: str) -> str:
    """Deliver the customers, or plan to; the log."""
    command = ("meltano", f"--environment={environment}", "run", "tap-customers", "target-mailchimp")
    code, output = project.run(*command, TARGET_MAILCHIMP_API_URL=url, **variables)
    assert code == 0, output
    return output


def newest(root: Path, name: str) -> str:
    """The newest file of that name among the reports."""
    path = max((root / "demo/.work/reports").glob(f"*/{name}"), key=lambda one: one.stat().st_mtime_ns)
    return path.read_text(encoding="utf-8")


def totals(project: Project) -> dict[str, int]:
    """What the last run counted, without zeros."""
    counts: dict[str, int] = json.loads(newest(project.root, "report.json"))["totals"]
    return {name: count for name, count in counts.items() if count}


def planned(project: Project) -> list[dict[str, Any]]:
    """The lines of the last plan."""
    return [json.loads(line) for line in newest(project.root, "plan.jsonl").splitlines()]


def test_a_plan_between_two_runs_disturbs_nothing(project: Project, url: str) -> None:
    """LOG_BASED: it plans for the demo's sync; without its STATE all rows come, then and in the next run, in vain."""
    run(project, url, "demo")
    assert totals(project) == {"read": ROWS, "created": ROWS}
    change(project, "UPDATE raw.customers SET first_name = 'Other' WHERE customer_id IN ('C-1', 'C-2')")
    change(project, "DELETE FROM raw.customers WHERE customer_id = 'C-3'")
    log = run(project, url, "plan")
    assert "knows nothing of sync" not in log
    assert {one["source_key"]: one["fields"] for one in planned(project)} == {
        '["C-1"]': {"FNAME": ["First", "Other"]},
        '["C-2"]': {"FNAME": ["First", "Other"]},
    }
    run(project, url, "demo")
    assert totals(project) == {"read": ROWS, "updated": 2, "unchanged": ROWS - 2}


@pytest.mark.long
def test_a_plan_with_the_state_of_the_sync_sees_what_the_next_run_sees(project: Project, url: str) -> None:
    """Copied by `meltano state copy`, or in the same environment: only what changed, there and in the next run."""
    run(project, url, "demo")
    change(project, "UPDATE raw.customers SET first_name = 'Third' WHERE customer_id IN ('C-4', 'C-5')")
    pair = "tap-customers-to-target-mailchimp"
    code, output = project.run("meltano", "state", "copy", "--force", f"demo:{pair}", f"plan:{pair}")
    assert code == 0, output
    for environment, variables in (("plan", {}), ("demo", {"TARGET_MAILCHIMP_DRY_RUN": "true"})):
        log = run(project, url, environment, **variables)
        assert "2 changed" in log
        assert [one["source_key"] for one in planned(project)] == ['["C-4"]', '["C-5"]']
    run(project, url, "demo")
    assert totals(project) == {"read": 2, "updated": 2}
    run(project, url, "demo")
    assert totals(project) == {}
