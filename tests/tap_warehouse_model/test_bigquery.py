"""BigQuery's dialect with Google's client, against a server that answers from a script. No SQL is run."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from warehouses import bigquery_server
from warehouses.environments import Command, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

INTEGER, NUMBER, TEXT = ({"type": [name, "null"]} for name in ("integer", "number", "string"))
ARRAY, OBJECT = {"type": ["array", "null"], "items": {}}, {"type": ["object", "null"]}
TIMESTAMP = {**TEXT, "format": "date-time"}
EXACT = "99999999999999999999999999999.999999999"
# the column as BigQuery describes it -> (its type once it is written, its value as sent, as emitted, JSON Schema)
TYPES: list[tuple[dict[str, Any], str, str | None, Any, dict[str, Any]]] = [
    ({"name": "id", "type": "INTEGER"}, "INTEGER", "9223372036854775807", 9223372036854775807, INTEGER),
    ({"name": "price", "type": "NUMERIC"}, "NUMERIC", EXACT, Decimal(EXACT), NUMBER),
    ({"name": "whole", "type": "NUMERIC", "precision": "9"}, "NUMERIC", "7", 7, INTEGER),
    ({"name": "score", "type": "FLOAT"}, "FLOAT", "NaN", None, NUMBER),
    ({"name": "is_new", "type": "BOOLEAN"}, "BOOLEAN", "true", True, {"type": ["boolean", "null"]}),
    ({"name": "day", "type": "DATE"}, "STRING", "2024-02-29", "2024-02-29", {**TEXT, "format": "date"}),
    ({"name": "at", "type": "TIMESTAMP"}, "STRING", "2024-01-02T03:04:05.678000+00:00", ..., TIMESTAMP),
    ({"name": "tags", "type": "STRING", "mode": "REPEATED"}, "STRING", '["a","b"]', ["a", "b"], ARRAY),
    (
        {"name": "owner", "type": "RECORD", "fields": [{"name": "a", "type": "INTEGER"}]},
        "STRING",
        '{"a":1}',
        ...,
        OBJECT,
    ),
    ({"name": "nothing", "type": "STRING"}, "STRING", None, None, TEXT),
]


@pytest.fixture
def script() -> bigquery_server.Script:
    """What the server answers."""
    return bigquery_server.Script()


@pytest.fixture
def run(script: bigquery_server.Script, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Run the tap against the server."""
    with bigquery_server.server(script) as address:
        variables = {
            "BIGQUERY_EMULATOR_HOST": address,
            "GOOGLE_APPLICATION_CREDENTIALS": str(bigquery_server.credentials(tmp_path)),
        }
        command = Command(environment("warehouses"), tmp_path, **variables)
        url = "bigquery://project/marts"
        yield lambda *models, **documents: command({"sqlalchemy_url": url, "models": list(models)}, **documents)


def test_a_dry_run_describes_and_values_arrive(script: bigquery_server.Script, run: Callable[..., Any]) -> None:
    """The model's own query is described by a dry run; the one that reads has every value in its written form."""
    script.fields = [column for column, *_ in TYPES]
    model = {"name": "m", "table": "`other-project`.marts.t", "key_properties": ["ID"]}

    def written(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if not body.get("dryRun"):
            script.fields = [{"name": column["name"], "type": kind} for column, kind, *_ in TYPES]
            script.rows = [[sent for _, _, sent, *_ in TYPES]]
        return type(script).answer(script, body)

    script.answer = written  # type: ignore[method-assign]
    found = run(model)
    assert found.exit_code == 0, found.stderr
    (record,) = found.records()
    emitted = {column["name"]: sent if value is ... else value for column, _, sent, value, _ in TYPES}
    assert record == {**emitted, "owner": {"a": 1}}
    assert found.schema["properties"] == {column["name"]: schema for column, *_, schema in TYPES}
    assert found.of_type("SCHEMA")[0]["key_properties"] == ["id"]
    dry, reading = script.requests
    assert (dry["dryRun"], dry["query"]) == (True, "SELECT * FROM `other-project`.`marts`.`t`")
    assert "FORMAT_TIMESTAMP('%E4Y-%m-%dT%H:%M:%E6S+00:00', q.`at`, 'UTC') AS `at`" in reading["query"]
    assert "TO_JSON_STRING(q.`tags`) AS `tags`" in reading["query"]


def test_parameters_have_types_and_bookmarks_are_bound(script: bigquery_server.Script, run: Callable[..., Any]) -> None:
    """Parameters go beside the SQL, with the types of their values; percent signs in the SQL stay."""
    script.fields = [{"name": "at", "type": "DATETIME"}]
    model = {
        "name": "m",
        "sql": "SELECT at FROM t WHERE a < :n AND b LIKE '%x%' AND c IN UNNEST(:list)",
        "params": {"n": 7, "list": ["a", "b"]},
        "replication_method": "INCREMENTAL",
        "replication_key": "at",
        "start_value": "2024-01-01",
    }
    assert run(model).exit_code == 0
    reading = script.requests[-1]
    assert "LIKE '%x%'" in reading["query"]
    assert "q.`at` >= DATETIME(CAST(@`tap_bookmark` AS TIMESTAMP), 'UTC')" in reading["query"]
    bound = {one["name"]: one for one in reading["queryParameters"]}
    assert bound["n"]["parameterType"] == {"type": "INT64"}
    assert bound["list"]["parameterType"] == {"type": "ARRAY", "arrayType": {"type": "STRING"}}
    assert bound["tap_bookmark"]["parameterValue"] == {"value": "2024-01-01T00:00:00.000000+00:00"}
    null = run({"name": "m", "sql": "SELECT :x AS x", "params": {"x": None}})
    assert (null.exit_code, "Write CAST(NULL AS STRING)" in null.errors) == (78, True), null.stderr


def test_errors_are_those_of_the_other_warehouses(script: bigquery_server.Script, run: Callable[..., Any]) -> None:
    """What a dry run refuses is the model's fault and is shown; what fails later may hold values and is not."""
    model = {"name": "m", "sql": "SELECT v FROM t"}
    script.dry_error = (400, "invalidQuery", "Unrecognized name: v at [1:8]")
    refused = run(model)
    assert refused.exit_code == 78, refused.stderr
    assert "the warehouse refuses its query: Unrecognized name: v at [1:8]. Correct the model." in refused.errors
    script.dry_error = (403, "accessDenied", "Access Denied: Table t")
    denied = run(model)
    assert (denied.exit_code, "Access Denied: Table t" in denied.errors) == (1, True), denied.stderr
    script.dry_error, script.error = None, (400, "invalidQuery", "Bad int64 value: ada@example.com")
    script.fields = [{"name": "v", "type": "STRING"}]
    failed = run(model)
    assert (failed.exit_code, "ada@example.com" in failed.stderr) == (1, False), failed.stderr
    assert "Traceback" not in refused.stderr + denied.stderr + failed.stderr


def test_missing_credentials_are_a_message(tmp_path: Path) -> None:
    """Google's library says what to do; nothing is asked of the cloud."""
    command = Command(
        environment("warehouses"),
        tmp_path,
        GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "no.json"),
        NO_GCE_CHECK="true",
    )
    done = command({"sqlalchemy_url": "bigquery://project/marts", "models": [{"name": "m", "sql": "SELECT 1 AS a"}]})
    assert done.exit_code == 78, done.stderr
    assert "The warehouse cannot be opened: File" in done.errors
    assert "Traceback" not in done.stderr
