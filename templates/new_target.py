"""`make new-target NAME=acme TITLE="Acme"`: a target with simulator and tests, and its place in the workspace.

The template is `templates/target`. What a target is named in outside its own folders is written here: the import
contracts in `pyproject.toml`, and the plugin in `meltano.yml`. Everything else finds it in the folders.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cookiecutter.main import cookiecutter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TEMPLATE = Path(__file__).with_name("target")
REPOSITORY = Path(__file__).parents[1]
NAME = re.compile(r"[a-z][a-z0-9]{1,15}")
"""One word: it is part of names of packages, modules, commands and variables."""
TITLE = re.compile(r"[A-Za-z][A-Za-z0-9 .+-]{0,19}")
SIMULATORS_URL = "http://127.0.0.1:8765"

LAYERS = """
[[tool.importlinter.contracts]]
name = "Target layers: {title}"
type = "layers"
containers = ["target_{name}"]
exhaustive = true
exhaustive_ignores = ["__main__"]
layers = [
    "target",
    "destination",
    "auth | wire",
    "objects | errors",
    "limits | config",
]

[[tool.importlinter.contracts]]
name = "Wire formats do no I/O: {title}"
type = "forbidden"
source_modules = ["target_{name}.errors", "target_{name}.objects", "target_{name}.wire"]
forbidden_modules = ["requests", "socket", "time"]
allow_indirect_imports = true
"""
DEMO = """\
      - name: target-{name}
        config:
          api_url: {url}
          access_token: any-text-will-do # the simulator's
          ledger_url: sqlite:///$MELTANO_PROJECT_ROOT/demo/.work/ledger.db
          report_dir: $MELTANO_PROJECT_ROOT/demo/.work/reports
          streams:
            contacts:
              match_on: customer_id
              unknown_fields: drop
            companies:
              match_on: account_id
              unknown_fields: drop
            deals:
              match_on: deal_id
              unknown_fields: drop
"""
PLAN = """\
    TARGET_{upper}_DRY_RUN: 'true'
    TARGET_{upper}_SYNC_ID: demo:tap-warehouse-model-to-target-{name}
"""
PROD = """\
      - name: target-{name}
        config:
          streams: {{}}
"""
PLUGIN = """\

  - name: target-{name}
    namespace: target_{name}
    label: {title}
    pip_url: --constraint constraints.txt -e ./reverse-etl-core[postgres] -e ./target-{name}
    executable: target-{name}
    capabilities: [{capabilities}]
    settings:
"""
JOB = """\
- name: sync-{name}
  tasks:
  - tap-warehouse-model target-{name}
"""


class RefusedError(Exception):
    """The target cannot be made; the message says why, and what to do."""


def variables(root: Path, name: str, title: str) -> dict[str, str]:
    """What the template is rendered with; versions and addresses are those of the workspace."""
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    core = (root / "reverse-etl-core/pyproject.toml").read_text(encoding="utf-8")
    sibling = next(root.glob("target-*/pyproject.toml")).read_text(encoding="utf-8")
    words = re.findall(r"[A-Za-z0-9]+", title)
    return {
        "name": name,
        "title": title,
        "class_name": "".join(one[0].upper() + one[1:] for one in words),
        "core_range": _only(r'"reverse-etl-core(.+?)"', sibling),
        "sdk_range": _only(r'"singer-sdk(.+?)"', sibling),
        "version": _only(r'^version = "(.+)"$', core),
        "repository": _only(r'^Repository = "(.+)"$', project),
    }


def _only(pattern: str, text: str) -> str:
    return str(re.findall(pattern, text, re.MULTILINE)[0])


def render(given: Mapping[str, str], folder: Path) -> Path:
    """Render the template into a folder; returns where the files are, as they lie in the workspace."""
    place = cookiecutter(
        str(TEMPLATE), no_input=True, extra_context=dict(given), output_dir=str(folder), accept_hooks=False
    )
    return Path(place)


def check(root: Path, name: str, title: str) -> None:
    """Refuse what cannot be made.

    Raises:
        RefusedError: A name or title that does not fit, or a target that exists.
    """
    if not NAME.fullmatch(name):
        msg = f"NAME is '{name}'. Give one word of lower-case letters and digits, as in NAME=acme."
        raise RefusedError(msg)
    if not TITLE.fullmatch(title):
        msg = f"TITLE is '{title}'. Give the vendor's name as people write it, as in TITLE=\"Acme CRM\"."
        raise RefusedError(msg)
    for path in places(name):
        if (root / path).exists():
            msg = f"'{path}' exists already. Choose another NAME, or remove that target first."
            raise RefusedError(msg)


def places(name: str) -> tuple[str, ...]:
    """The folders of a target's own."""
    return (f"target-{name}", f"saas-simulators/saas_simulators/{name}", f"tests/target_{name}")


def put(rendered: Path, root: Path) -> list[Path]:
    """Copy rendered files into the workspace; those that were there are left alone."""
    made = []
    for source in sorted(rendered.rglob("*")):
        place = root / source.relative_to(rendered)
        if source.is_file() and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)
            made.append(place)
    return made


def with_contracts(text: str, name: str, title: str) -> str:
    """The root's `pyproject.toml` with a target in the lists of packages, and its own contracts at the end.

    >>> with_contracts('layers = ["target_a | target_c", "core"]', "b", "B").splitlines()[0]
    'layers = ["target_a | target_b | target_c", "core"]'
    >>> with_contracts('packages = ["core", "target_c"]', "b", "B").splitlines()[0]
    'packages = ["core", "target_b", "target_c"]'
    """
    package = f"target_{name}"
    if f'containers = ["{package}"]' in text:
        return text
    lists = re.compile(r'(?:"target_\w+"(?:, )?)+')
    layers = re.compile(r'"(target_\w+(?: \| target_\w+)*)", ')
    lines = []
    for line in text.splitlines():
        if re.match(r"(source_pkgs|root_packages|packages|source_modules|forbidden_modules) = \[.*\]$", line):
            line = lists.sub(lambda found: _listed(found[0], package), line)  # noqa: PLW2901 - rewritten
        elif line.startswith("layers = ["):
            line = layers.sub(lambda found: f'"{" | ".join(sorted([*found[1].split(" | "), package]))}", ', line)  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines).rstrip("\n") + "\n" + LAYERS.format(name=name, title=title)


def _listed(names: str, package: str) -> str:
    if f'"{package}"' in names:
        return names
    return ", ".join(sorted([*names.split(", "), f'"{package}"']))


def with_plugin(text: str, name: str, title: str, about: Mapping[str, Any]) -> str:
    """`meltano.yml` with a loader: its definition, its part of each environment, and its job.

    Args:
        text: The file.
        name: Of the target, without its prefix.
        title: As people call it.
        about: What `--about` of the target says.
    """
    if f"  - name: target-{name}\n" in text:
        return text
    given = {"name": name, "title": title, "upper": name.upper(), "url": SIMULATORS_URL}
    capabilities = ", ".join(sorted(about["capabilities"]))
    plugin = PLUGIN.format(**given, capabilities=capabilities) + "".join(_settings(text, about))
    demo, plan, prod = "\n\n- name: plan", "\n\n- name: prod", "\n\nplugins:"
    text = _before(text, demo, DEMO.format(**given))
    text = _before(text, plan, PLAN.format(**given))
    text = _before(text, prod, PROD.format(**given))
    text = _before(text, "\n\n  utilities:\n  - name", plugin)
    return _before(text, "\n\nschedules:", JOB.format(**given))


def _before(text: str, mark: str, added: str) -> str:
    """Put lines at the end of the section that ends at a mark."""
    head, found, tail = text.partition(mark)
    if not found or mark in tail:
        msg = f"'meltano.yml' has no longer the one place before {mark.strip()!r}. Add the plugin by hand."
        raise RefusedError(msg)
    return f"{head}\n{added.rstrip()}{mark}{tail}"


def _settings(text: str, about: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a plugin's settings; options are called as another loader of the file calls them."""
    for name, definition in about["settings"]["properties"].items():
        types = definition["type"]
        (kind,) = {types} if isinstance(types, str) else {one for one in types if one != "null"}
        yield f"    - name: {name}\n"
        if definition.get("secret"):
            yield "      sensitive: true\n"
        elif definition.get("enum"):
            values = [one for one in definition["enum"] if one is not None]
            named = re.search(
                rf"^    - name: {name}\n      kind: options\n      options:\n((?:      - .*\n)+)", text, re.MULTILINE
            )
            labels = "".join(f"      - {{label: {one}, value: {one}}}\n" for one in values)
            yield "      kind: options\n      options:\n" + (named[1] if named else labels)
        elif kind != "string":
            yield f"      kind: {'integer' if kind == 'number' else kind}\n"


def tidy(root: Path, made: list[Path]) -> None:
    """Let ruff order imports and wrap lines: both depend on how long the name is."""
    ruff = Path(sys.executable).with_name("ruff")
    files = [str(path.relative_to(root)) for path in made if path.suffix == ".py"]
    for arguments in (("check", "--quiet", "--select", "I", "--fix"), ("format", "--quiet")):
        subprocess.run([ruff, *arguments, *files], cwd=root, check=True)


def install(root: Path, name: str) -> dict[str, Any]:
    """Install the package as it lies there, beside the others; returns what its `--about` says."""
    uv = Path(sys.executable).with_name("uv")
    source = ["--constraint", "constraints.txt", "--no-deps", "-e", f"./target-{name}"]
    subprocess.run([uv, "pip", "install", "--quiet", "--python", sys.executable, *source], cwd=root, check=True)
    command = [sys.executable, "-m", f"target_{name}", "--about", "--format=json"]
    told: dict[str, Any] = json.loads(subprocess.run(command, cwd=root, check=True, capture_output=True).stdout)
    return told


def make(root: Path, name: str, title: str) -> list[Path]:
    """Make a target in a workspace.

    Raises:
        RefusedError: There is one of this name, or the name does not fit. Nothing has been written.
    """
    check(root, name, title)
    with tempfile.TemporaryDirectory() as folder:
        made = put(render(variables(root, name, title), Path(folder)), root)
    shutil.copyfile(root / "LICENSE", root / f"target-{name}/LICENSE")
    tidy(root, made)
    join(root, name, title)
    return made


def join(root: Path, name: str, title: str) -> None:
    """Write a target into the files that name all of them; where it stands there already, nothing changes."""
    rewrite(root / "pyproject.toml", with_contracts((root / "pyproject.toml").read_text(encoding="utf-8"), name, title))
    about = install(root, name)
    meltano = root / "meltano.yml"
    rewrite(meltano, with_plugin(meltano.read_text(encoding="utf-8"), name, title, about))
    index = root / "docs/index.md"
    rewrite(index, with_page(index.read_text(encoding="utf-8"), name, title))


def with_page(text: str, name: str, title: str) -> str:
    """The site's index with the page of a target, which `make docs` writes."""
    line = f"- [{title}](targets/{name}.md)"
    mark = "- [Rejected records](rejects.md)"
    return text if f"(targets/{name}.md)" in text else text.replace(mark, f"{line}: the same\n{mark}", 1)


def rewrite(path: Path, text: str) -> None:
    """Write a file, where that changes it."""
    if path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="one word, in lower case; the package is called target-NAME")
    parser.add_argument("--title", help="the vendor's name as people write it; default: NAME with a capital")
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="the workspace; default: this one")
    chosen = parser.parse_args()
    title = chosen.title or chosen.name.capitalize()
    try:
        made = make(chosen.root.resolve(), chosen.name, title)
    except RefusedError as error:
        print(f"No target was made: {error}", file=sys.stderr)
        return 78
    folders = sorted({str(path.parent.relative_to(chosen.root.resolve())) for path in made})
    print(f"target-{chosen.name} is made, {len(made)} files:", *(f"  {one}" for one in folders), sep="\n")
    tests = f"tests/target_{chosen.name} tests/saas_simulators/test_{chosen.name}.py"
    print(f'Now, for five minutes: .venv/bin/python -m pytest -m "not long" {tests}')
    print("Then: docs/new-target.md, section 3, from its step 2 on. Setup and pages are renewed meanwhile.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
