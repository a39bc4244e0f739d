"""Streams of one run that point to each other: parents go first, children that came before them are tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.parents import Parents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_etl_core.pipeline import Pipeline
    from reverse_etl_core.routing import Route
    from reverse_etl_core.schema import Reference


class Relations:
    """Which streams write the objects that others point to.

    Args:
        pipelines: Those of the run, as far as they are open.
        deliver_collected: By stream: hands over the records that arrived but wait for their chunk to fill.
    """

    def __init__(
        self, pipelines: Callable[[], Iterable[Pipeline]], deliver_collected: Mapping[str, Callable[[], None]]
    ) -> None:
        self._pipelines = pipelines
        self._deliver_collected = deliver_collected

    def parents(self, route: Route) -> Parents:
        """What a stream's records point to."""
        return Parents(
            route.references,
            settle=lambda: self._settle_parents(route),
            settle_others=lambda: self._settle_others(route),
            ids_of=lambda parent, keys: self._parent_ids(route, parent, keys),
        )

    def parents_of(self, route: Route) -> list[Pipeline]:
        """The streams of this run whose records a stream points to; itself too, where records point to each other."""
        objects = {one.object_name for one in route.references.values()}
        return [one for one in self._pipelines() if one.route.schema.name in objects]

    def _settle_parents(self, route: Route) -> None:
        """Settle the streams whose records a stream points to, so that they exist before it is sent.

        What other streams have under way to its own object is waited for: it may be what this one looks for.
        """
        for pipeline in self.parents_of(route):
            stream = pipeline.route.stream
            if stream != route.stream:
                self._deliver_collected[stream]()
                pipeline.flush()
        for pipeline in self._pipelines():
            if pipeline.route.schema.name == route.schema.name and pipeline.route.stream != route.stream:
                pipeline.settle()
        self._settle_others(route)

    def _settle_others(self, route: Route) -> None:
        """Write down what comes of other streams' requests: while one stream waits, it renews its own lease only."""
        for pipeline in self._pipelines():
            if (pipeline.route.stream, pipeline.route.schema.name) != (route.stream, route.schema.name):
                pipeline.settle_requests()

    def _parent_ids(self, route: Route, parent: Reference, keys: Sequence[str]) -> Mapping[str, str]:
        """The ids of records that a stream points to, as far as the streams of this run know them."""
        found: dict[str, str] = {}
        for one in self.parents_of(route):
            if one.route.schema.name == parent.object_name and one.route.match_field == parent.match_field.name:
                found.update(one.ids_of([key for key in keys if key not in found]))
        return found

    def retry_waiting(self) -> None:
        """Try children once more whose parents came after them, as often as that helps; then let them rest."""
        for pipeline in list(self._pipelines()):
            if self.parents_of(pipeline.route):
                pipeline.retry_orphans()
        while True:
            # All of them, each time: one that is delivered may be the parent that another one waits for.
            helped = [
                pipeline.retry_waiting()
                for pipeline in self._pipelines()
                if sum(pipeline.tally.waiting.values()) and self.parents_of(pipeline.route)
            ]
            if not any(helped):
                break
        for pipeline in self._pipelines():
            if sum(pipeline.tally.waiting.values()):
                pipeline.stop_waiting()
