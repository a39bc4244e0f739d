"""Run a command and write what the operating system says of it: `measured.py RESULT.json COMMAND [ARGUMENT ...]`.

A process of its own, of the standard library alone: what the system calls a child's peak memory begins with that of
its parent, and this one is small. Standard input, output and error are the command's.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time


def main() -> None:
    """Run the command, write the figures, and end as it ended."""
    result, *command = sys.argv[1:]
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    # This process would otherwise keep the command's pipes open after the command has closed them.
    for stream in (0, 1):
        os.close(stream)
    _, status, usage = os.wait4(pid, 0)
    figures = {
        "seconds": time.monotonic() - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        "own_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost memory here
        json.dump(figures, file)
    sys.exit(0 if figures["exit_code"] == 0 else 1)


if __name__ == "__main__":
    main()
