"""A real dbt project: what dbt itself writes is what the tap reads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from conformance.stage import Stage, Vendor

from saas_simulators import SimulatorServer
from target_hubspot.target import TargetHubSpot

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "tap-warehouse-model/README.md"
UV = Path(sys.executable).parent / "uv"
ENVIRONMENT = REPOSITORY / ".venv-dbt"
"""Kept from run to run; git does not see it."""

FILES = {
    "dbt_project.yml": """
name: shop
profile: shop
models: {shop: {marts: {+schema: marts, +materialized: table}}}
""",
    "profiles.yml": "{shop: {target: dev, outputs: {dev: {type: duckdb, path: ../warehouse.duckdb}}}}",
    "seeds/raw_customers.csv": "id,email,name\n1,ada@example.com,Ada\n2,bob@example.com,Bob\n",
    "seeds/schema.yml": """
seeds:
- name: raw_customers
  config: {meta: {reverse_etl: {name: raw, key_properties: [ID]}}}
""",
    "models/staging/stg_customers.sql": "SELECT id AS customer_id, email, name FROM {{ ref('raw_customers') }}\n",
    "models/staging/passing.sql": "{{ config(materialized='ephemeral') }}\nSELECT 1 AS id\n",
    "models/marts/customers.sql": """

{{ config(alias='Customer mart') }}

SELECT 'C' || customer_id AS customer_id,   email, name AS city,
       TIMESTAMP '2024-05-01' + to_days(customer_id) AS updated_at
FROM {{ ref('stg_customers') }} WHERE customer_id IN (SELECT id + 0 FROM {{ ref('raw_customers') }})

""",
    "models/marts/orders_v1.sql": "SELECT 1 AS order_id, 1 AS line\n",
    "models/marts/orders_v2.sql": "SELECT order_id, line, 'new' AS note FROM {{ ref('orders', v=1) }}\n",
    "models/marts/schema.yml": """
models:
- name: orders
  latest_version: 2
  description: Lines of orders.
  config: {meta: {reverse_etl: {replication_method: INCREMENTAL, replication_key: LINE}}}
  data_tests:
  - dbt_utils.unique_combination_of_columns: {arguments: {combination_of_columns: [order_id, line]}}
  versions: [{v: 1}, {v: 2}]
""",
    # Stands for the package, which is not on the registry that dbt itself is installed from.
    "local/dbt_utils/dbt_project.yml": "{name: dbt_utils, version: '1.0'}",
    "local/dbt_utils/macros/unique.sql": """
{% test unique_combination_of_columns(model, combination_of_columns) %}
SELECT 1 FROM {{ model }} GROUP BY {{ combination_of_columns | join(', ') }} HAVING count(*) > 1
{% endtest %}
""",
    "packages.yml": "{packages: [{local: local/dbt_utils}]}",
}


@pytest.fixture(scope="module")
def dbt() -> Path:
    """Return the command of dbt with its adapter for DuckDB, in an environment of its own."""
    command = ENVIRONMENT / "bin/dbt"
    if not command.exists():
        subprocess.run([UV, "venv", "--quiet", "--clear", ENVIRONMENT], check=True)
        # dbt 1.12 requires a parser that it does not use unless asked, and whose installation downloads a binary.
        overrides = ENVIRONMENT / "overrides.txt"
        overrides.write_text("dbt-core-experimental-parser ; python_version < '3'\n", encoding="utf-8")
        # The tap's own version of DuckDB, or it could not open the file.
        packages = ["dbt-duckdb", f"duckdb=={duckdb.__version__}"]
        install = [UV, "pip", "install", "--quiet", "--python", ENVIRONMENT, "--override", overrides]
        subprocess.run([*install, *packages], check=True)
    return command


class Transform:
    """The dbt project, in the folder `transform` of a Meltano project."""

    def __init__(self, root: Path, dbt: Path) -> None:
        self.root, self.folder, self._dbt = root, root / "transform", dbt
        (example,) = re.findall(r"```yaml\n# transform/models/schema.yml\n(.*?)```", README.read_text(), re.DOTALL)
        for name, text in {**FILES, "models/schema.yml": example}.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> None:
        """Run dbt."""
        done = subprocess.run(
            [self._dbt, *arguments],
            cwd=self.folder,
            env={**os.environ, "DBT_PROFILES_DIR": str(self.folder), "DO_NOT_TRACK": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.fixture
def transform(dbt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transform:
    """The project, built."""
    root = tmp_path / "project"
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(root))
    project = Transform(root, dbt)
    project.run("deps")
    project.run("build")
    return project


def settings(transform: Transform, *models: dict[str, Any]) -> dict[str, Any]:
    """The tap's."""
    url = f"duckdb:///{transform.root}/warehouse.duckdb"
    return {"sqlalchemy_url": url, "dbt_manifest": "transform/target/manifest.json", "models": list(models)}


@pytest.mark.long
def test_the_tap_reads_what_dbt_built(transform: Transform, run_tap: Callable[..., Any]) -> None:
    """Discovery and sync over seed, view, table with alias, and versions, with keys and descriptions."""
    config = settings(
        transform,
        {"name": "staged", "dbt_model": "stg_customers", "key_properties": ["customer_id"]},
        {"name": "old_orders", "dbt_model": "orders.v1"},
    )
    catalog = json.loads(run_tap(config, "--discover").stdout)
    keys = {one["stream"]: one["key_properties"] for one in catalog["streams"]}
    assert keys == {
        "customers": ["customer_id"],
        "old_orders": ["order_id", "line"],
        "orders": ["order_id", "line"],
        "raw": ["id"],
        "staged": ["customer_id"],
    }
    run = run_tap(config, catalog=catalog)
    assert run.exit_code == 0, run.stderr
    assert "older than" not in run.stderr, "the checksums are those of dbt"
    assert {stream: len(run.records(stream)) for stream in keys} == {
        **dict.fromkeys(keys, 2),
        "old_orders": 1,
        "orders": 1,
    }
    assert run.records("orders") == [{"order_id": 1, "line": 1, "note": "new"}]
    assert run.state["bookmarks"]["orders"]["replication_key_value"] == 1
    described = {one["stream"]: one["schema"].get("description") for one in run.of_type("SCHEMA")}
    assert (described["customers"], described["orders"]) == ("One row per customer.", "Lines of orders.")


@pytest.mark.long
def test_every_file_is_compared_with_what_dbt_read(transform: Transform, run_tap: Callable[..., Any]) -> None:
    """Another layout is the same file, as for dbt; another word is not, whichever kind of node it is."""
    config = settings(transform, {"name": "staged", "dbt_model": "stg_customers", "key_properties": []})
    files = ("seeds/raw_customers.csv", "models/marts/customers.sql", "models/staging/stg_customers.sql")
    for name in files:
        path = transform.folder / name
        path.write_text(path.read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    assert "older than" not in run_tap(config).stderr
    for name in files:
        path = transform.folder / name
        path.write_text(path.read_text(encoding="utf-8").replace("email", "email_2"), encoding="utf-8")
    run = run_tap(config)
    assert run.exit_code == 0
    assert "older than the files of these dbt models: 'customers', 'stg_customers', 'raw_customers'." in run.stderr


@pytest.mark.long
def test_what_dbt_did_not_build_is_refused(transform: Transform, run_tap: Callable[..., Any]) -> None:
    """A new model needs `dbt build`, an ephemeral one another materialization."""
    (transform.folder / "models/fresh.sql").write_text("SELECT 1 AS id", encoding="utf-8")
    config = settings(transform, {"name": "m", "dbt_model": "fresh"})
    assert "If it is new, run 'dbt parse' or 'dbt build'" in run_tap(config).errors
    transform.run("parse")
    assert "Run 'dbt build --select fresh'" in run_tap(config).errors
    transform.run("build", "--select", "fresh")
    assert run_tap(config).exit_code == 0
    assert "is ephemeral" in run_tap(settings(transform, {"name": "m", "dbt_model": "passing"})).errors


@pytest.mark.long
def test_dbt_feeds_hubspot(transform: Transform, run_tap: Callable[..., Any], tmp_path: Path) -> None:
    """From a dbt model by way of `meta.reverse_etl` to contacts; once more, nothing is written."""
    with SimulatorServer() as simulator:
        vendor = Vendor(
            target=TargetHubSpot,
            module="target_hubspot",
            settings={"access_token": "pat-na1-token-of-the-test", "api_url": simulator.url},
            url=simulator.url,
            object_name="contacts",
            match_field="customer_id",
            text_field="city",
            required={},
            invalid=("", "", ""),
            records_per_request=100,
            write_path="",
        )
        stage = Stage(vendor, tmp_path, stream="customers")
        fields = {"customer_id": "customer_id", "email": "email", "city": "city"}
        streams = {"customers": {"object": "contacts", "match_on": "customer_id", "fields": fields}}
        messages = [
            one for one in run_tap(settings(transform)).messages if one.get("stream", "customers") == "customers"
        ]
        first, second = (stage.run_command(json.loads(json.dumps(messages)), streams=streams) for _ in range(2))
        assert (first.exit_code, first.totals["created"]) == (0, 2), first.log
        assert (second.exit_code, second.totals["unchanged"]) == (0, 2), second.log
        found = vendor.control("records/hubspot/contacts?limit=1000")["records"]
    mine = {
        one["properties"]["customer_id"]: one["properties"]["city"] for one in found if one["properties"].get("city")
    }
    assert mine | {"C1": "Ada", "C2": "Bob"} == mine
