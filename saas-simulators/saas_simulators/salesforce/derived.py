"""Values that the org itself gives: defaults, names put together, what a stage implies, auto numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from saas_simulators.salesforce.records import RecordStore
    from saas_simulators.salesforce.state import Org

PERSONS = frozenset({"Contact", "Lead", "User"})
# source: general knowledge of a new org's stages: probability and forecast category of each
STAGES = {
    "Prospecting": (10, "Pipeline"),
    "Qualification": (10, "Pipeline"),
    "Needs Analysis": (20, "Pipeline"),
    "Value Proposition": (50, "Pipeline"),
    "Id. Decision Makers": (60, "Pipeline"),
    "Perception Analysis": (70, "Pipeline"),
    "Proposal/Price Quote": (75, "Best Case"),
    "Negotiation/Review": (90, "Commit"),
    "Closed Won": (100, "Closed"),
    "Closed Lost": (0, "Omitted"),
}
DONE = {"Case": "Closed", "Task": "Completed"}


def with_defaults(org: Org, store: RecordStore, sent: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a new row: what was sent, and defaults for what was not; an explicit null stays null."""
    values = dict(store.defaults)
    for name in store.auto_numbers:
        values[name] = f"{store.last_number + 1000:08d}"
    if "OwnerId" in store.fields:
        values["OwnerId"] = org.user_id
    values |= sent
    return {name: value for name, value in values.items() if value is not None}


def with_derived(store: RecordStore, values: dict[str, Any], changed: Collection[str]) -> dict[str, Any]:
    """Bring derived values in line with the ones that changed."""
    if store.name in PERSONS or values.get("IsPersonAccount") is True:
        parts = [values.get("FirstName"), values.get("LastName")]
        values["Name"] = " ".join(part for part in parts if part)
    elif store.name == "Opportunity":
        _opportunity(values, changed)
    elif store.name in DONE:
        values["IsClosed"] = values.get("Status") == DONE[store.name]
    elif store.definition.is_custom and "Name" in store.fields and "Name" not in values:
        # source: object reference: the name of a custom object's row defaults to its id
        values["Name"] = values["Id"]
    return values


def _opportunity(values: dict[str, Any], changed: Collection[str]) -> None:
    stage = values.get("StageName")
    values["IsClosed"] = stage in {"Closed Won", "Closed Lost"}
    values["IsWon"] = stage == "Closed Won"
    if "StageName" in changed:
        probability, category = STAGES.get(stage or "", (0, "Pipeline"))
        if "Probability" not in changed:
            values["Probability"] = float(probability)
        if "ForecastCategoryName" not in changed:
            values["ForecastCategoryName"] = category
