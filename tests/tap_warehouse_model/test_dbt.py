"""dbt's manifest: models found as `ref` finds them, keys from tests, models made of `meta.reverse_etl`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

V12 = "https://schemas.getdbt.com/dbt/manifest/v12.json"
META = {"reverse_etl": True}


def node(name: str, **changes: Any) -> dict[str, Any]:
    """Return a model as dbt 1.12 writes it, as far as it matters here."""
    config = {"materialized": "table", "meta": changes.pop("meta", {}), **changes.pop("config", {})}
    return {
        "resource_type": "model",
        "name": name,
        "package_name": "shop",
        "relation_name": f'"marts"."{name}"',
        "original_file_path": f"models/{name}.sql",
        "checksum": {"name": "sha256", "checksum": "0"},
        "description": "",
        "columns": {},
        "constraints": [],
        "config": config,
        "tags": ["a key that the tap does not know"],
        **changes,
    }


def check(kind: str, *columns: str, of: str = "customers", package: str | None = None, **config: Any) -> dict[str, Any]:
    """Return a generic test of a model."""
    named = {"combination_of_columns": list(columns)} if package else {"column_name": columns[0]}
    return {
        "resource_type": "test",
        "name": f"{kind}_{of}_{'_'.join(columns)}",
        "package_name": "shop",
        "relation_name": None,
        "test_metadata": {"name": kind, "namespace": package, "kwargs": {"model": "{{ ref() }}", **named}},
        "column_name": None if package else columns[0],
        "attached_node": f"model.shop.{of}",
        "config": {"materialized": "test", "severity": "ERROR", "error_if": "!= 0", "where": None, **config},
    }


def unique_id(one: dict[str, Any]) -> str:
    """Return a node's key in the manifest."""
    version = f".v{one['version']}" if one.get("version") is not None else ""
    return f"{one['resource_type']}.{one['package_name']}.{one['name']}{version}"


class Project:
    """A Meltano project with a dbt project in `transform`, and a warehouse."""

    def __init__(self, root: Path, warehouse: Any, run_tap: Callable[..., Any]) -> None:
        self.root = root
        self.path = root / "transform/target/manifest.json"
        self.path.parent.mkdir(parents=True)
        self._warehouse, self._run = warehouse, run_tap
        warehouse.execute(
            "CREATE SCHEMA marts",
            "CREATE TABLE marts.customers (customer_id integer, email text, region text)",
            "INSERT INTO marts.customers VALUES (1, 'ada@example.com', 'EMEA')",
        )
        self.adapter = {"duckdb": "duckdb", "postgresql": "postgres"}[warehouse.name]

    def manifest(self, *nodes: dict[str, Any], disabled: Any = None, **metadata: Any) -> None:
        """Write the manifest."""
        found = {
            "metadata": {
                "dbt_schema_version": V12,
                "dbt_version": "1.12.6",
                "project_name": "shop",
                "adapter_type": self.adapter,
                **metadata,
            },
            "nodes": {unique_id(one): {**one, "unique_id": unique_id(one)} for one in nodes},
            "disabled": disabled or {},
            "macros": {},
        }
        self.path.write_text(json.dumps(found), encoding="utf-8")

    def run(self, *models: Any, arguments: tuple[str, ...] = (), **settings: Any) -> Any:
        """Run the tap."""
        config = {"sqlalchemy_url": self._warehouse.url, "dbt_manifest": "transform/target/manifest.json"}
        return self._run({**config, **({"models": list(models)} if models else {}), **settings}, *arguments)

    def streams(self, *models: Any) -> list[dict[str, Any]]:
        """Discover."""
        run = self.run(*models, arguments=("--discover",))
        assert run.exit_code == 0, run.stderr
        catalog: dict[str, Any] = json.loads(run.stdout)
        return list(catalog["streams"])

    def key(self, *nodes: dict[str, Any]) -> list[str]:
        """Return the key that is found for `customers`."""
        self.manifest(*nodes)
        (stream,) = self.streams({"name": "people", "dbt_model": "customers"})
        return list(stream["key_properties"])

    def refused(self, *models: Any, **settings: Any) -> str:
        """Return what a run that cannot start says."""
        run = self.run(*models, **settings)
        assert (run.exit_code, run.stdout) == (78, ""), run.stderr
        assert "Traceback" not in run.stderr
        assert run.errors.count("ERROR") == 1
        return str(run.errors)


@pytest.fixture
def project(tmp_path: Path, duck: Any, run_tap: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Project:
    """A dbt project over DuckDB."""
    root = tmp_path / "project"
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(root))
    return Project(root, duck, run_tap)


PEOPLE = {"name": "people", "dbt_model": "customers"}


def test_a_model_names_a_dbt_model(
    tmp_path: Path, database: Any, run_tap: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relation is the manifest's; rows and types are the warehouse's."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    project = Project(tmp_path, database, run_tap)
    project.manifest(node("customers"))
    run = project.run(PEOPLE)
    assert run.exit_code == 0, run.stderr
    assert run.records("people") == [{"customer_id": 1, "email": "ada@example.com", "region": "EMEA"}]


def test_descriptions_are_announced_in_schema_and_catalog(project: Project) -> None:
    """Those of the model and of its columns, which compare without regard to case."""
    columns = {"EMAIL": {"description": "Where to write."}, "gone": {"description": "No longer there."}, "region": {}}
    project.manifest(node("customers", description="All of them.\n", columns=columns))
    (stream,) = project.streams(PEOPLE)
    assert stream["schema"]["description"] == "All of them."
    assert stream["schema"]["properties"]["email"] == {"type": ["string", "null"], "description": "Where to write."}
    assert project.run(PEOPLE).schema == stream["schema"]


def test_a_description_of_ones_own_is_announced_too(duck: Any, run_tap: Callable[..., Any]) -> None:
    """Models without dbt have it as well."""
    run = run_tap(duck.config({"name": "m", "sql": "SELECT 1 AS id", "description": "Just one."}))
    assert run.schema["description"] == "Just one."


@pytest.mark.parametrize(
    ("reference", "relation"),
    [
        ("customers", "customers"),
        ("shop.customers", "customers"),
        ("countries", "seeds_countries"),
        ("history", "snap_history"),
        ("orders", "orders_v2"),
        ("orders.v1", "orders_v1"),
        ("shop.orders.v2", "orders_v2"),
        ("tools.customers", "tools_customers"),
        ("calendar", "tools_calendar"),
    ],
)
def test_a_reference_is_read_as_dbt_reads_it(project: Project, reference: str, relation: str) -> None:
    """Bare, with package, with version; bare is the latest version, and the project's own before a package's."""
    project._warehouse.execute(f"CREATE TABLE IF NOT EXISTS marts.{relation} AS SELECT '{relation}' AS found")
    if relation == "customers":
        project._warehouse.execute("CREATE OR REPLACE TABLE marts.customers AS SELECT 'customers' AS found")
    project.manifest(
        node("customers"),
        node("customers", package_name="tools", relation_name='"marts"."tools_customers"'),
        node("calendar", package_name="tools", relation_name='"marts"."tools_calendar"'),
        node("countries", resource_type="seed", relation_name='"marts"."seeds_countries"'),
        node("history", resource_type="snapshot", relation_name='"marts"."snap_history"'),
        node("orders", version=1, latest_version=2, relation_name='"marts"."orders_v1"'),
        node("orders", version=2, latest_version=2, relation_name='"marts"."orders_v2"'),
    )
    run = project.run({"name": "m", "dbt_model": reference})
    assert run.records() == [{"found": relation}], run.stderr


@pytest.mark.parametrize(
    ("reference", "part"),
    [
        ("custommers", "'custommers' is not a model, seed or snapshot in dbt's manifest. Did you mean 'customers'?"),
        ("nothing.like.it", "run 'dbt parse' or 'dbt build'"),
        ("orders.v3", "Did you mean 'orders.v1'?"),
        ("unique_customers_email", "is not a model, seed or snapshot"),
        ("calendar", "is ambiguous, as several packages have one. Write 'more.calendar' or 'tools.calendar'."),
        ("parked", "the dbt model 'parked' is disabled. Enable it in dbt"),
        ("shop.parked", "the dbt model 'shop.parked' is disabled"),
        ("passing", "is ephemeral, so the warehouse has nothing to read. Materialize it as a view or table"),
        ("homeless", "has no 'relation_name' for the dbt model 'homeless'. Run 'dbt compile'"),
        ("", "'dbt_model' must be a text that is not empty"),
        (7, "'dbt_model' must be a text that is not empty"),
    ],
)
def test_a_reference_that_cannot_be_followed_is_refused(project: Project, reference: Any, part: str) -> None:
    """One message says which, why and what to do."""
    parked = node("parked", config={"enabled": False})
    project.manifest(
        node("customers"),
        node("orders", version=1, latest_version=1),
        node("passing", config={"materialized": "ephemeral"}, relation_name=None),
        node("homeless", relation_name=None),
        node("calendar", package_name="tools"),
        node("calendar", package_name="more"),
        check("unique", "email"),
        disabled={unique_id(parked): [{**parked, "unique_id": unique_id(parked)}]},
    )
    assert part in project.refused({"name": "m", "dbt_model": reference})


def test_a_dbt_model_needs_the_manifest(duck: Any, run_tap: Callable[..., Any]) -> None:
    """Without it, the setting to make is named; and no second source is taken."""
    assert "'dbt_model' needs 'dbt_manifest'" in run_tap(duck.config(PEOPLE)).errors


def test_a_dbt_model_takes_no_second_source_and_no_params(project: Project) -> None:
    """As with a table."""
    project.manifest(node("customers"))
    assert "(found: 'sql' and 'dbt_model')" in project.refused({**PEOPLE, "sql": "SELECT 1"})
    assert "not with 'table' or 'dbt_model'" in project.refused({**PEOPLE, "params": {"a": 1}})


UNIQUE_ID = check("unique", "customer_id")
NOT_NULL_ID = check("not_null", "customer_id")
PAIR = check("unique_combination_of_columns", "region", "EMAIL", package="dbt_utils")


@pytest.mark.parametrize(
    ("tests", "changes", "key"),
    [
        ([], {}, []),
        ([UNIQUE_ID], {}, ["customer_id"]),
        ([check("unique", "CUSTOMER_ID")], {}, ["customer_id"]),
        ([check("unique", '"customer_id"')], {}, ["customer_id"]),
        ([UNIQUE_ID, NOT_NULL_ID, check("unique", "email"), PAIR], {}, ["customer_id"]),
        ([PAIR], {}, ["region", "email"]),
        ([UNIQUE_ID], {"constraints": [{"type": "primary_key", "columns": ["email"]}]}, ["email"]),
        ([UNIQUE_ID], {"columns": {"EMAIL": {"constraints": [{"type": "primary_key"}]}}}, ["email"]),
        (
            [UNIQUE_ID, check("unique", "email")],
            {"columns": {"email": {"constraints": [{"type": "not_null"}, {"type": "check"}]}}},
            ["email"],
        ),
        # what proves nothing
        ([NOT_NULL_ID], {}, []),
        ([], {"config": {"unique_key": "customer_id"}, "primary_key": ["customer_id"]}, []),
        ([check("unique", "customer_id", where="region = 'EMEA'")], {}, []),
        ([check("unique", "customer_id", severity="warn")], {}, []),
        ([check("unique", "customer_id", error_if="> 10")], {}, []),
        ([check("unique", "email || region")], {}, []),
        ([check("unique", "customer_id", of="others")], {}, []),
        ([check("unique_combination_of_columns", "email", "lower(region)", package="dbt_utils")], {}, []),
        ([check("unique_combination_of_columns", "email", "region", package="home_made")], {}, []),
    ],
)
def test_the_key_is_what_dbt_declares_or_tests(
    project: Project, tests: list[Any], changes: dict[str, Any], key: list[str]
) -> None:
    """A declared primary key, else a column tested for uniqueness (and nulls), else tested columns together."""
    assert project.key(node("customers", **changes), *tests) == key


@pytest.mark.parametrize(
    "more", [[check("not_null", "email"), NOT_NULL_ID], []], ids=["neither is null", "both may be null"]
)
def test_several_unique_columns_are_refused(project: Project, more: list[Any]) -> None:
    """They are named, and the key is asked for; once it is written, it counts."""
    project.manifest(node("customers"), UNIQUE_ID, check("unique", "email"), *more)
    message = project.refused(PEOPLE)
    assert "Model 'people': dbt tests several keys for uniqueness ([customer_id], [email])" in message
    assert "Write 'key_properties' in the model or in dbt's 'meta.reverse_etl'." in message
    (stream,) = project.streams({**PEOPLE, "key_properties": ["EMAIL"]})
    assert stream["key_properties"] == ["email"]


def test_the_key_in_meta_wins_over_tests_and_the_models_over_both(project: Project) -> None:
    """Also for a stream of another name than the one that `meta` makes."""
    project.manifest(node("customers", meta={"reverse_etl": {"key_properties": ["region"]}}), UNIQUE_ID, NOT_NULL_ID)
    people, customers = project.streams(PEOPLE)[::-1]
    assert (people["stream"], people["key_properties"]) == ("people", ["region"])
    assert (customers["stream"], customers["key_properties"]) == ("customers", ["region"])
    (mine,) = (one for one in project.streams({**PEOPLE, "key_properties": []}) if one["stream"] == "people")
    assert mine["key_properties"] == []


@pytest.mark.parametrize("place", ["config", "node"])
def test_meta_makes_models(project: Project, place: str) -> None:
    """Every node with `meta.reverse_etl` becomes a stream, wherever the version of dbt writes `meta`."""
    project._warehouse.execute(*(f"CREATE TABLE marts.{name} AS SELECT 1 AS id" for name in ("a", "b", "c", "d")))
    said = {
        "a": True,
        "b": {},
        "c": {"name": "third", "replication_method": "INCREMENTAL", "replication_key": "ID"},
        "d": {"enabled": True, "key_properties": ["ID"]},
        "off": False,
        "out": {"enabled": False, "name": "x"},
    }
    nodes = []
    for name, value in said.items():
        meta = {"owner": "crm", "reverse_etl": value}
        nodes.append(node(name, meta=meta) if place == "config" else node(name, config={"meta": None}) | {"meta": meta})
    project.manifest(*nodes, node("silent"))
    streams = {one["stream"]: one for one in project.streams()}
    assert sorted(streams) == ["a", "b", "d", "third"]
    assert (streams["third"]["replication_method"], streams["third"]["replication_key"]) == ("INCREMENTAL", "id")
    assert streams["d"]["key_properties"] == ["id"]


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("yes", "'meta.reverse_etl' must be true, false or a mapping with the keys of a model"),
        (None, "'meta.reverse_etl' must be true, false or a mapping"),
        ({"enabled": "no"}, "'enabled' must be true or false"),
        ({"key_property": ["id"]}, "has the unknown key 'key_property'. Did you mean 'key_properties'?"),
        ({"sql": "SELECT 1"}, "has the unknown key 'sql'. Remove it, or use one of: name, key_properties"),
        ({"name": ""}, "'meta.reverse_etl' of dbt's 'model.shop.customers': a model needs a 'name'"),
        ({"replication_method": "INCREMENTAL"}, "Model 'customers': INCREMENTAL needs 'replication_key'"),
        ({"description": 7}, "Model 'customers': 'description' must be a text"),
        ({"name": "people"}, "Model 'people' is defined 2 times"),
    ],
)
def test_wrong_meta_is_refused(project: Project, said: Any, part: str) -> None:
    """What is said in dbt is checked like any other model."""
    project.manifest(node("customers", meta={"reverse_etl": said}), node("others"))
    assert part in project.refused({"name": "people", "dbt_model": "others"})


def test_meta_on_what_is_not_built_is_refused(project: Project) -> None:
    """An ephemeral model has no rows to send; the way out is named."""
    project.manifest(node("passing", meta=META, config={"materialized": "ephemeral"}, relation_name=None))
    message = project.refused()
    assert "dbt's 'model.shop.passing' has 'meta.reverse_etl': the dbt model 'passing' is ephemeral" in message
    assert "Or write 'meta: {reverse_etl: false}' there." in message


def test_a_model_overrides_what_meta_says_key_by_key(project: Project) -> None:
    """An entry of the same name on the same dbt model keeps what it does not mention, even of one switched off."""
    said = {
        "name": "people",
        "enabled": False,
        "key_properties": ["email"],
        "replication_method": "INCREMENTAL",
        "replication_key": "customer_id",
    }
    project.manifest(node("customers", meta={"reverse_etl": said}))
    (stream,) = project.streams({**PEOPLE, "key_properties": ["customer_id"]})
    assert (stream["key_properties"], stream["replication_key"]) == (["customer_id"], "customer_id")
    (full,) = project.streams({**PEOPLE, "replication_method": "FULL_TABLE", "replication_key": None})
    assert (full["key_properties"], full["replication_method"]) == (["email"], "FULL_TABLE")


def test_a_model_from_meta_and_one_of_another_name_are_two_streams(project: Project) -> None:
    """Only the same name overrides."""
    project.manifest(node("customers", meta=META))
    assert [one["stream"] for one in project.streams(PEOPLE)] == ["customers", "people"]


def test_of_versions_that_inherit_meta_the_latest_is_the_stream(project: Project) -> None:
    """An older version needs a name of its own."""
    project._warehouse.execute(
        *(f"CREATE TABLE marts.orders_v{number} AS SELECT {number} AS id" for number in (1, 2, 3))
    )
    versions = {
        1: {"name": "old_orders"},
        2: {},
        3: {},
    }
    project.manifest(
        *(
            node(
                "orders",
                version=number,
                latest_version=3,
                relation_name=f"marts.orders_v{number}",
                meta={"reverse_etl": said},
            )
            for number, said in versions.items()
        )
    )
    run = project.run()
    assert run.exit_code == 0, run.stderr
    assert (run.records("orders"), run.records("old_orders")) == ([{"id": 3}], [{"id": 1}])


def test_an_older_version_is_the_stream_when_the_latest_is_switched_off(project: Project) -> None:
    """And two of them are one too many, rather than none."""
    project._warehouse.execute("CREATE TABLE marts.orders_v1 AS SELECT 1 AS id")

    def version(number: int, latest: int, *, said: bool) -> dict[str, Any]:
        relation = f"marts.orders_v{number}"
        return node("orders", version=number, latest_version=latest, relation_name=relation, meta={"reverse_etl": said})

    project.manifest(version(1, 2, said=True), version(2, 2, said=False))
    assert project.run().records("orders") == [{"id": 1}]
    project.manifest(version(1, 3, said=True), version(2, 3, said=True), version(3, 3, said=False))
    assert "Model 'orders' is defined 2 times" in project.refused()


def test_model_files_may_name_dbt_models(project: Project) -> None:
    """As inline ones do."""
    (project.root / "models").mkdir()
    (project.root / "models/people.yml").write_text("{name: people, dbt_model: customers}", encoding="utf-8")
    project.manifest(node("customers"))
    assert len(project.run(models_path="models").records("people")) == 1


def test_a_manifest_that_asks_for_nothing_is_an_error(project: Project) -> None:
    """Nothing to send is more likely a mistake than a wish."""
    project.manifest(node("customers"))
    assert "no node of dbt's manifest has 'meta.reverse_etl'" in project.refused()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "does not exist. Run 'dbt parse', 'dbt compile' or 'dbt build'"),
        ("", "is not JSON"),
        ("{'metadata': 1}", "is not JSON"),
        ("\xff", "is not JSON"),
        ("[1]", "is not a manifest of dbt: Expected `object`, got `array`"),
        ("{}", "is not a manifest of dbt: Object missing required field `metadata`"),
        ('{"metadata": {}}', "is not one of dbt's files, not a manifest"),
        ('{"metadata": {"dbt_schema_version": "https://x/dbt/catalog/v1.json"}}', "is dbt's 'catalog', not a manifest"),
        (
            '{"metadata": {"dbt_schema_version": "https://x/dbt/manifest/v8.json", "dbt_version": "1.4.9"}}',
            "v8 (dbt 1.4.9), but this tap reads v9 to v12, which dbt 1.5 and later write. Upgrade dbt,",
        ),
        ('{"metadata": {"dbt_schema_version": "https://x/dbt/manifest/v13.json"}}', "Upgrade tap-warehouse-model"),
        (f'{{"metadata": {{"dbt_schema_version": "{V12}"}}}}', "missing required field `nodes`"),
        (f'{{"metadata": {{"dbt_schema_version": "{V12}"}}, "nodes": {{"x": {{}}}}}}', "- at `$.nodes[...]`"),
    ],
)
def test_what_is_no_manifest_is_refused(project: Project, content: str | None, part: str) -> None:
    """One message says what is wrong with the file, and which command writes it."""
    if content is not None:
        project.path.write_text(content, encoding="latin-1")
    message = project.refused(PEOPLE)
    assert part in message
    assert str(project.path) in message


def test_a_manifest_that_cannot_be_read_is_refused(project: Project) -> None:
    """A folder, or a setting that is no path."""
    project.path.mkdir()
    assert "cannot be read (IsADirectoryError)" in project.refused(PEOPLE)
    assert "'dbt_manifest' must be the path" in project.refused(PEOPLE, dbt_manifest=["x"])


@pytest.mark.parametrize("version", [9, 10, 11, 12, 20])
def test_manifests_of_dbt_15_and_later_are_read(project: Project, version: int) -> None:
    """v9 has no `project_name`; v20, of the betas of dbt 2, has null for what is empty."""
    changes = {9: {"project_name": None}, 20: {"dbt_version": "2.0.0", "project_name": "shop"}}.get(version, {})
    empty = dict.fromkeys(["meta", "columns", "constraints", "description", "checksum"]) if version == 20 else {}
    project.manifest(
        node("customers") | empty, UNIQUE_ID, dbt_schema_version=V12.replace("v12", f"v{version}"), **changes
    )
    (stream,) = project.streams(PEOPLE)
    assert stream["key_properties"] == ["customer_id"]


def test_a_manifest_of_another_database_is_refused(project: Project) -> None:
    """Adapter and URL must agree; a manifest that does not name its adapter is taken."""
    project.manifest(node("customers"), adapter_type="snowflake")
    message = project.refused(PEOPLE)
    assert "was written by dbt for snowflake, but 'sqlalchemy_url' opens one of kind duckdb" in message
    project.manifest(node("customers"), adapter_type=None)
    assert project.run(PEOPLE).exit_code == 0


@pytest.mark.parametrize("relation", ['"marts"."missing"', '"elsewhere"."marts"."customers"'])
def test_a_relation_that_is_not_there_asks_for_dbt(
    tmp_path: Path, database: Any, run_tap: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, relation: str
) -> None:
    """Not built yet, or built in another database: the message has the relation and the command."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    project = Project(tmp_path, database, run_tap)
    project.manifest(node("customers", relation_name=relation))
    message = project.refused(PEOPLE)
    assert f"For dbt's manifest it is {relation}. Run 'dbt build --select customers' for the target that" in message


def sha256(text: str) -> str:
    """Return a checksum."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "hashed", "is_stale"),
    [
        ("\nSELECT 1\n", "SELECT 1", False),
        ("SELECT\n  1", "SELECT 1", False),
        ("SELECT\r\n1", "SELECT\n1", False),
        ("SELECT 2", "SELECT 1", True),
    ],
    ids=["stripped", "as dbt 1.12", "line breaks of Windows", "changed"],
)
def test_a_file_that_changed_since_is_a_warning(project: Project, text: str, hashed: str, is_stale: bool) -> None:  # noqa: FBT001
    """The run goes on with what dbt built last, and says so; blanks do not count, as they do not for dbt."""
    (project.root / "transform/models").mkdir()
    (project.root / "transform/models/customers.sql").write_text(text, encoding="utf-8", newline="")
    project.manifest(node("customers", checksum={"name": "sha256", "checksum": sha256(hashed)}))
    run = project.run(PEOPLE)
    assert run.exit_code == 0
    assert ("older than the files of these dbt models: 'customers'." in run.stderr) == is_stale
    assert run.stderr.count("older than the files") == is_stale


@pytest.mark.parametrize(
    ("changes", "metadata"),
    [
        ({"checksum": {"name": "path", "checksum": "models/customers.sql"}}, {}),
        ({"checksum": None}, {}),
        ({"package_name": "tools"}, {}),
        ({}, {"dbt_version": "2.0.9"}),
        ({"original_file_path": "elsewhere.sql"}, {}),
    ],
)
def test_files_that_cannot_be_compared_are_not_warned_about(
    project: Project, changes: dict[str, Any], metadata: dict[str, Any]
) -> None:
    """Large seeds, other packages, and dbt 2, whose checksums follow other rules."""
    (project.root / "transform/models").mkdir()
    (project.root / "transform/models/customers.sql").write_text("SELECT 2", encoding="utf-8")
    project.manifest(node("customers", **changes), **metadata)
    run = project.run(PEOPLE)
    assert run.exit_code == 0, run.stderr
    assert "older than" not in run.stderr
