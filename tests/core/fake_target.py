"""A target over the fake destination; as a command it writes what it delivers to a file, and can be held up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.fakes import Crm, FakeDestination, people
from singer_sdk import typing as th

from reverse_etl_core.target import ReverseETLTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination
    from reverse_etl_core.operations import Batch, Outcome


class JournalDestination(FakeDestination):
    """Notes what it applied in a file, and waits at two pipes where a test wants to hold it up."""

    def __init__(self, config: Mapping[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.config = config

    def write(self, batch: Batch) -> list[Outcome]:
        """Tell that a request is under way, wait until it may go on, apply it."""
        if self.config.get("started"):
            Path(self.config["started"]).write_text("started", encoding="utf-8")
            Path(self.config["gate"]).read_text(encoding="utf-8")
        outcomes = super().write(batch)
        if self.config.get("journal"):
            with Path(self.config["journal"]).open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(dict(one.fields), default=str) + "\n" for one in batch.operations)
        return outcomes


class FakeTarget(ReverseETLTarget):
    """Delivers to the object `people`."""

    name = "target-fake"
    config_jsonschema = ReverseETLTarget.settings(
        th.Property("journal", th.StringType),
        th.Property("started", th.StringType),
        th.Property("gate", th.StringType),
        th.Property("token", th.StringType, secret=True),
    )
    crm: ClassVar[Crm] = Crm()
    faults: ClassVar[Iterable[str | None]] = ()
    is_native: ClassVar[bool] = True

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """The fake account."""
        del common
        schema = people(is_native=self.is_native, records_per_request=100)
        return JournalDestination(config, self.crm, schema, self.faults, traffic=self.traffic)


if __name__ == "__main__":
    FakeTarget.cli()
