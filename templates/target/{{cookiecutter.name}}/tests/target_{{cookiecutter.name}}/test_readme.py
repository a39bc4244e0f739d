"""What the README of target-{{cookiecutter.name}} says is what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from conformance.readme import BaseReadme

from target_{{cookiecutter.name}}.config import {{cookiecutter.class_name}}Config
from target_{{cookiecutter.name}}.target import Target{{cookiecutter.class_name}}

if TYPE_CHECKING:
    from collections.abc import Mapping


class TestReadme(BaseReadme):
    """The example under Start matches contacts by the stream's key."""

    target = Target{{cookiecutter.class_name}}
    credentials: ClassVar[dict[str, str]] = {"access_token": "token"}
    row: ClassVar[dict[str, Any]] = {"id": "C-1", "email": "ada@example.com", "name": "Ada"}

    def parse(self, config: Mapping[str, Any]) -> {{cookiecutter.class_name}}Config:
        """Read the target's own settings."""
        return {{cookiecutter.class_name}}Config.from_mapping(config)
