"""docs/recipes.md: models and settings as they stand there, run by Meltano against the simulators."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import requests
import yaml
from demo.project import REPOSITORY, Project

from saas_simulators import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PAGE = (REPOSITORY / "docs/recipes.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
BLOCK = re.compile(r"^```yaml\n# (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOKEN = {"Authorization": "Bearer pat-na1-test"}
LEADS = 20
PEOPLE = 12

SEED: dict[str, Any] = {
    "salesforce": {
        "records": {
            "Lead": [{"LastName": f"L{n}", "Company": "C", "External_Id__c": f"L-{n}"} for n in range(LEADS - 1)]
        }
    },
    "hubspot": {
        "lists": [{"name": "High churn risk"}],
        "records": {
            "companies": [{"name": "Acme", "customer_id": "A-1"}],
            "contacts": [{"email": "p0@shop.example"}, {"email": "by.hand@shop.example", "customer_id": "other"}],
        },
    },
    "mailchimp": {
        "audiences": [
            {
                "id": "news000000",
                "name": "Newsletter",
                "members": [
                    {"email_address": "p0@shop.example", "status": "unsubscribed", "unsubscribed_by": "contact"}
                ],
            }
        ]
    },
}
WAREHOUSE = f"""
CREATE SCHEMA marts;
CREATE TABLE marts.lead_scores AS SELECT 'L-' || n AS lead_id, n * 5.001 AS score FROM range({LEADS}) AS t(n);
CREATE TABLE marts.churn AS SELECT 'P-' || n AS customer_id, CASE WHEN n < 2 THEN 'A-' || n END AS account_id,
    'p' || n || '@shop.example' AS email, CASE WHEN n < 10 THEN 0.85 ELSE 0.1 END AS churn_risk
    FROM range({PEOPLE}) AS t(n);
CREATE TABLE marts.customers AS SELECT 'P-' || n AS customer_id, 'p' || n || '@shop.example' AS email,
    'First' AS first_name, 'Last' AS last_name, n < {PEOPLE} AS agreed_to_marketing FROM range({PEOPLE} + 1) AS t(n);
CREATE TABLE marts.segments AS SELECT 'P-' || n AS customer_id, s AS segment
    FROM range({PEOPLE} + 1) AS t(n), unnest(['lapsed', 'big']) AS u(s) WHERE s = 'big' OR n < 5;
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class Recipe:
    """One recipe in a project of its own."""

    project: Project
    url: str
    tap: str
    target: str

    def change(self, statements: str) -> None:
        """Change the warehouse, as a transformation would."""
        with duckdb.connect(str(self.project.root / "warehouse.duckdb")) as warehouse:
            warehouse.execute(statements)

    def run(self) -> str:
        """Deliver; the log."""
        code, output = self.project.run(
            "meltano", "--environment=dev", "run", self.tap, self.target,
            TAP_WAREHOUSE_MODEL_SQLALCHEMY_URL="duckdb:///warehouse.duckdb",
            TAP_WAREHOUSE_MODEL_MODELS_PATH="models",
            TARGET_HUBSPOT_API_URL=self.url, TARGET_HUBSPOT_ACCESS_TOKEN="pat-na1-test",
            TARGET_MAILCHIMP_API_URL=self.url, TARGET_MAILCHIMP_API_KEY="any-text-us1",
            TARGET_SALESFORCE_LOGIN_URL=self.url, TARGET_SALESFORCE_CLIENT_ID="app",
            TARGET_SALESFORCE_CLIENT_SECRET="secret",
        )  # fmt: skip
        assert code == 0, output
        return output

    def records(self, path: str) -> list[dict[str, Any]]:
        """Live records of the simulated account."""
        answer = requests.get(f"{self.url}/_simulator/records/{path}?limit=1000", timeout=10)
        answer.raise_for_status()
        return [one["properties"] for one in answer.json()["records"] if not one["archived"]]

    def ask(self, path: str, **parameters: str) -> dict[str, Any]:
        """What an API answers."""
        answer = requests.get(f"{self.url}{path}", params=parameters, headers=TOKEN, timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def url() -> Iterator[str]:
    """The simulators."""
    with SimulatorServer(seed=SEED) as server:
        yield server.url


def with_blocks(plugins: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
    """The example project's plugins, without their `pip_url`, and what a recipe adds to them."""
    merged: dict[str, Any] = {}
    for kind in ("extractors", "loaders"):
        base = {one["name"]: {k: v for k, v in one.items() if k != "pip_url"} for one in plugins[kind]}
        for one in added[kind]:
            base[one["name"]] = base.get(one["name"], {}) | one
        merged[kind] = list(base.values())
    return merged


def prepared(title: str, root: Path, url: str) -> Recipe:
    """A project with the files of one recipe, and a warehouse."""
    (root / "models").mkdir(parents=True)
    (root / ".venv").symlink_to(sys.prefix)
    blocks = BLOCK.findall(SECTIONS[title])
    ((_, text),) = (one for one in blocks if one[0] == "meltano.yml")
    added = yaml.safe_load(text)["plugins"]
    plugins = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    file = {
        "project_id": "recipe",
        "send_anonymous_usage_stats": False,
        "environments": [{"name": "dev"}],
        "plugins": with_blocks(plugins, added),
    }
    (root / "meltano.yml").write_text(yaml.safe_dump(file, sort_keys=False), encoding="utf-8")
    for path, content in blocks:
        if path.startswith("models/"):
            (root / path).write_text(content, encoding="utf-8")
    recipe = Recipe(Project(root), url, added["extractors"][0]["name"], added["loaders"][0]["name"])
    recipe.change(WAREHOUSE)
    return recipe


def summary(log: str) -> str:
    """The totals of a run."""
    (found,) = re.findall(r"Summary of the run: (.*)", log)
    return str(found)


def test_lead_scores_update_leads_and_create_none(url: str, tmp_path: Path) -> None:
    """All leads that are there get score and rating, one that is not is rejected, and a change is one update."""
    recipe = prepared("Lead scores to Salesforce", tmp_path / "project", url)
    log = recipe.run()
    assert f"0 created, {LEADS - 1} updated" in summary(log)
    assert "not_found" in log
    leads = {one["External_Id__c"]: one for one in recipe.records("salesforce/Lead")}
    assert len(leads) == LEADS - 1
    assert (leads["L-3"]["Score__c"], leads["L-3"]["Rating"]) == (15.0, "Cold")
    assert leads["L-18"]["Rating"] == "Hot"
    recipe.change(
        "UPDATE marts.lead_scores SET score = score + 0.0001;"
        "UPDATE marts.lead_scores SET score = 99 WHERE lead_id = 'L-3'"
    )
    assert "0 created, 1 updated" in summary(recipe.run())
    recipe.change("UPDATE marts.lead_scores SET score = NULL WHERE lead_id = 'L-3'")
    recipe.run()
    (lead,) = (one for one in recipe.records("salesforce/Lead") if one["External_Id__c"] == "L-3")
    assert (lead.get("Score__c"), lead.get("Rating")) == (None, None)


def test_churn_risk_reaches_contacts_companies_and_the_list(url: str, tmp_path: Path) -> None:
    """Contacts are adopted by their address or made, the list follows the score, and what people added stays."""
    recipe = prepared("Churn risk to HubSpot", tmp_path / "project", url)
    recipe.run()
    contacts = {one["customer_id"]: one for one in recipe.records("hubspot/contacts")}
    assert len(contacts) == PEOPLE + 1
    assert contacts["P-0"]["churn_risk"] == "0.85"
    (listed,) = recipe.ask("/crm/lists/v3/object-type-id/0-1/name/High churn risk").values()
    members = f"/crm/lists/v3/{listed['listId']}/memberships"
    assert len(recipe.ask(members)["results"]) == 10
    by_hand = next(one for one in recipe.records("hubspot/contacts") if one["customer_id"] == "other")
    requests.put(f"{url}{members}/add", json=[by_hand["hs_object_id"]], headers=TOKEN, timeout=10).raise_for_status()
    ((_, company),) = ((one["customer_id"], one["hs_object_id"]) for one in recipe.records("hubspot/companies"))
    associated = recipe.ask(f"/crm/v4/objects/contacts/{contacts['P-1']['hs_object_id']}/associations/companies")
    assert [one["toObjectId"] for one in associated["results"]] == [int(company)]
    recipe.change("UPDATE marts.churn SET churn_risk = 0.2 WHERE customer_id IN ('P-0', 'P-1', 'P-2')")
    log = recipe.run()  # 30 %: the brakes are set for that
    assert " 3 removed" in summary(log)
    left = {one["recordId"] for one in recipe.ask(members)["results"]}
    assert len(left) == 8
    assert by_hand["hs_object_id"] in left


def test_segments_become_tags_and_a_static_segment(url: str, tmp_path: Path) -> None:
    """Who agreed is a member, who left stays away, tags follow, and the segment follows its model."""
    recipe = prepared("Segments to Mailchimp", tmp_path / "project", url)
    recipe.run()
    members = {one["email_address"]: one for one in recipe.ask("/3.0/lists/news000000/members", count="100")["members"]}
    assert len(members) == PEOPLE
    assert members["p0@shop.example"]["status"] == "unsubscribed"
    assert members["p1@shop.example"]["status"] == "subscribed"
    assert {one["name"] for one in members["p1@shop.example"]["tags"]} >= {"segment: big", "segment: lapsed"}
    static = recipe.ask("/3.0/lists/news000000/segments", type="static", count="100")["segments"]
    (offer,) = (one["id"] for one in static if one["name"] == "Spring offer")
    offered = f"/3.0/lists/news000000/segments/{offer}/members"
    assert len(recipe.ask(offered)["members"]) == 5
    recipe.change(
        "DELETE FROM marts.segments WHERE customer_id = 'P-1' AND segment = 'lapsed' OR customer_id = 'P-2';"
        "DELETE FROM marts.customers WHERE customer_id = 'P-3'"
    )
    recipe.run()
    members = {one["email_address"]: one for one in recipe.ask("/3.0/lists/news000000/members", count="100")["members"]}
    tags = {name: {one["name"] for one in member["tags"]} for name, member in members.items()}
    assert tags["p1@shop.example"] == {"segment: big"}
    assert tags["p2@shop.example"] == set()
    assert members["p1@shop.example"]["status"] == "subscribed"
    assert members["p3@shop.example"]["status"] == "unsubscribed"
    assert {one["email_address"] for one in recipe.ask(offered)["members"]} == {
        "p0@shop.example",
        "p4@shop.example",
    }


def test_every_block_is_tried() -> None:
    """Each model file and each piece of `meltano.yml` on the page belongs to a recipe, and each recipe has its test."""
    assert len(re.findall(r"^```yaml", PAGE, re.MULTILINE)) == sum(
        len(BLOCK.findall(text)) for text in SECTIONS.values()
    )
    assert list(SECTIONS) == ["Lead scores to Salesforce", "Churn risk to HubSpot", "Segments to Mailchimp"]
