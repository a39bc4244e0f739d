"""The examples in docstrings are what the code does."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import reverse_etl_core

MODULES = [one.name for one in pkgutil.walk_packages(reverse_etl_core.__path__, "reverse_etl_core.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    """Each doctest of the module passes."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0
