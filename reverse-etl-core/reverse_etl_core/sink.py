"""The Singer SDK's sink over a pipeline: collects a chunk of records, then delivers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import Sink

if TYPE_CHECKING:
    import msgspec

    from reverse_etl_core.associations import AssociatedStream
    from reverse_etl_core.dispatch import Dispatcher
    from reverse_etl_core.pipeline import Pipeline
    from reverse_etl_core.target import ReverseETLTarget

CHUNK_RECORDS = 1000
"""Records of the first chunk, and the fewest of any other: a brake looks after each, and should not have to wait."""

CHUNK_BYTES = 8_000_000
"""Large records make smaller chunks, so that memory stays flat."""


class DeliverySink(Sink):
    """One stream."""

    def __init__(self, target: ReverseETLTarget, stream_name: str, schema: dict[str, Any], key_properties: Any) -> None:  # noqa: ANN401 - the SDK's signature
        self._target = target
        self.pipeline: Pipeline | Dispatcher | AssociatedStream | None = None
        self.records: list[msgspec.Raw | dict[str, Any]] = []
        self._bytes = 0
        self._chunk_records = CHUNK_RECORDS
        super().__init__(target, stream_name, schema, key_properties)

    def setup(self) -> None:
        """Decide the stream's way before its first record."""
        self.pipeline = self._target.open_stream(self)

    def take(self, record: msgspec.Raw, size: int) -> None:
        """Collect one record as it arrived; a full chunk is delivered.

        Args:
            record: As it stands in its line.
            size: Of the line, about as many bytes.
        """
        records = self.records
        records.append(record)
        self._bytes += size
        if len(records) >= self._chunk_records or self._bytes > CHUNK_BYTES:
            self.deliver()

    def deliver(self) -> None:
        """Hand the collected records to the pipeline."""
        if not self.records:
            return
        records, self.records, self._bytes = self.records, [], 0
        self._target.records_delivered += len(records)
        self.record_counter_metric.increment(len(records))
        if self.pipeline is not None:
            self.pipeline.deliver(records)
            self._chunk_records = max(CHUNK_RECORDS, self.pipeline.records_at_once)
            self._target.run.tell_progress()

    # -- what the SDK calls when a stream map or flattening is active

    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        """Take a record that the SDK has mapped."""
        del context
        self.records.append(record)
        if len(self.records) >= CHUNK_RECORDS:  # their size is not known
            self.deliver()

    def process_batch(self, context: dict[str, Any]) -> None:
        """Deliver what was collected."""
        del context
        self.deliver()

    @property
    def is_full(self) -> bool:
        """Never: chunks are delivered by `take`, so that the SDK does not log a metric for each."""
        return False

    @property
    def current_size(self) -> int:
        """Records collected but not delivered."""
        return len(self.records)

    def get_validator(self) -> None:
        """Nothing here: records are validated against the destination's live schema, after mapping."""

    def _validate_and_parse(self, record: dict[str, Any]) -> dict[str, Any]:
        return record

    def _remove_sdc_metadata_from_record(self, record: dict[str, Any]) -> None:
        """Keep `_sdc_deleted_at`: without it a removal would arrive as an update (api/singer.md 1)."""
