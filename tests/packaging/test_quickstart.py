"""docs/quickstart.md: every step as it stands, in an empty folder, from the built wheels."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from demo.project import Project
from distributions import REPOSITORY

from saas_simulators import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (REPOSITORY / "docs/quickstart.md").read_text(encoding="utf-8")
FENCE = re.compile(
    r"^(?:<!-- test: (?P<marker>[^>]+) -->\n)?```(?P<kind>bash|yaml)\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL
)
SECRETS = {
    "sqlalchemy_url": "duckdb:///warehouse.duckdb",
    "access_token": "pat-na1-test",
    "client_id": "3MVG9test",
    "client_secret": "any-text",
    "api_key": "any-text-us1",
}
"""What a reader pastes."""
ENVIRONMENT = "import pathlib, sys; p = pathlib.Path('meltano.yml'); t = p.read_text(); a, b = sys.argv[1:]; "
REPLACE = ENVIRONMENT + "assert t.count(a) == 1, a; p.write_text(t.replace(a, b))"
SEED = {"mailchimp": {"audiences": [{"id": "news000000", "name": "Newsletter"}]}}
ROWS = 60
WAREHOUSE = f"""
CREATE SCHEMA marts;
CREATE TABLE marts.customers AS SELECT 'C-' || n AS customer_id, 'First' AS first_name, 'Last' AS last_name,
    'pro' AS plan, CASE WHEN n = 7 THEN 'nobody' ELSE 'p' || n || '@shop.example' END AS email
    FROM range(1, {ROWS} + 1) AS t(n);
"""  # noqa: S608 - constants


@pytest.fixture
def url() -> Iterator[str]:
    """The simulators."""
    with SimulatorServer(seed=SEED) as server:
        yield server.url


def pasted(code: str) -> str:
    """Commands with the secrets that a reader would paste, and without comments behind them."""
    return re.sub(
        r"^meltano config set \S+ (\S+) --from-file -",
        lambda found: f"printf '%s\\n' {shlex.quote(SECRETS[found[1]])} | {found[0]}",
        code,
        flags=re.MULTILINE,
    )


def written(path: str, code: str) -> str:
    """What puts a block into the file that its first line names."""
    if path.startswith("models/"):
        return f"mkdir -p models; cat > {path} <<'END'\n{code}END\n"
    if path == "meltano.yml":
        changed = ("- name: prod\n", code.split("\n", 1)[1])
    else:
        assert path == "meltano.yml, in the loaders of prod"
        below = "      - name: target-hubspot\n        config:\n"
        block = re.sub(r"^", "      ", code.split("\n", 1)[1].rstrip("\n"), flags=re.MULTILINE)
        changed = (below, f"{block}\n{below}")
    return shlex.join(["python", "-c", REPLACE, *changed]) + "\n"


def script(suite: Path) -> str:
    """The whole page, step by step, for one shell."""
    steps = ["set -eo pipefail\n"]
    for block in FENCE.finditer(PAGE):
        if block["kind"] == "bash" and block["marker"] == "fresh":
            steps.append(pasted(block["code"]).replace("~/reverse-etl-suite", str(suite)))
        elif block["kind"] == "yaml":
            first = block["code"].split("\n", 1)[0]
            steps.append(written(first.removeprefix("# "), block["code"]))
    # A reader who looks at five lines does not mind that the tap is told so.
    text = "".join(steps).replace("| head -n 5", "> rows.jsonl")
    # The warehouse of the reader is there before the first step that needs it.
    return text.replace("meltano init", "cp ../warehouse.duckdb . && meltano init")


def results(log: str, pattern: str) -> list[str]:
    """What a pattern finds, in order."""
    return [str(one) for one in re.findall(pattern, log)]


@pytest.mark.long
@pytest.mark.timeout(1600)
def test_every_step_works_in_an_empty_folder(wheels: dict[str, Path], tmp_path: Path, url: str) -> None:
    """A stranger who types what the page says gets what it says: a plan, twenty rows, all of them, nothing, rejects."""
    suite = tmp_path / "suite"
    (suite / "docs").mkdir(parents=True)
    (suite / "dist").symlink_to(next(iter(wheels.values())).parent)
    (suite / "docs/hub").symlink_to(REPOSITORY / "docs/hub")
    root = tmp_path / "empty"
    root.mkdir()
    with duckdb.connect(str(root / "warehouse.duckdb")) as warehouse:
        warehouse.execute(WAREHOUSE)
    code, log = Project(root).run(
        "bash", "-c", script(suite), timeout_s=1500,
        UV_CACHE_DIR=str(tmp_path / "cache"),  # another build's wheels have the same names
        TARGET_HUBSPOT_API_URL=url, TARGET_SALESFORCE_LOGIN_URL=url, TARGET_MAILCHIMP_API_URL=url,
    )  # fmt: skip
    assert code == 0, log
    assert "Plugin configuration is valid" in log
    assert "DeprecationWarning" not in log, log
    assert (root / "crm/rows.jsonl").read_text(encoding="utf-8").count('"type":"RECORD"') == 20
    assert "Connection test: account" in log
    plans = results(log, r"contacts +\S+ +(\d+ +\d+ +\d+ +\d+ +\d+ +\d+)")
    assert [one.split() for one in plans] == [
        [str(created), "0", "0", "0", str(rejected), "0"] for created, rejected in ((19, 1), (59, 1), (59, 1))
    ]
    runs = results(log, r"Summary of the run: (\d+ read, \d+ created, \d+ updated, \d+ unchanged)")
    assert runs == [
        "20 read, 19 created, 0 updated, 0 unchanged",
        f"{ROWS} read, 40 created, 0 updated, 19 unchanged",
        f"{ROWS} read, 0 created, 0 updated, 59 unchanged",
        f"{ROWS} read, 0 created, 0 updated, 59 unchanged",  # by LOG_BASED, for the first time
        "0 read, 0 created, 0 updated, 0 unchanged",
        "0 read, 0 created, 0 updated, 0 unchanged",  # the job
        f"{ROWS} read, 59 created, 0 updated, 0 unchanged",  # Salesforce
        f"{ROWS} read, 59 created, 0 updated, 0 unchanged",  # Mailchimp
    ]
    assert re.search(r'contacts +contacts +\["C-7"\] +invalid_email', log), log
    assert "Status       rejected" in log
    assert [line for line in Path(root / "crm/.gitignore").read_text(encoding="utf-8").split() if "reverse" in line]


def test_each_block_is_tried() -> None:
    """Every block of the page is a step of the test, or says why it is skipped; the definitions that it names exist."""
    for block in FENCE.finditer(PAGE):
        if block["kind"] == "bash":
            assert block["marker"] == "fresh" or block["marker"].startswith("skip, "), block["code"]
        else:
            assert re.match(r"# (models/|meltano\.yml)", block["code"]), block["code"]
    for path in re.findall(r'"\$definitions/(\S+)"', PAGE):
        assert (REPOSITORY / "docs/hub/_data/meltano" / path).is_file(), path
