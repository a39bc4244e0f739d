# ruff: noqa: S608 - the SQL is put together from the constants of this file
"""A sample warehouse: a subscription business in one DuckDB file, with the dirt that real data has.

`python demo/warehouse.py build FILE` makes it, always the same; `python demo/warehouse.py change FILE` then changes
a few rows, as a day of business would.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import random
import sys
import tempfile
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CUSTOMERS = 5_000
ACCOUNTS = 1_200
DEALS = 3_000


def words(text: str) -> list[str]:
    """The words of a text, with `_` for a blank inside of one."""
    return [word.replace("_", " ") for word in text.split()]


FIRST_NAMES = words(
    "Ada Alan Barbara Björn Chiara Dmitri Edsger Fatima François Grace Hedy İpek Jürgen Katherine Łukasz Margaret "
    "Mø Niklaus Nguyễn Ólafur Radia Sigrún Søren Tim 山田 Zoë Žofia O'Neil Anne-Marie"
)
LAST_NAMES = words(
    "Lovelace Turing Liskov Borg Rossi Mendelejew Dijkstra Al-Fihri Viète Hopper Lamarr Şahin Müller Johnson "
    "Kowalski Hamilton Østergaard Noether Trãi Gíslason Perlman Þorsteinsdóttir Kierkegaard Berners-Lee 太郎 Brontë "
    "Růžičková D'Arcy van_Rossum"
)
COMPANY_WORDS = words("Acme Blue Borealis Cœur Delta Fjord Globex Hooli Initech Kraków Nova Orbit Æther Umbra Vertex")
COMPANY_KINDS = words("GmbH Ltd SARL Inc ApS B.V. S.A. Partners &_Söhne Labs Group")
JOBS = ("Data Engineer", "Head of Sales", "CFO", "Developer", "Office Manager", "Geschäftsführerin", None)
INDUSTRIES = ("software", "Banking", "RETAIL", "logistics", "education", "Space tourism", None)
INDUSTRY_WEIGHTS = (30, 15, 20, 15, 12, 1, 7)
PLANS = ("free", "pro", "enterprise", "Pro ", "ENTERPRISE", "legacy-2019")
PLAN_WEIGHTS = (500, 300, 150, 30, 14, 6)
STAGES = ("qualified", "offer sent", "contract sent", "won", "lost", "on hold")
STAGE_WEIGHTS = (300, 250, 150, 200, 90, 10)
ZONES = ("+00:00", "+01:00", "+02:00", "-05:00", "-08:00", "+05:30", "+09:00")
BAD_ADDRESSES = ("n/a", "{name}@", "{name}.example", "{name}@@x.example", "{name} at x.example", "{name}@x..de")

BEGIN = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
DAY_S = 86_400
SPAN_S = 540 * DAY_S

NULL = r"\N"
NAN = "NaN"
LONG_TEXT = "The customer wrote: " + "please call me back. " * 3_500  # 73,520 characters; HubSpot takes 65,536

TABLES = {
    "accounts": (
        "account_id VARCHAR, name VARCHAR, website VARCHAR, industry VARCHAR, employees VARCHAR, yearly_eur DOUBLE, "
        "city VARCHAR, updated_at TIMESTAMPTZ"
    ),
    "customers": (
        "customer_id VARCHAR, account_id VARCHAR, email VARCHAR, first_name VARCHAR, last_name VARCHAR, phone VARCHAR, "
        "job VARCHAR, plan VARCHAR, churn_score DOUBLE, note VARCHAR, updated_at TIMESTAMPTZ"
    ),
    "deals": (
        "deal_id VARCHAR, account_id VARCHAR, title VARCHAR, stage VARCHAR, amount_eur DOUBLE, closes_at TIMESTAMPTZ, "
        "note VARCHAR, updated_at TIMESTAMPTZ"
    ),
}

DEALS_MART = """
CREATE VIEW marts.deals AS
SELECT
    deal.deal_id,
    deal.account_id,
    trim(deal.title) AS title,
    CASE deal.stage
        WHEN 'qualified' THEN 'qualifiedtobuy'
        WHEN 'offer sent' THEN 'presentationscheduled'
        WHEN 'contract sent' THEN 'contractsent'
        WHEN 'won' THEN 'closedwon'
        WHEN 'lost' THEN 'closedlost'
        ELSE deal.stage
    END AS stage,
    CASE deal.stage
        WHEN 'qualified' THEN 'Qualification'
        WHEN 'offer sent' THEN 'Proposal/Price Quote'
        WHEN 'contract sent' THEN 'Negotiation/Review'
        WHEN 'won' THEN 'Closed Won'
        WHEN 'lost' THEN 'Closed Lost'
        ELSE deal.stage
    END AS opportunity_stage,
    deal.amount_eur,
    deal.closes_at,
    coalesce(deal.closes_at::DATE, DATE '2027-12-31') AS expected_on,
    concat_ws(E'\\n', account.name, deal.note) AS note
FROM raw.deals AS deal
LEFT JOIN (SELECT account_id, max_by(name, updated_at) AS name FROM raw.accounts GROUP BY ALL) AS account
    USING (account_id)
"""

Row = list[Any]
T = TypeVar("T")


class Dirt:
    """Seeded chance: the same rows on every machine."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - sample data, not a secret

    def happens(self, percent: float) -> bool:
        """Whether something that concerns this share of the rows concerns this one."""
        return self._random.random() * 100 < percent

    def pick(self, values: Sequence[T], weights: Sequence[int] | None = None) -> T:
        """One of the values."""
        return self._random.choices(values, weights)[0]

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self._random.randint(low, high)

    def moment(self, span_s: int = SPAN_S) -> str:
        """A moment after `BEGIN`, written in any time zone."""
        moment = BEGIN + dt.timedelta(seconds=self._random.randrange(span_s))
        hours, minutes = self.pick(ZONES).split(":")
        offset = dt.timedelta(hours=int(hours), minutes=int(hours[0] + minutes))
        return moment.astimezone(dt.timezone(offset)).isoformat()

    def spaced(self, text: str) -> str:
        """The text, now and then with the blanks that forms and spreadsheets leave behind."""
        if not self.happens(2):
            return text
        return self.pick((f" {text}", f"{text} ", f"{text}\t", f"\u00a0{text}", text.replace(" ", "  ")))


def plain(text: str) -> str:
    """A name as it appears in an address: lower case, ASCII where that is possible."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(letter for letter in folded.lower() if letter.isalnum()) or "x"


def accounts() -> Iterator[Row]:
    """Accounts: key, name, website, industry, employees as somebody typed them, yearly turnover, city, change."""
    dirt = Dirt("accounts")
    for number in range(1, ACCOUNTS + 1):
        name = f"{dirt.pick(COMPANY_WORDS)} {dirt.pick(COMPANY_WORDS)} {dirt.pick(COMPANY_KINDS)}"
        key = NULL if dirt.happens(0.5) else f"A-{number:05}"
        row = [
            key,
            dirt.spaced(name),
            f"https://{plain(name)}-{number}.example" if dirt.happens(90) else NULL,
            dirt.pick(INDUSTRIES, INDUSTRY_WEIGHTS) or NULL,
            dirt.pick(("about 50", "10-20", "?")) if dirt.happens(2) else dirt.spaced(str(dirt.number(1, 9000))),
            NAN if dirt.happens(2) else dirt.number(1_000, 9_000_000) / 100,
            dirt.pick(("Zürich", "København", "São Paulo", "Łódź", "東京", "Paris", NULL)),
            dirt.moment(),
        ]
        yield row
        if dirt.happens(0.5):  # the source system wrote the row twice
            yield [*row[:-1], dirt.moment()]


def customers() -> Iterator[Row]:
    """Customers: key, account, address, names, phone, job, plan, churn score, note, change."""
    dirt = Dirt("customers")
    earlier = "first@shop.example"
    for number in range(1, CUSTOMERS + 1):
        first, last = dirt.pick(FIRST_NAMES), dirt.pick(LAST_NAMES)
        good = f"{plain(first)}.{plain(last)}.{number}@shop-{dirt.number(1, 400)}.example"
        email = address(dirt, good, earlier)
        earlier = good if email == good else earlier
        yield [
            f"C-{number:05}",
            NULL if dirt.happens(3) else f"A-{dirt.number(1, ACCOUNTS):05}",
            email,
            NULL if dirt.happens(1.5) else dirt.spaced(first),
            dirt.spaced(last),
            f"+49 30 {dirt.number(100000, 999999)}" if dirt.happens(60) else NULL,
            dirt.pick(JOBS) or NULL,
            dirt.pick(PLANS, PLAN_WEIGHTS),
            NAN if dirt.happens(1) else dirt.number(0, 10_000) / 10_000,
            'said "maybe", then\nnothing; 100 % unsure \N{THINKING FACE}' if dirt.happens(4) else NULL,
            dirt.moment(),
        ]


def address(dirt: Dirt, good: str, earlier: str) -> str:
    """An e-mail address as forms collect them: mostly good, sometimes none, wrong, or somebody else's."""
    if dirt.happens(1.2):
        return NULL
    if dirt.happens(1.8):
        return dirt.pick(BAD_ADDRESSES).format(name=good.partition("@")[0])
    if dirt.happens(1.5):
        return dirt.pick((earlier, earlier.upper()))
    return dirt.spaced(good)


def deals() -> Iterator[Row]:
    """Deals: key, account, title, stage, amount, close, note, change."""
    dirt = Dirt("deals")
    for number in range(1, DEALS + 1):
        yield [
            f"D-{number:05}",
            f"A-{dirt.number(1, ACCOUNTS):05}",
            NULL if dirt.happens(0.8) else dirt.spaced(f"Renewal {dirt.number(2024, 2027)} № {number}"),
            dirt.pick(STAGES, STAGE_WEIGHTS),
            NAN if dirt.happens(1) else dirt.number(0, 5_000_000) / 100,
            dirt.moment(SPAN_S * 2) if dirt.happens(80) else NULL,
            LONG_TEXT if number in {700, 1400, 2100} else NULL,
            dirt.moment(),
        ]


def build(path: Path) -> None:
    """Write the warehouse anew."""
    for stale in (path, path.with_name(path.name + ".wal")):
        stale.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute("CREATE SCHEMA raw")
        for table, rows in (("accounts", accounts()), ("customers", customers()), ("deals", deals())):
            connection.execute(f"CREATE TABLE raw.{table} ({TABLES[table]})")
            print(f"raw.{table}: {load(connection, table, rows)} rows")
        connection.execute("CREATE SCHEMA marts")
        connection.execute(DEALS_MART)


def load(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterator[Row]) -> int:
    """Copy rows in by way of a CSV file: a thousand times faster than one INSERT per row."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        options = f"HEADER false, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR '{NULL}', AUTO_DETECT false"
        (count,) = connection.execute(f"COPY raw.{table} FROM '{path}' ({options})").fetchone() or (0,)
    return int(count)


OWN_ADDRESS = "email LIKE '%.' || ltrim(right(customer_id, 5), '0') || '@shop-%.example'"

CHANGES = {
    "customers": (
        # Somebody looked after a few wrong addresses: these customers arrive at last.
        ("email = lower(customer_id) || '@mended.example'", "email LIKE '%@@%'", 5),
        ("plan = 'enterprise', churn_score = 0.05", f"plan = 'pro' AND {OWN_ADDRESS}", 20),
        ("phone = '+49 40 ' || right(customer_id, 4)", f"phone IS NULL AND plan = 'free' AND {OWN_ADDRESS}", 14),
        # And one form was filled in wrongly.
        ("email = 'none'", f"plan = 'free' AND {OWN_ADDRESS}", 1),
    ),
    "accounts": (
        (
            "yearly_eur = 12 * yearly_eur + 1",
            "employees SIMILAR TO '[0-9]+' AND yearly_eur < 1e6 AND industry <> 'Space tourism'",
            10,
        ),
    ),
    "deals": (
        ("stage = 'won'", "stage = 'contract sent' AND title IS NOT NULL", 15),
        ("amount_eur = amount_eur + 1000", "stage = 'offer sent' AND title IS NOT NULL AND NOT isnan(amount_eur)", 10),
    ),
}
"""Per table: what is set, in which rows, in how many of them."""


def change(path: Path) -> None:
    """Change a few rows, those that rested longest, and set their `updated_at`."""
    with closing(duckdb.connect(str(path))) as connection:
        for table, steps in CHANGES.items():
            (latest,) = connection.execute(f"SELECT max(updated_at)::VARCHAR FROM raw.{table}").fetchone() or ("",)
            changed = sum(change_some(connection, table, step, latest) for step in steps)
            print(f"raw.{table}: {changed} rows changed")


def change_some(connection: duckdb.DuckDBPyConnection, table: str, step: tuple[str, str, int], latest: str) -> int:
    """Change rows of one table, an hour after the latest change before this one."""
    setting, of_which, count = step
    statement = f"""
        UPDATE raw.{table} SET {setting}, updated_at = $latest::TIMESTAMPTZ + INTERVAL 1 HOUR
        WHERE rowid IN (
            SELECT rowid FROM raw.{table}
            WHERE updated_at <= $latest AND {of_which} ORDER BY updated_at, rowid LIMIT {count}
        )
    """
    (changed,) = connection.execute(statement, {"latest": latest}).fetchone() or (0,)
    return int(changed)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["build", "change"])
    parser.add_argument("file", type=Path)
    chosen = parser.parse_args(arguments)
    {"build": build, "change": change}[chosen.verb](chosen.file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
