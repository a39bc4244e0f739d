"""Values as sources write them: each becomes what HubSpot means by it, or is refused before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .rows import define, deliver, live, only, person

if TYPE_CHECKING:
    from conformance.stage import Stage

KINDS = {"day": ("date", "date"), "moment": ("datetime", "date"), "flag": ("bool", "booleancheckbox")}


@pytest.fixture(autouse=True)
def _properties(stage: Stage) -> None:
    for name, (kind, field_type) in KINDS.items():
        define(stage, name, kind, field_type)


@pytest.mark.parametrize(
    ("column", "given", "held"),
    [
        ("day", "2026-03-29", "2026-03-29"),
        # A moment is taken at its day in UTC: HubSpot takes midnight in UTC only.
        ("day", "2026-03-29T23:30:00-05:00", "2026-03-30"),
        ("day", "2026-03-29T00:30:00+02:00", "2026-03-28"),
        ("day", "2024-02-29T12:00:00", "2024-02-29"),
        ("moment", "2026-03-29T23:30:00.123456-05:00", "2026-03-30T04:30:00.123Z"),
        ("moment", "2026-03-29", "2026-03-29T00:00:00Z"),
        ("churn_risk", 1e-7, "0.0000001"),
        ("churn_risk", "1e3", "1000"),
        ("churn_risk", "-0.50", "-0.50"),
        ("churn_risk", 12345678901234567, "12345678901234567"),
        ("churn_risk", 0, "0"),
        ("flag", "Yes", "true"),
        ("flag", 0, "false"),
        ("flag", "off", "false"),
        ("city", '=HYPERLINK(1);a,"b"\'\r\n\u2028\U0001f600', '=HYPERLINK(1);a,"b"\'\r\n\u2028\U0001f600'),
        ("city", {"a": [1]}, '{"a":[1]}'),
        ("city", True, "true"),
        ("city", ";London", ";London"),
    ],
)
def test_a_value_becomes_what_hubspot_takes(stage: Stage, column: str, given: Any, held: str) -> None:
    """Days and moments in UTC, numbers without exponent, booleans as words, text as it is."""
    assert deliver(stage, person(1, **{column: given})).exit_code == 0
    assert only(stage)[column] == held
    assert deliver(stage, person(1, **{column: given})).totals["unchanged"] == 1


@pytest.mark.parametrize(
    ("column", "given", "code"),
    [
        ("day", "29.03.2026", "invalid_value"),
        ("day", "2026-02-30", "invalid_value"),
        ("day", 1774742400000, "invalid_value"),
        ("moment", "soon", "invalid_value"),
        ("moment", "9999-12-31T23:59:59-05:00", "invalid_value"),
        ("churn_risk", "1,000", "invalid_value"),
        ("churn_risk", "$5", "invalid_value"),
        ("churn_risk", "NaN", "invalid_value"),
        ("churn_risk", "1e999", "invalid_value"),
        ("churn_risk", True, "invalid_value"),
        ("flag", "perhaps", "invalid_value"),
        ("flag", 2, "invalid_value"),
        ("city", "x" * 65_537, "too_long"),
        ("email", "ada@", "invalid_email"),
    ],
)
def test_what_a_property_cannot_hold_is_refused_before_sending(
    stage: Stage, column: str, given: Any, code: str
) -> None:
    """One reject with its code; the record beside it arrives in the only request."""
    result = deliver(stage, person(1) | {column: given}, person(2))
    assert (result.codes, result.totals["created"], stage.vendor.write_requests()) == ({code: 1}, 1, 1)
    assert [one["customer_id"] for one in live(stage)] == ["K2"]


@pytest.mark.parametrize("name", ["createdate", "hs_object_id", "hs_lifecyclestage_lead_date", "score"])
@pytest.mark.parametrize("mapping", ["by name", "fields", "constant"])
def test_what_hubspot_fills_itself_is_refused_at_the_start(stage: Stage, name: str, mapping: str) -> None:
    """Read-only and calculated properties, however they are mapped: exit code 78, named, and nothing is sent."""
    define(stage, "score", "number", "calculation_equation")
    fields = {"customer_id": "customer_id", name: {"value": "1"} if mapping == "constant" else "x"}
    stream: dict[str, Any] = {"object": "contacts", "match_on": "customer_id"}
    if mapping == "by name":
        result = deliver(stage, {"customer_id": "K1", name: "1"}, stream=stream)
    else:
        result = deliver(stage, {"customer_id": "K1", "x": "1"}, stream={**stream, "fields": fields})
    assert result.exit_code == 78
    assert f"'{name}'" in result.error
    assert stage.vendor.write_requests() == 0
