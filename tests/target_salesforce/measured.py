"""Runs target-salesforce as its command does, and says last on stderr how many MB of memory it held at most."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

from target_salesforce.target import TargetSalesforce


def peak_mb() -> int:
    """Of this process alone; what the system calls `ru_maxrss` counts the process that started it, too."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return int(found[1] if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) // 1024


if __name__ == "__main__":
    try:
        TargetSalesforce.cli()
    finally:
        print(f"peak_mb={peak_mb()}", file=sys.stderr, flush=True)  # noqa: T201 - the test reads it
