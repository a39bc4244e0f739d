"""A model in DuckDB, our tap over it, and the STATE that a target gave back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from .plugins import ours

if TYPE_CHECKING:
    from pathlib import Path

    from .plugins import Output

STREAM = "facts"
COLUMNS = (
    "id bigint, name varchar, is_vip boolean, big bigint, amount decimal(18, 2), ratio double, day date, "
    "seen timestamptz, local timestamp, doc json, tags varchar[], uid uuid, updated timestamp"
)
ROWS = """
    (1, 'Zoë "quote", 名前 🙂', true, 9223372036854775807, 1234567890123456.78, 0.1, '2024-02-29',
     '2024-01-02 03:04:05.678901+02', '2024-01-02 03:04:05.678901', '{"a": [1, null, {"b": "ü"}]}', ['x', 'y'],
     '00000000-0000-0000-0000-000000000001', '2024-01-01'),
    (2, null, null, null, null, null, null, null, null, null, null, null, '2024-01-02'),
    (3, '', false, -9223372036854775808, 0.10, -1e300, '1900-01-01', '1900-01-01 00:00:00+00', '9999-12-31 23:59:59',
     '[]', [], 'ffffffff-ffff-ffff-ffff-ffffffffffff', '2024-01-03')
"""
FIRST = {
    "id": 1,
    "name": 'Zoë "quote", 名前 🙂',
    "is_vip": True,
    "big": 9223372036854775807,
    "amount": 1234567890123456.78,
    "ratio": 0.1,
    "day": "2024-02-29",
    "seen": "2024-01-02T01:04:05.678901+00:00",
    "local": "2024-01-02T03:04:05.678901+00:00",
    "doc": {"a": [1, None, {"b": "ü"}]},
    "tags": ["x", "y"],
    "uid": "00000000-0000-0000-0000-000000000001",
    "updated": "2024-01-01T00:00:00.000000+00:00",
}
"""The first row as the tap says it."""
THIRD = {
    "id": 3,
    "name": "",
    "is_vip": False,
    "big": -9223372036854775808,
    "amount": 0.1,
    "ratio": -1e300,
    "day": "1900-01-01",
    "seen": "1900-01-01T00:00:00.000000+00:00",
    "local": "9999-12-31T23:59:59.000000+00:00",
    "doc": [],
    "tags": [],
    "uid": "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "updated": "2024-01-03T00:00:00.000000+00:00",
}
CHANGES = (
    f"UPDATE {STREAM} SET name = 'changed', updated = '2025-01-01' WHERE id = 1",  # noqa: S608 - a constant
    f"DELETE FROM {STREAM} WHERE id = 2",  # noqa: S608 - a constant
    f"INSERT INTO {STREAM} (id, name, updated) VALUES (4, 'new', '2025-01-02')",  # noqa: S608 - a constant
)
"""One row changes, one goes, one comes."""


@dataclass
class Source:
    """The table `facts` with three rows, as a model that is replicated in some way."""

    folder: Path
    method: str
    state: dict[str, Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.execute(f"CREATE TABLE {STREAM} ({COLUMNS})", f"INSERT INTO {STREAM} VALUES {ROWS}")  # noqa: S608

    @property
    def path(self) -> Path:
        """The database."""
        return self.folder / "warehouse.duckdb"

    def execute(self, *statements: str) -> None:
        """Change the table, as a transformation would."""
        with duckdb.connect(str(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)

    def emit(self) -> Output:
        """Run the tap with the STATE that is kept."""
        model = {"name": STREAM, "table": STREAM, "key_properties": ["id"], "replication_method": self.method}
        if self.method == "INCREMENTAL":
            model["replication_key"] = "updated"
        config = {"sqlalchemy_url": f"duckdb:///{self.path}", "models": [model], "max_removed_percent": 100}
        documents = {} if self.state is None else {"state": self.state}
        return ours("tap-warehouse-model", self.folder).run(
            {"sync_id": "elsewhere", **config, **self.settings}, **documents
        )
