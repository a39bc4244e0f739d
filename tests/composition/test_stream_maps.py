"""Stream maps at our tap, at our targets, and in a mapper between them: what arrives, and under which keys."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from .accounts import VENDORS, Accounts, Delivery, Vendor, ledger_keys
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
        models += [{"name": "others", "table": "others"}]
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
        "_sdc_deleted_at": "_sdc_deleted_at",
    }
    del one["_sdc_deleted_at"]
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
    pipeline = Pipeline(shelf, accounts, tmp_path, vendor, place, maps)
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
