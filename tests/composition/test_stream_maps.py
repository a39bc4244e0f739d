"""Stream maps at our tap, at our targets, and in a mapper between them: what arrives, and under which keys."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from .accounts import HUBSPOT, VENDORS, Accounts, Delivery, Vendor, ledger_keys
from .plugins import ours

if TYPE_CHECKING:
    from pathlib import Path

    from .plugins import Shelf

PLACES = ("tap", "mapper", "target")
SEED = "salt"
pytestmark = pytest.mark.long


@dataclass
class Pipeline:
    """Two models, our tap over them, and a target; a stream map somewhere.

    Attributes:
        accounts: The simulated accounts.
        vendor: Whose target it is.
        place: Where the map is.
        maps: The map.
        method: How the customers are replicated.
    """

    shelf: Shelf
    accounts: Accounts
    folder: Path
    vendor: Vendor
    place: str
    maps: dict[str, Any]
    method: str = "FULL_TABLE"
    state: dict[str, Any] | None = None
    has_others: bool = True

    def __post_init__(self) -> None:
        self.execute(
            "CREATE TABLE customers AS SELECT 'C' || n AS id, 'P' || n || '@Example.com' AS mail, 'Name ' || n AS name,"
            " n::INTEGER AS score FROM generate_series(1, 6) AS t(n)",
            "CREATE TABLE others AS SELECT 1 AS id",
        )

    def execute(self, *statements: str) -> None:
        """Change the models' tables."""
        with duckdb.connect(str(self.folder / "warehouse.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)

    def run(self, **target: Any) -> Delivery:
        """From the models to the account, with the STATE that came back."""
        mapping = {"stream_maps": self.maps, "stream_map_config": {"hash_seed": SEED}}
        models = [{"name": "customers", "table": "customers", "replication_method": self.method}]
        models += [{"name": "others", "table": "others"}] * self.has_others
        url = f"duckdb:///{self.folder}/warehouse.duckdb"
        config = {
            "sqlalchemy_url": url,
            "sync_id": "crm",
            "models": [{**one, "key_properties": ["id"]} for one in models],
            "max_removed_percent": 100,
            **(mapping if self.place == "tap" else {}),
        }
        documents = {} if self.state is None else {"state": self.state}
        text = ours("tap-warehouse-model", self.folder).run(config, **documents).stdout
        if self.place == "mapper":
            text = self.shelf.take("meltano-map-transform", self.folder).run(mapping, stdin=text).stdout
        at_target = mapping if self.place == "target" else {}
        done = self.accounts.deliver(self.vendor, text, self.folder, **at_target, **target)
        if done.said.stdout:
            self.state = done.said.given_back
        return done


def renamed(vendor: Vendor, **others: Any) -> dict[str, Any]:
    """Columns under the names of the vendor's fields, the name hashed, in a stream of another name."""
    names = {column: field for field, column in vendor.fields.items()}
    one = {
        "__alias__": "people",
        "__key_properties__": [names["mail"]],
        "__else__": None,
        **{names[column]: column for column in names if column in ("id", "mail", "score")},
        names["name"]: "md5(config['hash_seed'] + mail)",
    }
    return {"customers": one | others, "__else__": None}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    """Where the map is."""
    chosen: str = request.param
    return chosen


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda one: one.target)
def test_a_map_renames_filters_and_hashes(
    place: str, vendor: Vendor, shelf: Shelf, accounts: Accounts, tmp_path: Path
) -> None:
    """Alias, names, a filter, md5 and another key: the same wherever the map is; a second run writes nothing."""
    maps = renamed(vendor, __filter__="score >= 3")
    # The mapper announces streams that it drops, see below.
    pipeline = Pipeline(shelf, accounts, tmp_path, vendor, place, maps, has_others=place != "mapper")
    people = {name: value for name, value in vendor.stream.items() if name != "fields"}
    first = pipeline.run(streams={"people": people})
    assert first.said.exit_code == 0, first.said.stderr
    assert first.counts == {"read": 4, "created": 4}
    hashed = [hashlib.md5(f"{SEED}P{n}@Example.com".encode()).hexdigest() for n in range(3, 7)]  # noqa: S324 - the map's
    assert [one["name"] for one in accounts.live(vendor)] == hashed
    assert [float(one["score"]) for one in accounts.live(vendor)] == [3, 4, 5, 6]
    assert ledger_keys(tmp_path) == {f'["P{n}@Example.com"]' for n in range(3, 7)}

    writes = accounts.writes(vendor)
    assert pipeline.run(streams={"people": people}).counts == {"read": 4, "unchanged": 4}
    assert accounts.writes(vendor) == writes


def mirrored(vendor: Vendor) -> dict[str, Any]:
    """A mirror of the customers, whose names a map writes in capitals."""
    return {"customers": vendor.stream | {"load_method": "mirror"}}


@pytest.mark.parametrize("place", ["tap", "target"])
@pytest.mark.parametrize("vendor", VENDORS, ids=lambda one: one.target)
def test_removals_pass_maps(place: str, vendor: Vendor, shelf: Shelf, accounts: Accounts, tmp_path: Path) -> None:
    """LOG_BASED: a removal has only its key, and neither our tap nor our targets ask a map's expressions of it."""
    maps = {"customers": {"name": "name.upper()", "__filter__": "score < 9"}, "others": None}
    pipeline = Pipeline(shelf, accounts, tmp_path, vendor, place, maps, method="LOG_BASED")
    assert pipeline.run(streams=mirrored(vendor)).counts == {"read": 6, "created": 6}
    assert accounts.live(vendor)[0]["name"] == "NAME 1"
    pipeline.execute("DELETE FROM customers WHERE id = 'C2'")
    done = pipeline.run(streams=mirrored(vendor), max_removed_percent=100)
    assert done.counts == {"read": 1, "removed": 1}, done.said.stderr
    assert len(accounts.live(vendor)) == 5


def test_removals_do_not_pass_the_mapper(shelf: Shelf, accounts: Accounts, tmp_path: Path) -> None:
    """Its expressions want the columns that a removal lacks: the mapper fails, the removal comes again."""
    maps = {"customers": {"name": "name.upper()"}}
    pipeline = Pipeline(shelf, accounts, tmp_path, HUBSPOT, "mapper", maps, method="LOG_BASED", has_others=False)
    assert pipeline.run(streams=mirrored(HUBSPOT)).counts == {"read": 6, "created": 6}
    pipeline.execute("DELETE FROM customers WHERE id = 'C2'")
    with pytest.raises(AssertionError, match="MapExpressionError"):
        pipeline.run(streams=mirrored(HUBSPOT))
    pipeline.place = "target"
    assert pipeline.run(streams=mirrored(HUBSPOT), max_removed_percent=100).counts == {"read": 1, "removed": 1}


def test_the_mapper_hides_removals_that_it_does_not_name(shelf: Shelf, accounts: Accounts, tmp_path: Path) -> None:
    """`__else__: null` drops `_sdc_deleted_at`, where no expression wants another column: nothing is removed."""
    maps = {"customers": {"id": "id", "__else__": None}}
    fields = {"customer_id": "id", "name": "id"}
    stream = {"object": "companies", "match_on": "customer_id", "fields": fields, "load_method": "mirror"}
    pipeline = Pipeline(shelf, accounts, tmp_path, HUBSPOT, "mapper", maps, method="LOG_BASED", has_others=False)
    assert pipeline.run(streams={"customers": stream}).counts == {"read": 6, "created": 6}
    pipeline.execute("DELETE FROM customers WHERE id = 'C2'")
    assert pipeline.run(streams={"customers": stream}).counts == {"read": 1, "unchanged": 1}


def test_the_mapper_announces_what_it_drops(shelf: Shelf, accounts: Accounts, tmp_path: Path) -> None:
    """A stream that is `null` in the mapper keeps its SCHEMA: the target refuses it, with the way out."""
    maps = {"customers": {}, "others": None}
    done = Pipeline(shelf, accounts, tmp_path, HUBSPOT, "mapper", maps).run(streams=mirrored(HUBSPOT))
    assert done.said.exit_code == 78
    assert "Stream 'others' is not in 'streams'" in done.said.stderr
    assert "deselect it in the tap" in done.said.stderr
