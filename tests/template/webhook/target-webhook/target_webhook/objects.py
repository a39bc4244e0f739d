"""The objects of the settings as the core's schemas: pure. A receiver does not describe itself."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import Field, ObjectSchema, frozen
from target_webhook.limits import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_webhook.config import Endpoint


def object_schema(endpoint: Endpoint) -> ObjectSchema:
    """The schema of an object; its records are upserted by their key, since sending one again changes nothing."""
    fields = {name: Field(name, kind, is_key=name == endpoint.key) for name, kind in endpoint.fields.items()}
    return ObjectSchema(
        name=endpoint.name,
        fields=frozen(fields),
        limits=BATCH,
        natural_match_field=endpoint.key,
        upsert_fields=frozenset({endpoint.key}),
        has_derived_ids=True,
    )


def no_such_object(name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name that the settings do not have."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return ConfigError(f"There is no object '{name}' in 'objects'; there are: {', '.join(names) or 'none'}.{hint}")
