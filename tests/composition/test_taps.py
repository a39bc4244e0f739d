"""Taps of others feed our targets: what arrives, what a second run sends, and which messages are refused."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from .accounts import HUBSPOT, VENDORS, Accounts, Vendor

if TYPE_CHECKING:
    from pathlib import Path

    from .plugins import Output, Plugin, Shelf

COUNT = 12
pytestmark = pytest.mark.long


def customer(number: int) -> dict[str, Any]:
    """A customer; the third has no score."""
    score = None if number == 3 else number / 4
    return {"id": f"C{number:02}", "mail": f"p{number:02}@example.com", "name": f"Zoë 名前 {number}", "score": score}


CUSTOMERS = [customer(number) for number in range(1, COUNT + 1)]
NEWER = {"id": "C99", "mail": "z@example.com", "name": "New", "score": 9.5}


class Feed:
    """A tap of others over the customers.

    Attributes:
        package: Its name at PyPI.
        stream: What it calls the customers.
        again: How many records it says when nothing has changed, with its STATE.
        after_one_more: How many when one customer is new.
    """

    package: str
    stream = "customers"
    again: int
    after_one_more: int

    def __init__(self, plugin: Plugin, folder: Path, socket: str) -> None:
        self.plugin = plugin
        self.folder = folder
        self.socket = socket
        self.write(CUSTOMERS)

    def write(self, customers: list[dict[str, Any]]) -> None:
        """Make these the customers."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """Of the tap."""
        raise NotImplementedError

    def emit(self, state: dict[str, Any] | None = None, **settings: Any) -> Output:
        """Run the tap."""
        documents = {} if state is None else {"state": state}
        return self.plugin.run(self.settings() | settings, **documents)


class Postgres(Feed):
    """A table of PostgreSQL, by a bookmark on `updated`."""

    package = "meltanolabs-tap-postgres"
    stream = "matrix-customers"
    again = 1
    after_one_more = 2

    def write(self, customers: list[dict[str, Any]]) -> None:
        """Fill the table, with the columns that targets of the SDK add."""
        with psycopg.connect(f"host={self.socket} user=postgres", autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS matrix.customers, matrix.others")
            connection.execute(
                "CREATE TABLE matrix.customers (id text PRIMARY KEY, mail text, name text, score numeric(6, 2),"
                " facts jsonb, updated integer, _sdc_batched_at timestamptz, _sdc_deleted_at timestamptz)"
            )
            for number, one in enumerate(customers, 1):
                connection.execute(
                    "INSERT INTO matrix.customers VALUES (%s, %s, %s, %s, '[1]', %s, now(), NULL)",
                    (*one.values(), number),
                )
            connection.execute("CREATE TABLE matrix.others (id integer PRIMARY KEY)")
            connection.execute("INSERT INTO matrix.others VALUES (1)")

    def settings(self) -> dict[str, Any]:
        """The server's socket can only be said as a URL, which must have a host and a password."""
        url = f"postgresql+psycopg2://postgres:any@localhost/postgres?host={self.socket}"
        return {"sqlalchemy_url": url, "filter_schemas": ["matrix"]}

    def emit(
        self, state: dict[str, Any] | None = None, *, method: str = "INCREMENTAL", others: bool = False, **settings: Any
    ) -> Output:
        """Run the tap on the customers, and on the `others`, with a replication method."""
        config = self.settings() | settings
        catalog = json.loads(self.plugin.run(config, "--discover").stdout)
        for stream in catalog["streams"]:
            is_wanted = others or stream["tap_stream_id"] == self.stream
            chosen: dict[str, Any] = {"selected": is_wanted, "replication-method": "FULL_TABLE"}
            if method == "INCREMENTAL" and stream["tap_stream_id"] == self.stream:
                chosen |= {"replication-method": method, "replication-key": "updated"}
                stream |= {"replication_method": method, "replication_key": "updated"}
            for entry in stream["metadata"]:
                if not entry["breadcrumb"]:
                    entry["metadata"] |= chosen
        documents = {"catalog": catalog} | ({} if state is None else {"state": state})
        return self.plugin.run(config, **documents)


class Jsonl(Feed):
    """Lines of a file, whose time is the bookmark."""

    package = "tap-jsonl"
    again = COUNT
    after_one_more = COUNT + 1

    def write(self, customers: list[dict[str, Any]]) -> None:
        """Write the file."""
        text = "".join(json.dumps(one) + "\n" for one in customers)
        (self.folder / "customers.jsonl").write_text(text, encoding="utf-8")

    def settings(self) -> dict[str, Any]:
        """The file and its key."""
        return {"path": str(self.folder / "*.jsonl"), "stream_name": self.stream, "primary_keys": ["id"]}


class Spreadsheets(Feed):
    """A CSV file of texts, whose time is the bookmark."""

    package = "tap-spreadsheets"
    again = 0
    after_one_more = COUNT + 1

    def write(self, customers: list[dict[str, Any]]) -> None:
        """Write the file, later than any earlier one by the second that the bookmark has."""
        lines = [",".join("" if value is None else str(value) for value in one.values()) for one in customers]
        path = self.folder / "customers.csv"
        earlier = path.stat().st_mtime if path.exists() else None
        path.write_text("\n".join(["id,mail,name,score", *lines, ""]), encoding="utf-8")
        if earlier is not None:
            os.utime(path, (earlier + 2, earlier + 2))

    def settings(self) -> dict[str, Any]:
        """The file and its key."""
        one = {"path": str(self.folder / "*.csv"), "format": "csv", "primary_keys": ["id"], "table_name": self.stream}
        return {"files": [one]}


FEEDS = [Postgres, Jsonl, Spreadsheets]


@pytest.fixture
def feed(request: pytest.FixtureRequest, shelf: Shelf, postgres: str, tmp_path: Path) -> Feed:
    """A tap of others over the customers."""
    kind: type[Feed] = getattr(request, "param", Postgres)
    folder = tmp_path / "tap"
    folder.mkdir()
    return kind(shelf.take(kind.package, folder), folder, postgres)


def each_feed() -> Any:
    """A test for each tap."""
    return pytest.mark.parametrize("feed", FEEDS, indirect=True, ids=lambda kind: kind.package)


def each_vendor() -> Any:
    """A test for each target."""
    return pytest.mark.parametrize("vendor", VENDORS, ids=lambda one: one.target)


def arrived(accounts: Accounts, vendor: Vendor) -> list[dict[str, Any]]:
    """The records there, with scores as numbers."""

    def number(value: Any) -> float | None:
        return None if value in (None, "") else float(value)

    return [one | {"score": number(one["score"])} for one in accounts.live(vendor)]


def expected(vendor: Vendor, *customers: dict[str, Any]) -> list[dict[str, Any]]:
    """The customers as the vendor keeps them."""
    return [{column: one[column] for column in vendor.fields.values()} for one in customers]


@each_feed()
@each_vendor()
def test_customers_arrive_and_a_rerun_is_free(feed: Feed, vendor: Vendor, accounts: Accounts, tmp_path: Path) -> None:
    """All columns arrive, `_sdc_` columns do not matter, STATE comes back; the next runs send only what is new."""
    streams = {feed.stream: vendor.stream}
    said = feed.emit()
    first = accounts.deliver(vendor, said.stdout, tmp_path, streams=streams)
    assert first.said.exit_code == 0, first.said.stderr
    assert first.counts == {"read": COUNT, "created": COUNT}
    assert arrived(accounts, vendor) == expected(vendor, *CUSTOMERS)
    assert first.said.given_back == said.state

    writes = accounts.writes(vendor)
    again = feed.emit(first.said.given_back)
    assert len(again.records()) == feed.again
    second = accounts.deliver(vendor, again.stdout, tmp_path, streams=streams)
    assert second.counts == ({"read": feed.again, "unchanged": feed.again} if feed.again else {})
    assert accounts.writes(vendor) == writes

    feed.write([*CUSTOMERS, NEWER])
    more = feed.emit(second.said.given_back)
    assert len(more.records()) == feed.after_one_more
    third = accounts.deliver(vendor, more.stdout, tmp_path, streams=streams)
    assert (third.counts["created"], third.counts.get("updated", 0)) == (1, 0)
    assert arrived(accounts, vendor) == expected(vendor, *CUSTOMERS, NEWER)


@each_vendor()
def test_columns_that_other_targets_added_need_no_mention(
    feed: Feed, vendor: Vendor, accounts: Accounts, tmp_path: Path
) -> None:
    """Without `fields` every column must be a field, but `_sdc_` columns and their absence are of no account."""
    keys = {"__key_properties__": [next(iter(vendor.fields))], "__else__": None}
    said = feed.emit(stream_maps={feed.stream: {"_sdc_batched_at": "_sdc_batched_at", **vendor.fields, **keys}})
    assert "_sdc_batched_at" in said.records()[0]
    plain = {name: value for name, value in vendor.stream.items() if name != "fields"}
    done = accounts.deliver(vendor, said.stdout, tmp_path, streams={feed.stream: plain})
    assert done.said.exit_code == 0, done.said.stderr
    assert arrived(accounts, vendor) == expected(vendor, *CUSTOMERS)


def test_batches_are_refused_with_the_cure(feed: Feed, accounts: Accounts, tmp_path: Path) -> None:
    """BATCH: exit code 1, nothing is written, no STATE leaves, and the message names the tap's setting."""
    storage = {"root": f"file://{tmp_path / 'tap'}"}
    batches = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": storage, "batch_size": 5}
    said = feed.emit(batch_config=batches)
    assert "BATCH" in {one["type"] for one in said.messages}
    done = accounts.deliver(HUBSPOT, said.stdout, tmp_path, streams={feed.stream: HUBSPOT.stream})
    assert done.said.exit_code == 1
    assert "sends BATCH messages, which bypass validation. Remove 'batch_config' from the tap's" in done.said.stderr
    assert (accounts.live(HUBSPOT), done.said.stdout) == ([], "")


def test_versions_are_ignored_with_one_warning(feed: Feed, accounts: Accounts, tmp_path: Path) -> None:
    """ACTIVATE_VERSION: what a later full load does not have stays, even in a mirror."""
    assert isinstance(feed, Postgres)
    mirror = HUBSPOT.stream | {"load_method": "mirror"}
    for customers in (CUSTOMERS, CUSTOMERS[:4]):
        feed.write(customers)
        said = feed.emit(method="FULL_TABLE", emit_activate_version_messages=True)
        assert "ACTIVATE_VERSION" in {one["type"] for one in said.messages}
        done = accounts.deliver(HUBSPOT, said.stdout, tmp_path, streams={feed.stream: mirror})
        assert done.said.exit_code == 0, done.said.stderr
        assert done.said.stderr.count("ACTIVATE_VERSION messages are ignored; nothing is removed") == 1
    assert arrived(accounts, HUBSPOT) == expected(HUBSPOT, *CUSTOMERS)


def test_a_stream_without_an_object_is_refused_by_name(feed: Feed, accounts: Accounts, tmp_path: Path) -> None:
    """A tap with one stream more than `streams` has: exit code 78, and the message names stream and object."""
    assert isinstance(feed, Postgres)
    said = feed.emit(others=True)
    done = accounts.deliver(HUBSPOT, said.stdout, tmp_path, streams={feed.stream: HUBSPOT.stream})
    assert done.said.exit_code == 78
    assert "Stream 'matrix-others' is not in 'streams'" in done.said.stderr


def test_a_row_that_another_target_marked_is_removed(feed: Feed, accounts: Accounts, tmp_path: Path) -> None:
    """`_sdc_deleted_at` in a table that a target of others has loaded: a mirror archives the contact."""
    assert isinstance(feed, Postgres)
    mirror = {feed.stream: HUBSPOT.stream | {"load_method": "mirror"}}
    accounts.deliver(HUBSPOT, feed.emit(method="FULL_TABLE").stdout, tmp_path, streams=mirror)
    with psycopg.connect(f"host={feed.socket} user=postgres", autocommit=True) as connection:
        connection.execute("UPDATE matrix.customers SET _sdc_deleted_at = now() WHERE id = 'C05'")
    done = accounts.deliver(HUBSPOT, feed.emit(method="FULL_TABLE").stdout, tmp_path, streams=mirror)
    assert done.counts == {"read": COUNT, "unchanged": COUNT - 1, "removed": 1}
    assert "C05" not in {one["id"] for one in accounts.live(HUBSPOT)}
