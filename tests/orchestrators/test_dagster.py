"""The example for Dagster, loaded and run by the real one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from .stage import EXAMPLES, ROWS, SCHEDULE, SLICES, Stage, environment, last_json, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

DRIVER = Path(__file__).with_name("dagster_driver.py")
CONTACTS = "hubspot/contacts"
STREAMS = (CONTACTS, "hubspot/companies", "hubspot/deals")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The project."""
    environment("dagster")
    with stage(tmp_path_factory.mktemp("dagster")) as built:
        yield built


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the page says to copy there."""
    folder = tmp_path_factory.mktemp("code")
    for path in (EXAMPLES / "dagster/definitions.py", EXAMPLES / "meltano_runs.py"):
        shutil.copy2(path, folder)
    return folder


def dagster(one: Stage, code: Path, *arguments: str, **more: str) -> Any:
    """Run the driver in Dagster's environment."""
    variables = one.variables(PYTHONPATH=str(code), DAGSTER_HOME=str(code), DAGSTER_DISABLE_TELEMETRY="1", **more)
    command = [str(environment("dagster") / "bin/python"), str(DRIVER), *arguments]
    return last_json(command, variables, code / "output.log", timeout_s=400)


def test_every_schedule_has_assets_and_starts_its_partitions(one: Stage, code: Path) -> None:
    """The definitions are valid: an asset and a check for each stream, a partition for each slice."""
    told = dagster(one, code)
    everything = {"hubspot": ["companies", "contacts", "deals"], "salesforce": ["companies", "contacts", "deals"]}
    expected = {f"{name}-hourly": [f"{name}/{stream}" for stream in streams] for name, streams in everything.items()}
    expected["mailchimp-daily"] = ["mailchimp/contacts"]
    assert {name: assets["keys"] for name, assets in told["assets"].items()} == expected
    for name, assets in told["assets"].items():
        slices = SLICES if name == SCHEDULE else 1
        assert assets["checks"] == ["few_rejects"] * len(assets["keys"])
        assert assets["partitions"] == [str(index) for index in range(slices)]
        assert told["due"][name.replace("-", "_")] == assets["partitions"]
    assert told["schedules"]["mailchimp_daily"] == "40 5 * * *"


def test_partitions_are_materialized_once_and_a_rerun_writes_nothing(one: Stage, code: Path) -> None:
    """All partitions together create each row once, and say so in their metadata; the rerun makes no write request."""
    first, second = dagster(one, code, SCHEDULE, "2")
    for partition in (*first, *second):
        assert partition["success"], partition
        assert partition["checks"] == dict.fromkeys(STREAMS, True)
        assert list(partition["assets"]) == [CONTACTS]  # the tap has no other stream here
    created = [partition["assets"][CONTACTS]["created"] for partition in first]
    assert all(created)
    assert sum(created) == ROWS == one.created()
    assert Path(first[0]["assets"][CONTACTS]["report"]).is_file()
    assert [partition["assets"][CONTACTS]["created"] for partition in second] == [0] * SLICES
    assert one.deliveries() == {"delivered": ROWS}
    assert one.writes() == SLICES


def test_many_rejects_fail_the_check_and_not_the_run(one: Stage, code: Path) -> None:
    """Some addresses are none: the rest is delivered, and the check of that partition says how many were refused."""
    with duckdb.connect(str(one.project.root / "demo/.work/warehouse.duckdb")) as warehouse:
        warehouse.execute(
            "UPDATE raw.customers SET email = 'none', updated_at = TIMESTAMP '2026-02-01' WHERE customer_id = 'C-1'"
        )
    (partitions,) = dagster(one, code, SCHEDULE, "1", TARGET_HUBSPOT_MAX_REJECTED_PERCENT="100")
    assert all(partition["success"] for partition in partitions)
    refused = [partition for partition in partitions if partition["assets"].get(CONTACTS, {}).get("rejected")]
    (partition,) = refused
    assert partition["checks"] == {**dict.fromkeys(STREAMS, True), CONTACTS: False}
    assert partition["assets"][CONTACTS]["codes"] == {"invalid_email": 1}


def test_what_is_configured_wrong_is_not_tried_again(one: Stage, code: Path) -> None:
    """A refused token fails the step at its first attempt, with the target's message."""
    (partitions,) = dagster(one, code, SCHEDULE, "1", TARGET_HUBSPOT_ACCESS_TOKEN="invalid-token")
    for partition in partitions:
        assert not partition["success"]
        assert partition["retries"] == 0
        (failure,) = partition["failures"]
        assert failure.startswith("sync-hubspot ended with 78: ")
