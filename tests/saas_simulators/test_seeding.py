"""Seed files: what they add, and how wrong ones are refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from saas_simulators.seeds import SeedError, read_seed
from saas_simulators.simulation import Simulation

README = Path(__file__).parents[2] / "saas-simulators" / "README.md"


def readme_seed() -> dict[str, Any]:
    """Return the examples of the README, of all vendors."""
    examples = re.findall(r"```yaml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    return {vendor: content for example in examples for vendor, content in yaml.safe_load(example).items()}


def test_the_example_of_the_readme_works() -> None:
    """The README's seed adds its owners, properties, objects and records to the defaults, reset or not."""
    simulation = Simulation(readme_seed())
    simulation.reset()
    account = simulation.hubspot.account
    assert account.portal_id == 4711
    assert {"101", "31871817"} <= set(account.owners)
    contacts = account.store("contacts")
    assert {"customer_id", "external_ref", "email"} <= set(contacts.unique)
    assert [option["label"] for option in contacts.definitions["region"].options] == ["emea", "Asia Pacific"]
    assert contacts.find_by("email", "OLD@example.com") is not None
    (subscription,) = account.store("p4711_subscription").iterate()
    assert subscription.properties["seats"] == "5"
    assert len(simulation.journal) == 0


def test_the_salesforce_example_of_the_readme_works() -> None:
    """The README's seed adds its users, objects, fields, records and rules to the defaults, reset or not."""
    simulation = Simulation(readme_seed())
    simulation.reset()
    org = simulation.salesforce.org
    assert org.store("User").live_count == 3
    (subscription,) = org.store("Subscription__c").iterate()
    (account,) = org.store("Account").iterate()
    assert subscription.values["Account__c"] == account.id
    assert org.store("Subscription__c").relationships["person__r"].is_polymorphic
    assert org.apex_limits == {"Lead": 100}
    assert org.validation_rules["Account"][0].refuses({"Score__c": 101.0})
    assert "External_Id__c" in org.store("Lead").indexes


def test_records_may_set_read_only_properties() -> None:
    """A seed can give a contact a secondary address, which the API cannot."""
    rows = [{"email": "ada@example.com", "hs_additional_emails": "ada@work.example"}]
    simulation = Simulation({"hubspot": {"records": {"contacts": rows}}})
    store = simulation.hubspot.account.store("contacts")
    assert store.find_by("email", "ada@work.example") is store.find_by("email", "ada@example.com")


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ({"hubspott": {}}, "the seed: unknown key 'hubspott'"),
        ([], "the seed: expected a mapping"),
        ({"hubspot": {"contacts": []}}, "hubspot: unknown key 'contacts'"),
        ({"hubspot": {"portal_id": "x"}}, "hubspot.portal_id: 'x' is not a whole number"),
        ({"hubspot": {"owners": [{"id": 1}]}}, "hubspot.owners[0]: 'email' is missing"),
        ({"hubspot": {"properties": {"contact": [{"name": "x", "type": "text"}]}}}, "[0].type: 'text' is not"),
        ({"hubspot": {"properties": {"cats": []}}}, "hubspot.properties.cats: there is no such object type"),
        ({"hubspot": {"properties": {"deals": [{"name": "x", "type": "enumeration"}]}}}, "needs a list of options"),
        ({"hubspot": {"properties": {"deals": [{"label": "x"}]}}}, "'name' is missing"),
        ({"hubspot": {"objects": [{"name": "cat", "properties": []}]}}, "hubspot.objects[0].properties: a custom"),
        ({"hubspot": {"records": {"deals": [{"color": "red"}]}}}, "hubspot.records.deals[0]: deals has no property"),
        ({"hubspot": {"records": {"contacts": [{"plan": "gold"}]}}}, "hubspot.records.contacts[0].plan: gold was not"),
        ({"hubspot": {"records": {"contacts": [{"email": "a@b.example"}] * 2}}}, "contacts[1].email: another record"),
    ],
)
def test_wrong_seeds_are_refused_with_their_place(seed: Any, said: str) -> None:
    """A wrong seed names the place and what would be right."""
    with pytest.raises(SeedError, match=re.escape(said)):
        Simulation(seed)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    """A missing file and one that is not YAML are refused with the path."""
    with pytest.raises(SeedError, match="cannot be read"):
        read_seed(tmp_path / "missing.yml")
    (tmp_path / "bad.yml").write_text("a: [")
    with pytest.raises(SeedError, match="not valid YAML"):
        read_seed(tmp_path / "bad.yml")
    (tmp_path / "empty.yml").write_text("")
    assert read_seed(tmp_path / "empty.yml") == {}
