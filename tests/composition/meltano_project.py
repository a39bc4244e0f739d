"""A small Meltano project with our plugins, inherited twice, a warehouse and simulated accounts."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import yaml
from demo.project import REPOSITORY, Project

from .accounts import HUBSPOT, Accounts, reports

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 6
TARGETS = ("HUBSPOT", "CRM", "PEOPLE", "MIRROR", "BOTH")
MODELS = [
    {"name": "customers", "table": "customers", "key_properties": ["id"]},
    {"name": "accounts", "table": "accounts", "key_properties": ["id"]},
]
COMPANIES = {"accounts": {"object": "companies", "match_on": "customer_id", "fields": {"customer_id": "id"}}}
CUSTOMERS = f"""
    CREATE TABLE customers AS SELECT 'C' || n AS id, 'p' || n || '@example.com' AS mail, 'Name ' || n AS name,
    n::INTEGER AS score FROM generate_series(1, {ROWS}) AS t(n)
"""  # noqa: S608 - a constant
PERSON = {"object": "contacts", "match_on": "email", "fields": {"email": "mail", "jobtitle": "name"}}


def plugins() -> dict[str, Any]:
    """The workspace's definitions, and two plugins that inherit from each of them with other settings."""
    told = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))["plugins"]

    def base(kind: str, name: str) -> dict[str, Any]:
        (one,) = (one for one in told[kind] if one["name"] == name)
        return {key: value for key, value in one.items() if key != "pip_url"}

    tap, target = base("extractors", "tap-warehouse-model"), base("loaders", "target-hubspot")
    log_based = {"customers": {"replication-method": "LOG_BASED"}, "accounts": {"replication-method": "LOG_BASED"}}
    parent = {"inherit_from": "tap-warehouse-model", "metadata": log_based}
    tap["config"] = {"sqlalchemy_url": "duckdb:///$MELTANO_PROJECT_ROOT/warehouse.duckdb", "models": MODELS}
    target["config"] = {
        "access_token": "pat-any",
        "ledger_url": "sqlite:///$MELTANO_PROJECT_ROOT/ledger.db",
        "report_dir": "$MELTANO_PROJECT_ROOT/reports",
        "reconcile_grace_seconds": 0,
        "max_removed_percent": 100,
    }
    streams = {"customers": dict(HUBSPOT.stream), **COMPANIES}

    def heir(name: str, parent: str = "target-hubspot", **config: Any) -> dict[str, Any]:
        return {"name": name, "inherit_from": parent, "config": config}

    return {
        "extractors": [
            tap,
            {"name": "tap-crm", **parent, "config": {"sync_id": "crm"}, "select": ["customers.*"]},
            {"name": "tap-news", **parent, "config": {"sync_id": "news"}},
        ],
        "loaders": [
            target,
            heir("target-crm", streams=streams),
            heir("target-people", streams={"customers": PERSON}),
            heir("target-mirror", load_method="mirror", streams=streams),
            heir("target-both", "target-crm", streams={"customers": {"fields": {"jobtitle": "name"}}}),
        ],
    }


@dataclass(frozen=True)
class Pipelines:
    """The project, its warehouse, and the accounts that it delivers to."""

    project: Project
    accounts: Accounts

    @classmethod
    def make(cls, root: Path, accounts: Accounts) -> Pipelines:
        """Write the project and fill the warehouse."""
        root.mkdir()
        document = {
            "project_id": "composition",
            "send_anonymous_usage_stats": False,
            "environments": [{"name": "dev"}, {"name": "staging"}],
            "plugins": plugins(),
        }
        (root / "meltano.yml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        (root / ".venv").symlink_to(sys.prefix)
        made = cls(Project(root), accounts)
        made.change(
            CUSTOMERS,
            "CREATE TABLE accounts AS SELECT 'A1' AS id",
        )
        return made

    def change(self, *statements: str) -> None:
        """Change the warehouse, as a transformation would."""
        with duckdb.connect(str(self.project.root / "warehouse.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)

    def meltano(self, *words: str, environment: str = "dev", **variables: str) -> tuple[int, str]:
        """Run a command of Meltano: exit code and output."""
        addresses = {f"TARGET_{name}_API_URL": self.accounts.url for name in TARGETS}
        variables = {**addresses, **variables}
        return self.project.run("meltano", f"--environment={environment}", *words, **variables)

    def ok(self, *words: str, **variables: str) -> str:
        """The same, which must succeed; the output."""
        code, output = self.meltano(*words, **variables)
        assert code == 0, output
        return output

    def run(self, tap: str, target: str, *options: str, **variables: str) -> dict[str, int]:
        """Deliver; what became of the records, without zeros."""
        before = reports(self.project.root)
        self.ok("run", *options, tap, target, **variables)
        (path,) = reports(self.project.root) - before
        totals = json.loads(path.read_text(encoding="utf-8"))["totals"]
        return {name: count for name, count in totals.items() if count}

    def state(self, state_id: str) -> dict[str, Any]:
        """What Meltano keeps for a state id; `{}` where there is none."""
        lines = [line for line in self.ok("state", "get", state_id).splitlines() if line.startswith("{")]
        kept: dict[str, Any] = json.loads(lines[-1]) if lines else {}
        return kept

    def syncs(self) -> set[str]:
        """The syncs that the ledger knows."""
        with contextlib.closing(sqlite3.connect(self.project.root / "ledger.db")) as ledger:
            return {name for (name,) in ledger.execute("SELECT DISTINCT sync_id FROM scopes")}
