"""The diff (LOG_BASED) where the tables are in the warehouse: Snowflake's stand-in, and PostgreSQL for Redshift."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from warehouses import account

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses.runs import Run

MODEL = {
    "name": "people",
    "sql": "SELECT * FROM people WHERE id < :most AND name NOT LIKE '%nobody%'",
    "params": {"most": 1000},
    "key_properties": ["region", "id"],
    "replication_method": "LOG_BASED",
}
ROWS = [(1, "eu", "Ada", "1.50"), (2, "eu", "Grace 100%", "2.00"), (3, "us", "it's", "3.25"), (4, "us", "ä|~", "NULL")]


class World:
    """A database with one table, and the tap that reads it."""

    def __init__(self, database: Any, command: Any) -> None:
        self.database = database
        self.command = command
        database.execute("CREATE TABLE people (id INTEGER, region VARCHAR(9), name VARCHAR(40), amount DECIMAL(9,2))")
        self.insert(*ROWS)

    def insert(self, *rows: tuple[int, str, str, str]) -> None:
        """Add rows to the model."""
        for number, region, name, amount in rows:
            quoted = name.replace("'", "''")
            self.database.execute(f"INSERT INTO people VALUES ({number}, '{region}', '{quoted}', {amount})")  # noqa: S608

    def run(self, state: Any = None, **settings: Any) -> Run:
        """Run the tap; without a state all rows are sent."""
        config = self.database.config(MODEL, sync_id="crm", **{"max_removed_percent": 100, **settings})
        run: Run = self.command(config) if state is None else self.command(config, state=state)
        assert run.exit_code == 0, run.stderr
        return run


def changes(run: Run) -> dict[int, str]:
    """Return the name of each record by its number, or what says that it was removed."""
    found = {}
    for record in run.records():
        row = {key.lower(): value for key, value in record.items()}
        found[row["id"]] = "removed" if row.get("_sdc_deleted_at") else row["name"]
    return found


@pytest.fixture(params=[*account.DRIVERS, "redshift"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Each stand-in in turn."""
    if request.param == "redshift":
        return World(request.getfixturevalue("cluster"), request.getfixturevalue("redshift_command"))
    return World(request.getfixturevalue("account"), account.command(request.param, tmp_path))


def test_a_first_load_then_only_what_changed(world: World) -> None:
    """Everything, nothing, then an added, a changed and a removed row; without STATE all rows again."""
    first = world.run()
    assert changes(first) == {number: name for number, _, name, _ in ROWS}
    second = world.run(first.state)
    assert changes(second) == {}
    world.database.execute("UPDATE people SET amount = 2.01 WHERE id = 2", "DELETE FROM people WHERE id = 3")
    world.insert((5, "eu", "Edsger", "0.00"))
    third = world.run(second.state)
    assert changes(third) == {2: "Grace 100%", 5: "Edsger", 3: "removed"}
    assert "1 added, 1 changed (amount: 1) and 2 unchanged; 1 removed" in third.stderr.replace("AMOUNT", "amount")
    assert changes(world.run()) == {1: "Ada", 2: "Grace 100%", 4: "ä|~", 5: "Edsger", 3: "removed"}


def test_what_was_not_confirmed_is_sent_again(world: World) -> None:
    """STATE that names a part of the plan confirms that part; the rest may have been delivered, and comes again."""
    first = world.run()
    partial = copy.deepcopy(first.state)
    partial["bookmarks"]["people"].update(seq=3, done=False)
    world.database.execute("UPDATE people SET name = 'Ada L.' WHERE id = 1")
    again = world.run(partial)
    last = [record.get("id", record.get("ID")) for record in first.records()][-1]
    assert set(changes(again)) == {1, last}
    assert changes(world.run(again.state)) == {}


@pytest.mark.long
def test_slices_add_up_to_the_whole(world: World) -> None:
    """Two workers emit every row once, and each finds the changes of its own rows."""
    world.insert(*((number, "xx", f"n{number}", "0.00") for number in range(10, 30)))
    parts = [world.run(partition_count=2, partition_index=index) for index in (0, 1)]
    found = [set(changes(part)) for part in parts]
    assert found[0] | found[1] == {1, 2, 3, 4, *range(10, 30)}
    assert not found[0] & found[1]
    assert min(map(len, found)) > 3
    world.database.execute("DELETE FROM people WHERE id = 10")
    after = [world.run(part.state, partition_count=2, partition_index=index) for index, part in enumerate(parts)]
    assert [changes(part) for part in after].count({10: "removed"}) == 1


@pytest.mark.long
def test_keys_that_do_not_identify_rows_are_refused(world: World) -> None:
    """One row twice stops the run, or is left out when the model says so."""
    world.insert((1, "eu", "Ada again", "1.50"))
    config = world.database.config(MODEL, sync_id="crm")
    refused = world.command(config)
    assert refused.exit_code == 65, refused.stderr
    assert "1 keys occur more than once, in 2 rows" in refused.errors
    run = world.run(on_duplicate_key="reject")
    assert sorted(changes(run)) == [1, 2, 3, 4]
    assert "1 rows are left out" in run.stderr
