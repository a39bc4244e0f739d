"""The queries of docs/ledger.md for a ledger in the warehouse, on PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa

from reverse_etl_core.ledger import Ledger, Scope, Settlement, Status
from reverse_etl_core.redaction import Secret

PAGE = (Path(__file__).parents[2] / "docs/ledger.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^```postgresql\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_a_ledger_in_the_warehouse_answers(postgres: str) -> None:
    """The schema is made as the page says, the URL leads into it, and each query finds what is there."""
    (option,) = re.findall(r"warehouse\?(options=\S+)", PAGE)
    create, *queries = QUERIES
    engine = sa.create_engine(postgres)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS reverse_etl, analytics CASCADE")
        connection.exec_driver_sql(create)
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS analytics")
        connection.exec_driver_sql("CREATE TABLE analytics.customers (customer_id text)")
        connection.exec_driver_sql("INSERT INTO analytics.customers VALUES ('C-1'), ('C-2'), ('C-3')")
    ledger = Ledger(Secret(f"{postgres}&{option}"))
    ledger.start_run(sync_id="crm", target="target-crm", account="1")
    stream = ledger.open_stream(Scope("crm", "1", "contacts", "contacts"), keeps_deliveries=True)
    stream.settle([Settlement('["C-1"]', Status.DELIVERED, "created", match_key="c1", destination_id="101")])
    stream.settle([Settlement('["C-2"]', Status.REJECTED, "rejected", error_code="too_long", error="Too long.")])
    stream.close()
    ledger.end_run(0, {})
    ledger.close()
    with engine.begin() as connection:
        missing, back, days, fresh = ([tuple(row) for row in connection.exec_driver_sql(one)] for one in queries)
        connection.exec_driver_sql("DROP SCHEMA reverse_etl, analytics CASCADE")
    engine.dispose()
    assert sorted(missing) == [("C-2", "rejected", "too_long", "Too long."), ("C-3", "never arrived", None, None)]
    assert back == [("C-1", "101", False)]
    assert sorted(row[1:] for row in days) == [
        ("contacts", "created", None, 1),
        ("contacts", "rejected", "too_long", 1),
    ]
    assert [row[:2] for row in fresh] == [("crm", "target-crm")]
