"""Seed files: what the simulated accounts hold at the start, as YAML."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

VENDORS = tuple(sorted(one.name for one in pkgutil.iter_modules([str(Path(__file__).parent)]) if one.ispkg))
"""Each package beside this module is a vendor, and its name is the vendor's."""


class SeedError(ValueError):
    """A seed cannot be used as it is; the message names the place and the remedy."""


def read_seed(path: Path) -> dict[str, Any]:
    """Read a seed file: one mapping per vendor.

    Raises:
        SeedError: The file is missing, is not YAML, or names something else than a vendor.
    """
    try:
        seed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"Seed file '{path}' cannot be read: {error.strerror}."
        raise SeedError(msg) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f"Seed file '{path}' is not valid YAML: {error}"
        raise SeedError(msg) from None
    return check_seed(seed if seed is not None else {})


def check_seed(seed: Any) -> dict[str, Any]:  # noqa: ANN401 - any YAML value
    """Return the seed when its top level names vendors only.

    Raises:
        SeedError: It does not.
    """
    expect_keys(seed, set(VENDORS), "the seed")
    checked: dict[str, Any] = seed
    return checked


def expect_keys(
    value: Any,  # noqa: ANN401 - any YAML value
    known: set[str],
    place: str,
    required: Collection[str] = (),
) -> None:
    """Refuse anything but a mapping of known keys that has the required ones."""
    if not isinstance(value, dict):
        msg = f"{place}: expected a mapping with {', '.join(sorted(known))}."
        raise SeedError(msg)
    if unknown := sorted(map(str, set(value) - known)):
        msg = f"{place}: unknown key {unknown[0]!r}. Known: {', '.join(sorted(known))}."
        raise SeedError(msg)
    if missing := sorted(key for key in required if value.get(key) is None or value[key] == ""):
        msg = f"{place}: {missing[0]!r} is missing."
        raise SeedError(msg)


def entries(value: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - any YAML value
    """Yield each mapping of a list with its place."""
    if not isinstance(value, list):
        msg = f"{place}: expected a list."
        raise SeedError(msg)
    for position, entry in enumerate(value):
        if not isinstance(entry, dict):
            msg = f"{place}[{position}]: expected a mapping."
            raise SeedError(msg)
        yield f"{place}[{position}]", entry
