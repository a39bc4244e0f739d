"""All measurements, one after the other, into `benchmarks/results.json`: `make bench`, `make bench-long`.

    python benchmarks/run.py bench              about 15 minutes
    python benchmarks/run.py long               about two and a half hours; the diff of 100M rows needs 30 GB of disk
    python benchmarks/run.py bench --only tap,calls
    python benchmarks/run.py try --results /tmp/results.json    small, to see that all of it works

Each measurement is a process of its own. Its entry says when, where, of which commit and at which length it was
taken; a shorter one never replaces a longer one. The page docs/benchmarks.md is written from the file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks/results.json"
LENGTHS = ("try", "bench", "long")
PACKAGES = ("singer-sdk", "duckdb", "SQLAlchemy", "msgspec", "requests", "psycopg")

# Arguments of each length; None: left out.
MEASURES: dict[str, tuple[str, tuple[str | None, str | None, str | None]]] = {
    "startup": ("startup.py", ("--repeat 1", "--repeat 3", "--repeat 5")),
    "tap": ("tap.py", ("--rows 5000 --repeat 1", "--rows 1000000 --repeat 3", "--rows 1000000 --repeat 5")),
    "target": (
        "target.py",
        ("--records 5000 --repeat 1", "--records 200000 --repeat 3", "--records 1000000 --repeat 5"),
    ),
    "ledger": ("ledger.py", ("--records 1000", "--records 100000", "--records 1000000")),
    "diff-duckdb": ("diff.py", ("--rows 50000 --repeat 1", "--rows 2000000", "--rows 5000000 --repeat 5")),
    "diff-postgresql": (
        "diff.py --warehouse postgresql",
        ("--rows 20000 --repeat 1", "--rows 500000", "--rows 5000000 --repeat 5"),
    ),
    "diff-duckdb-100m": ("diff.py", (None, None, "--rows 100000000 --repeat 1 --memory-limit 3GB")),
    "calls": ("calls.py", ("--records 1000", "--records 10000", "--records 100000")),
    "cloud": ("cloud.py", ("--scale 0.01", "--scale 0.2", "--scale 1")),
    "peers": ("peers.py", ("--scale 0.1", "--scale 0.3", "--scale 1")),
    "scale": ("scale.py", ("--rows 5000", "--rows 1000000", "--rows 10000000")),
}


def main() -> None:
    """Measure, keep the results, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("length", choices=LENGTHS)
    parser.add_argument("--only", type=_names, default=list(MEASURES), help=", ".join(MEASURES))
    parser.add_argument("--without", type=_names, default=[], help="the same, left out")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.length == "try" and given.results == RESULTS:
        parser.error("'try' is no measurement: say with --results where its figures go.")
    results = read(given.results)
    run = _run()
    failed = []
    for name in given.only:
        arguments = MEASURES[name][1][LENGTHS.index(given.length)]
        if name in given.without or arguments is None:
            continue
        print(f"\n== {name}: {MEASURES[name][0]} {arguments}", flush=True)
        entry = _measure(name, arguments)
        if entry is None:
            failed.append(name)
            continue
        keep(results, name, {"length": given.length, "run": run["date"], **entry}, run)
        given.results.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}. What they said is above; the others are in {given.results}.")


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in MEASURES]:
        msg = f"'{unknown[0]}' is none of {', '.join(MEASURES)}"
        raise argparse.ArgumentTypeError(msg)
    return names


def read(path: Path) -> dict[str, Any]:
    """What was measured so far."""
    if not path.exists():
        return {"runs": {}, "measures": {}}
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results


def keep(results: dict[str, Any], name: str, entry: dict[str, Any], run: dict[str, Any]) -> None:
    """Put a measurement into the results, unless a longer one is there, and forget runs that nothing is left of."""
    measures = results["measures"]
    before = measures.get(name)
    if before and LENGTHS.index(before["length"]) > LENGTHS.index(entry["length"]):
        print(f"   (not kept: there is a longer measurement of {before['run']})")
        return
    measures[name] = entry
    results["runs"][run["date"]] = run
    left = {one["run"] for one in measures.values()}
    results["runs"] = {date: one for date, one in sorted(results["runs"].items()) if date in left}
    results["measures"] = {one: measures[one] for one in MEASURES if one in measures}


def _measure(name: str, arguments: str) -> dict[str, Any] | None:
    """One measurement; `None` where it failed."""
    script, *fixed = MEASURES[name][0].split()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder, "figures.json")
        command = [sys.executable, str(ROOT / "benchmarks" / script), *fixed, *arguments.split(), "--json", str(path)]
        load, started = os.getloadavg()[0], time.monotonic()
        if subprocess.run(command, check=False).returncode:
            return None
        return {
            "command": " ".join(["python", f"benchmarks/{script}", *fixed, *arguments.split()]),
            "took_s": round(time.monotonic() - started, 1),
            "load_before": round(load, 2),
            "figures": json.loads(path.read_text(encoding="utf-8")),
        }


def _run() -> dict[str, Any]:
    """When, where and of what."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": dt.datetime.now(tz=dt.timezone.utc).isoformat(timespec="minutes"),
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "is_clean": not _git("status", "--porcelain", "--untracked-files=no", "--", ":!benchmarks/results.json"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9, 1),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
