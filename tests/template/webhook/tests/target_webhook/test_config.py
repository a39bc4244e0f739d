"""Settings: one message names all that is wrong, and shows no secret."""

from __future__ import annotations

from typing import Any

import pytest

from reverse_etl_core.errors import ConfigError
from target_webhook.config import WebhookConfig

PEOPLE = {"path": "/in/{object}/v2", "key": "id", "fields": {"mail": "email"}}


def test_a_path_is_a_template() -> None:
    """`{object}` stands for the object's name; the key is a field without being listed."""
    endpoint = WebhookConfig.from_mapping({"access_token": "x", "objects": {"people": PEOPLE}}).objects["people"]
    assert (endpoint.path, sorted(endpoint.fields)) == ("/in/people/v2", ["id", "mail"])


@pytest.mark.parametrize(
    ("objects", "word"),
    [
        ({"people": {**PEOPLE, "path": "in"}}, "people.path"),
        ({"people": {**PEOPLE, "path": "/in/{key}"}}, "people.path"),
        ({"people": {**PEOPLE, "key": ""}}, "people.key"),
        ({"people": {**PEOPLE, "fields": {"mail": "guess"}}}, "people.fields.mail"),
        ({"people": {**PEOPLE, "pth": "/in"}}, "pth"),
        ({"people": "/in"}, "people"),
    ],
)
def test_a_wrong_object_is_named(objects: Any, word: str) -> None:
    """With its place; the token, which is missing, in the same message."""
    with pytest.raises(ConfigError) as caught:
        WebhookConfig.from_mapping({"objects": objects})
    assert word in str(caught.value)
    assert "'access_token' is missing" in str(caught.value)
