"""What a target's README says is what it does."""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from reverse_etl_core import errors, operations
from reverse_etl_core.config import CommonConfig
from reverse_etl_core.stream_config import LOAD_METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_etl_core.target import ReverseETLTarget

    from .stage import Stage

REPOSITORY = Path(__file__).parents[2]


class BaseReadme:
    """Settings, examples and codes of a README, held against the target.

    Attributes:
        target: The target class.
        credentials: What stands in the place of the credentials that the examples leave out with an ellipsis.
        row: A record of the stream that the example under Start configures; its first column is the key property.
    """

    target: ClassVar[type[ReverseETLTarget]]
    credentials: ClassVar[Mapping[str, str]]
    row: ClassVar[Mapping[str, Any]]

    def parse(self, config: Mapping[str, Any]) -> object:
        """Read the vendor's own settings, as the target does."""
        raise NotImplementedError

    @cached_property
    def text(self) -> str:
        """The README."""
        return (REPOSITORY / self.target.name / "README.md").read_text(encoding="utf-8")

    @property
    def settings(self) -> dict[str, Any]:
        """The target's settings."""
        properties: dict[str, Any] = self.target.config_jsonschema["properties"]
        return properties

    @property
    def rows(self) -> dict[str, tuple[str, str]]:
        """Rows of three columns that begin with a name, by this name."""
        found = re.findall(r"^\| `(\w+)` \| (.*?) ?\| (.*) \|$", self.text, re.MULTILINE)
        return {name: (middle, last) for name, middle, last in found}

    @property
    def start(self) -> dict[str, Any]:
        """The settings of the example under Start."""
        (found,) = re.findall(r"<<'END'\n(.*?)END\n", self.text, re.DOTALL)
        config: dict[str, Any] = json.loads(found)
        return config

    def test_every_setting_is_documented(self) -> None:
        """A setting without a place in the README fails the build."""
        assert {name for name in self.settings if f"`{name}`" not in self.text} == set()

    def test_every_row_is_a_setting_or_a_load_method(self) -> None:
        """The tables name nothing that the target does not take."""
        assert self.rows.keys() - self.settings.keys() <= set(LOAD_METHODS)

    def test_defaults_are_the_real_ones(self) -> None:
        """Each default in the table is the one of the schema."""
        real = {name: str(one["default"]) for name, one in self.settings.items() if "default" in one}
        shown = {name: self.rows[name][0].strip("` ") for name in real}
        assert {name: shown[name].lower() for name in real} == {name: one.lower() for name, one in real.items()}

    def test_secrets_are_marked(self) -> None:
        """What must not be in a file is called secret, and nothing else is."""
        secret = {name for name, one in self.settings.items() if one.get("secret")}
        assert {name for name, (_, meaning) in self.rows.items() if "Secret." in meaning} == secret

    def test_examples_are_understood(self) -> None:
        """The settings in the examples are accepted, those of `streams` included."""
        self.parse({**self.start, **self.credentials})
        meltano, *examples = (yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", self.text, re.DOTALL))
        (loader,) = meltano["plugins"]["loaders"]
        assert loader["name"] == loader["executable"] == self.target.name
        for config in (self.start, loader["config"], *examples):
            assert CommonConfig.from_mapping(config, target=self.target.name).streams
            assert config.keys() <= self.settings.keys()
        assert {one["name"] for one in loader["settings"]} <= self.settings.keys()
        secret = {one["name"] for one in loader["settings"] if one.get("sensitive")}
        assert secret == {one["name"] for one in loader["settings"] if self.settings[one["name"]].get("secret")}

    def test_every_load_method_has_its_row(self) -> None:
        """What each does to records that exist, and to those that do not."""
        assert set(LOAD_METHODS) <= self.rows.keys()

    def test_every_exit_code_has_its_row(self) -> None:
        """Schedulers act by them."""
        codes = (errors.EXIT_OK, errors.EXIT_FAILURE, errors.EXIT_BRAKE, errors.EXIT_TRY_LATER, errors.EXIT_CONFIG)
        assert [code for code in codes if f"\n| {code} |" not in self.text] == []

    def test_reject_codes_exist(self) -> None:
        """Every code of a rejection that is named is one that the target can give."""
        (rejects,) = re.findall(r"## Rejects\n(.*?)\n##", self.text, re.DOTALL)
        named = set(re.findall(r"`(\w+)`", rejects))
        assert named - {one.value for one in operations.RejectCode} == set()
        assert len(named) > 5

    def test_the_example_delivers(self, stage: Stage) -> None:
        """The stream of the example under Start delivers, settings of streams included."""
        ((stage.stream, stream),) = self.start["streams"].items()
        head, *rest = stage.messages([self.row], key_properties=list(self.row)[:1])
        head["schema"] = {"properties": {name: {} for name in self.row}}
        result = stage.run([head, *rest], streams={stage.stream: stream})
        assert (result.exit_code, result.totals["created"]) == (0, 1)
