"""docs/new-target.md: the example runs, and what the page names is there and all that there is."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import scenario
from conformance import command, composition, log_based, mirror, plan, readme, stage, standard, suite
from demo.project import REPOSITORY

from reverse_etl_core import destination, errors, operations, ratelimit, rates, recovery, schema, transport
from saas_simulators import simulation

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (REPOSITORY / "docs/new-target.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PROSE = re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
SUITE = (command, composition, log_based, mirror, plan, readme, suite)
OURS = (
    destination,
    errors,
    operations,
    ratelimit,
    rates,
    recovery,
    schema,
    transport,
    simulation,
    stage,
    standard,
    scenario,
)
COMMENT = "reverse-etl-core/reverse_etl_core/emails.py"
"""Names a vendor in a comment on a fact, and does not change with a further one."""


def people(*rows: dict[str, Any]) -> str:
    """A stream of people, as a tap writes it."""
    types = {"email": "string", "name": "string", "age": "integer"}
    properties = {name: {"type": ["null", one]} for name, one in types.items()}
    head = {"type": "SCHEMA", "stream": "people", "schema": {"properties": properties}, "key_properties": ["email"]}
    lines = [head, *({"type": "RECORD", "stream": "people", "record": row} for row in rows)]
    return "".join(f"{json.dumps(one)}\n" for one in [*lines, {"type": "STATE", "value": {"rows": len(rows)}}])


def run(folder: Path, text: str, **config: Any) -> subprocess.CompletedProcess[str]:
    """Run the example as a user would."""
    (folder / "target_people.py").write_text(EXAMPLE[0], encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "target_people.py", "--config", "config.json"],
        cwd=folder, input=text, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def counts(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """What the run counted, without zeros."""
    assert done.returncode == 0, done.stderr
    (summary,) = re.findall(r"Summary of the run: ([^;]*)", done.stderr)
    return {name: int(count) for count, name in re.findall(r"(\d+) (\w+)", summary) if int(count)}


def test_the_example_keeps_what_the_page_says(tmp_path: Path) -> None:
    """Nothing twice, nothing that has not changed, one bad record is one reject, STATE at the end."""
    ada, bob = {"email": "Ada@shop.example", "name": "Ada", "age": 36}, {"email": "bob@shop.example", "name": "Bob"}
    bad = {"email": "eve@shop.example", "name": "E" * 41}
    first = run(tmp_path, people(ada, bob, bad), path="people.json")
    assert counts(first) == {"read": 3, "created": 2, "rejected": 1}
    assert "too_long" in first.stderr
    assert json.loads(first.stdout.splitlines()[-1]) == {"rows": 3}
    second = run(tmp_path, people(ada, {**bob, "age": 40}), path="people.json")
    assert counts(second)["unchanged"] == 1
    assert counts(second)["updated"] == 1
    kept = json.loads((tmp_path / "people.json").read_text(encoding="utf-8"))
    assert {one["name"]: one.get("age") for one in kept.values()} == {"Ada": 36, "Bob": 40}


def test_the_example_refuses_wrong_settings(tmp_path: Path) -> None:
    """A missing setting and a wrong one are named in one message."""
    done = run(tmp_path, people(), max_rejected_percent=200)
    assert done.returncode == 78
    assert "'path' is missing" in done.stderr
    assert "max_rejected_percent" in done.stderr


def test_the_example_has_every_method_that_is_needed() -> None:
    """No more abstract methods than the example has."""
    needed = destination.Destination.__abstractmethods__
    assert needed == {name for name in needed if f"    def {name}(" in EXAMPLE[0]}


def test_every_class_of_the_suite_is_listed() -> None:
    """The table names each conformance class, and no other."""
    there = {
        name
        for module in SUITE
        for name, one in inspect.getmembers(module, inspect.isclass)
        if name.startswith("Base") and one.__module__ == module.__name__
    }
    assert set(re.findall(r"`(Base\w+)`", PROSE)) == there


def test_every_name_exists() -> None:
    """Classes, their attributes, modules and folders that the page names are there."""
    known = {name: getattr(module, name) for module in OURS for name in vars(module)}
    for name, attribute in re.findall(r"`([A-Z]\w+)(?:\.(\w+))?`", PROSE):
        if name.startswith("Base") or name.isupper() or (REPOSITORY / name).exists():
            continue
        assert name in known, name
        assert not attribute or attribute in dir(known[name]) or attribute in known[name].__annotations__, attribute
    for module in re.findall(r"^\| `(\w+\.py)` \|", PROSE, re.MULTILINE):
        assert (REPOSITORY / "target-mailchimp/target_mailchimp" / module).is_file(), module
    for path in re.findall(r"`([\w-]+/[\w./-]+)`", PROSE):
        assert any((root / path).exists() for root in (REPOSITORY, REPOSITORY / "saas-simulators")), path


MEASURES = ("benchmarks/", "docs/generate_benchmarks.py", "docs/benchmark_texts.py")
"""Where what is measured is named: a new target works without it."""


def test_every_place_that_names_a_target_is_listed() -> None:
    """Who adds a target finds all code in which the others are named, and no test that does not name them."""
    command = ["git", "grep", "-il", "mailchimp", "--", "*.py", "*.toml", "Makefile", "meltano.yml", "docs/index.md"]
    found = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout.split()
    own = re.compile(r"target-mailchimp/|tests/target_mailchimp/|saas_simulators/mailchimp/|tests/saas_simulators/")
    places = {path for path in found if not own.search(path) and path != COMMENT and not path.startswith(MEASURES)}
    listed = {path for path in re.findall(r"`([\w./-]+)`", PROSE.split("## 6.")[1]) if (REPOSITORY / path).is_file()}
    assert {path for path in places if not path.startswith("tests/")} <= listed <= places


def test_what_is_made_is_what_the_page_tells() -> None:
    """The table has the modules of the template, and no others."""
    made = {path.name for path in REPOSITORY.glob("templates/target/*/target-*/target_*/*.py")}
    assert set(re.findall(r"^\| `(\w+\.py)` \|", PROSE, re.MULTILINE)) == {one for one in made if "__" not in one}
