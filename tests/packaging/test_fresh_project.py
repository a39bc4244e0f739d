"""A stranger's first project: the Hub's definitions, the built wheels, an empty folder."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest
from demo.project import Project
from distributions import REPOSITORY

from saas_simulators import SimulatorServer

if TYPE_CHECKING:
    from pathlib import Path

PLUGINS = (("extractor", "tap-warehouse-model"), ("loader", "target-hubspot"), ("utility", "reverse-etl"))
FRESH = "project_id: fresh\nsend_anonymous_usage_stats: false\nenvironments:\n- name: dev\n"
MODELS = [{"name": "contacts", "table": "people", "key_properties": ["email"]}]
STREAMS = {"contacts": {"match_on": "email"}}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_definitions_install_the_wheels_and_deliver(wheels: dict[str, Path], tmp_path: Path) -> None:
    """`meltano add` installs each plugin from its `pip_url`; a run delivers, and the command finds it in the ledger."""
    root = tmp_path / "fresh"
    (root / ".venv/bin").mkdir(parents=True)
    for program in ("meltano", "uv"):  # no plugin of the workspace is on the path
        (root / ".venv/bin" / program).symlink_to(f"{sys.prefix}/bin/{program}")
    (root / "meltano.yml").write_text(FRESH, encoding="utf-8")
    with duckdb.connect(str(root / "warehouse.duckdb")) as warehouse:
        warehouse.execute("CREATE TABLE people AS SELECT 'p' || n || '@shop.example' AS email FROM range(5) AS t(n)")
    project = Project(root)
    with SimulatorServer() as server:
        variables = {
            "UV_FIND_LINKS": str(next(iter(wheels.values())).parent),
            "TAP_WAREHOUSE_MODEL_SQLALCHEMY_URL": "duckdb:///warehouse.duckdb",
            "TAP_WAREHOUSE_MODEL_MODELS": json.dumps(MODELS),
            "TARGET_HUBSPOT_API_URL": server.url,
            "TARGET_HUBSPOT_ACCESS_TOKEN": "pat-na1-test",
            "TARGET_HUBSPOT_STREAMS": json.dumps(STREAMS),
        }
        for kind, plugin in PLUGINS:
            (path,) = (REPOSITORY / "docs/hub/_data/meltano").glob(f"*/{plugin}/*.yml")
            command = ("meltano", "add", "--plugin-type", kind, "--from-ref", str(path), plugin)
            code, output = project.run(*command, **variables)
            assert code == 0, output
        for counted in ("5 created", "5 unchanged"):
            command = ("meltano", "--environment=dev", "run", "tap-warehouse-model", "target-hubspot")
            code, output = project.run(*command, **variables)
            assert code == 0, output
            assert re.search(rf"Summary of the run: .*\b{counted}\b", output), output
    code, output = project.run("meltano", "--environment=dev", "invoke", "reverse-etl:streams", **variables)
    assert code == 0, output
    assert re.search(r"dev:tap-warehouse-model-to-target-hubspot +\S+ +contacts +contacts", output), output
