"""What a stream's records point to, as far as this run knows it: settled before them, and known by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reverse_etl_core.intake import stored_fields
from reverse_etl_core.operations import Verb
from reverse_etl_core.references import parent_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reverse_etl_core.ledger import Delivery
    from reverse_etl_core.operations import Batch
    from reverse_etl_core.schema import Reference


class Parents:
    """The parents of one stream's records.

    Args:
        references: Fields that point to them.
        settle: Settles the streams that deliver them, before anything is sent.
        settle_others: Writes down what other streams have in flight, before this one waits.
        ids_of: Match keys of such records to the ids that the ledger knows.
    """

    def __init__(
        self,
        references: Mapping[str, Reference],
        *,
        settle: Callable[[], None] = lambda: None,
        settle_others: Callable[[], None] = lambda: None,
        ids_of: Callable[[Reference, Sequence[str]], Mapping[str, str]] = lambda _parent, _keys: {},
    ) -> None:
        self._references = references
        self.settle = settle
        self.settle_others = settle_others
        self._ids_of = ids_of

    def with_ids(self, batch: Batch) -> Batch:
        """A batch with the ids of the records that it points to, as far as the ledger knows them."""
        if not batch.schema.takes_ids or batch.verb is Verb.REMOVE:
            return batch
        ids = {}
        for name, parent in batch.references.items():
            if name == batch.match_field:
                keys = [one.match_key for one in batch.operations]
            else:
                keys = [key for one in batch.operations for key in parent_keys(parent, one.fields.get(name))]
            ids[name] = self._ids_of(parent, list(dict.fromkeys(keys)))
        return msgspec.structs.replace(batch, parent_ids=ids)

    def those_known(self, rows: Sequence[Delivery]) -> list[Delivery]:
        """Those rows of which the ledger knows every record that they point to."""
        stored = [stored_fields(one) for one in rows]
        is_known = [True] * len(rows)
        for name, parent in self._references.items():
            keys = [parent_keys(parent, one.get(name)) for one in stored]
            known = self._ids_of(parent, list(dict.fromkeys(key for some in keys for key in some)))
            is_known = [so_far and known.keys() >= set(some) for so_far, some in zip(is_known, keys, strict=True)]
        return [one for one, known in zip(rows, is_known, strict=True) if known]
