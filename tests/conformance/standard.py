"""The test suite that the Singer SDK ships for targets, run as whoever uses it would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reverse_etl_core.target import ReverseETLTarget

SUITE = """
import json, os
from singer_sdk.testing import get_target_test_class
from {module} import {name}
TestStandard = get_target_test_class({name}, config=json.loads(os.environ["TARGET_CONFIG"]))
"""
TESTS_OF_THE_SUITE = 16


def check_sdk_suite(target: type[ReverseETLTarget], config: Mapping[str, Any], folder: Path) -> None:
    """Run every test of `get_target_test_class`; one that fails, or is skipped, is an error."""
    suite = SUITE.format(module=target.__module__, name=target.__name__)
    (folder / "test_suite.py").write_text(suite, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "test_suite.py"],
        cwd=folder,
        env={**os.environ, "TARGET_CONFIG": json.dumps(config)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(rf"^{TESTS_OF_THE_SUITE} passed in ", done.stdout, re.MULTILINE), done.stdout
