"""What happens to a ledger on a bad day: a message, an exit code, and nothing is sent that it does not know of."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from core.ledger_command import keeps_permissions, obey_permissions
from core.old_ledgers import rows_of

from reverse_etl_core.ledger import Ledger
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TESTS = Path(__file__).parents[1]
SCHEMA = {
    "type": "SCHEMA",
    "stream": "people",
    "schema": {"properties": {"key": {}, "name": {}}},
    "key_properties": ["key"],
}
PAGE_BYTES = 4096
SECRET = "a value of nobody's business"


def write_little() -> None:
    """Let a program write no file beyond 200 kB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


@dataclass
class Post:
    """A target as a command, the ledger that it is told of, and what it sent.

    Attributes:
        root: Where its files are.
        url: Of the ledger.
    """

    root: Path
    url: str
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The ledger's file."""
        return Path(self.url.removeprefix("sqlite:///"))

    def command(self) -> list[str]:
        """The target's command line."""
        config = {
            "ledger_url": self.url,
            "sync_id": "sync",
            "report_dir": str(self.root / "reports"),
            "journal": str(self.root / "journal"),
            "reconcile_grace_seconds": 0,
            "streams": {"people": {"match_on": "key"}},
            "unknown_fields": "fail",
        }
        (self.root / "config.json").write_text(json.dumps(config | self.changes), encoding="utf-8")
        return [sys.executable, "-m", "core.fake_target", "--config", str(self.root / "config.json")]

    def run(self, count: int = 3, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
        """Deliver records K0, K1, … to the end."""
        return subprocess.run(
            self.command(),
            input=messages(count),
            capture_output=True,
            text=True,
            check=False,
            cwd=TESTS,
            timeout=120,
            preexec_fn=before,
        )

    @contextlib.contextmanager
    def held_up(self, count: int = 3) -> Iterator[subprocess.Popen[str]]:
        """A run whose first request is under way; it goes on when the gate is opened."""
        started, gate = self.root / "started", self.root / "gate"
        os.mkfifo(started)
        os.mkfifo(gate)
        self.changes = {"started": str(started), "gate": str(gate)}
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with subprocess.Popen(self.command(), text=True, cwd=TESTS, **pipes) as process:
            assert process.stdin is not None
            process.stdin.write(messages(count))
            process.stdin.close()
            process.stdin = None
            assert started.read_text(encoding="utf-8") == "started"
            yield process
        self.changes = {}

    def let_go(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Open the gate: the run's exit code and what it told."""
        (self.root / "gate").write_text("go", encoding="utf-8")
        _, told = process.communicate(timeout=60)
        return process.returncode, told

    def sent(self) -> set[str]:
        """The keys of all records that reached the destination."""
        journal = self.root / "journal"
        if not journal.exists():
            return set()
        return {json.loads(line)["key"] for line in journal.read_text(encoding="utf-8").splitlines()}

    def known(self, *statuses: str) -> set[str]:
        """The keys of the records that the ledger has with these statuses; with any, where none is named."""
        rows = rows_of(self.url, "deliveries")
        return {json.loads(row["source_key"])[0] for row in rows if not statuses or row["status"] in statuses}


def messages(count: int) -> str:
    """A whole input."""
    rows = [
        {"type": "RECORD", "stream": "people", "record": {"key": f"K{n}", "name": SECRET[:20]}} for n in range(count)
    ]
    state = {"type": "STATE", "value": {"bookmarks": {}}}
    return "".join(json.dumps(one) + "\n" for one in (SCHEMA, *rows, state))


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed run told: a message, no traceback, no value; and no STATE left."""
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert SECRET[:20] not in done.stderr
    return done.stderr


@pytest.fixture
def post(tmp_path: Path) -> Post:
    """A target with a ledger in a folder of its own."""
    (tmp_path / "books").mkdir()
    return Post(tmp_path, f"sqlite:///{tmp_path}/books/ledger.db")


@pytest.fixture
def used(post: Post) -> Post:
    """The same after a run that delivered two thousand records."""
    assert post.run(2000).returncode == 0
    (post.root / "journal").unlink()
    with closing(sqlite3.connect(post.path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return post


# -- permissions


def test_a_read_only_file_is_refused_before_anything_is_sent(used: Post) -> None:
    """Exit code 78 with the file and the setting."""
    used.path.chmod(0o400)
    if not keeps_permissions(used.path):
        pytest.skip("root's rights cannot be given up here")
    done = used.run(before=obey_permissions)
    assert done.returncode == 78
    assert "ledger.db' cannot be opened (Permission denied). Check 'ledger_url'" in told(done)
    assert used.sent() == set()


@pytest.mark.parametrize("is_new", [False, True], ids=["used", "new"])
def test_a_read_only_folder_is_refused_before_anything_is_sent(post: Post, is_new: bool) -> None:  # noqa: FBT001
    """SQLite needs its log beside the file: exit code 78 for a new ledger, a message for a used one."""
    if not is_new:
        Ledger(Secret(post.url)).close()
    post.path.parent.chmod(0o500)
    try:
        if not keeps_permissions(post.path.parent):
            pytest.skip("root's rights cannot be given up here")
        done = post.run(before=obey_permissions)
    finally:
        post.path.parent.chmod(0o700)
    assert done.returncode == 78
    assert "cannot be opened" in told(done)
    assert "'ledger_url'" in done.stderr
    assert post.sent() == set()


# -- a full disk


def test_a_run_whose_ledger_can_grow_no_more_sends_nothing_unrecorded(post: Post) -> None:
    """It stops with 1; what was sent is in the ledger, and the next run with room delivers all."""
    done = post.run(5000, before=write_little)
    assert done.returncode == 1
    assert "cannot be written" in told(done)
    assert post.sent() <= post.known()
    assert len(post.sent()) < 5000
    assert post.run(5000).returncode == 0
    assert post.known("delivered") == {f"K{n}" for n in range(5000)}


def test_a_full_disk_stops_the_run(post: Post) -> None:
    """The same where the disk has no room at all; room is made, and the next run goes on."""
    disk = post.root / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no disk of its own can be mounted here")
    try:
        full = Post(post.root, f"sqlite:///{disk}/ledger.db")
        done = full.run(5000)
        assert done.returncode == 1
        assert "disk is full" in told(done)
        assert full.sent()
        assert full.sent() <= full.known()
        assert len(full.sent()) < 5000
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        assert full.run(5000).returncode == 0
        assert full.known("delivered") == {f"K{n}" for n in range(5000)}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full_from_the_start_is_told(post: Post) -> None:
    """Nothing is sent where not even the tables can be made."""
    done = post.run(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE_BYTES, PAGE_BYTES)))
    assert done.returncode == 1
    assert "cannot be opened" in told(done)
    assert post.sent() == set()


# -- locks


def test_a_locked_ledger_is_busy(used: Post) -> None:
    """Another process holds it: exit code 75, and nothing is sent."""
    with closing(sqlite3.connect(used.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = used.run(2500)
    assert done.returncode == 75
    assert "is locked by another process" in told(done)
    assert used.sent() == set()
    assert used.run(2500).returncode == 0


def test_a_ledger_that_is_locked_during_a_run_knows_what_was_sent(post: Post) -> None:
    """The answer cannot be noted: exit code 75; the records are pending, and the next run settles them."""
    with post.held_up() as process, closing(sqlite3.connect(post.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, text = post.let_go(process)
        other.execute("ROLLBACK")
    assert code == 75
    assert "is locked by another process" in text
    assert post.sent() == post.known("pending") == {"K0", "K1", "K2"}
    assert post.run().returncode == 0
    assert post.known("delivered") == {"K0", "K1", "K2"}


# -- versions


def test_a_newer_ledger_is_refused_before_anything_is_sent(used: Post) -> None:
    """What a newer release keeps there is not known: the target has to be upgraded."""
    with closing(sqlite3.connect(used.path)) as database, database:
        database.execute("UPDATE ledger_info SET value = '999' WHERE name = 'schema_version'")
    done = used.run(2500)
    assert done.returncode == 1
    assert "written by a newer release (schema 999" in told(done)
    assert "Upgrade this target" in done.stderr
    assert used.sent() == set()


# -- damage


def overwrite(path: Path, begin: int, end: int) -> None:
    """Put garbage into a file."""
    content = bytearray(path.read_bytes())
    content[begin:end] = bytes(n * 7 % 256 for n in range(end - begin))
    path.write_bytes(bytes(content[: max(len(content), end)]))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"This was a ledger once, before something else was written here." * 200),
        lambda path: overwrite(path, 0, PAGE_BYTES),
        lambda path: overwrite(path, PAGE_BYTES, path.stat().st_size),
        lambda path: os.truncate(path, path.stat().st_size // 2 // PAGE_BYTES * PAGE_BYTES),
        lambda path: os.truncate(path, 1000),
    ],
    ids=["other file", "first page", "all other pages", "half", "less than a page"],
)
def test_a_damaged_ledger_is_told_before_anything_is_sent(used: Post, damage: Callable[[Path], None]) -> None:
    """Exit code 1: it is named, with what is wrong and where to read on."""
    damage(used.path)
    done = used.run(2500)
    assert done.returncode == 1
    assert "is damaged" in told(done)
    assert "operations.md" in done.stderr
    assert used.sent() == set()


def test_a_folder_in_its_place_is_told(post: Post) -> None:
    """Exit code 78."""
    post.path.mkdir()
    done = post.run()
    assert done.returncode == 78
    assert "cannot be opened" in told(done)
    assert post.sent() == set()


def test_an_empty_file_is_a_new_ledger(post: Post) -> None:
    """As `touch` makes it."""
    post.path.touch()
    assert post.run().returncode == 0
    assert post.sent() == post.known("delivered") == {"K0", "K1", "K2"}


# -- PostgreSQL


@pytest.fixture
def served(postgres: str, tmp_path: Path) -> Iterator[tuple[Post, sa.Engine]]:
    """A target with a ledger in a database of its own, and the server's administrator."""
    admin = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS faults")
        connection.exec_driver_sql("CREATE DATABASE faults")
    yield Post(tmp_path, postgres.replace("/postgres?", "/faults?")), admin
    admin.dispose()


def administer(admin: sa.Engine, statement: str) -> None:
    """Run a statement as the server's administrator."""
    with admin.connect() as connection:
        connection.exec_driver_sql(statement)


def test_a_database_that_takes_no_writes_is_told_before_anything_is_sent(served: tuple[Post, sa.Engine]) -> None:
    """A standby, or a role that may only read."""
    post, admin = served
    administer(admin, "ALTER DATABASE faults SET default_transaction_read_only = on")
    done = post.run()
    assert done.returncode == 1
    assert "ReadOnlySqlTransaction" in told(done)
    assert post.sent() == set()
    administer(admin, "ALTER DATABASE faults RESET default_transaction_read_only")
    assert post.run().returncode == 0
    administer(admin, "ALTER DATABASE faults SET default_transaction_read_only = on")
    assert post.run(6).returncode == 1
    assert post.sent() == {"K0", "K1", "K2"}


def test_a_lost_connection_is_made_anew(served: tuple[Post, sa.Engine]) -> None:
    """A server that restarts between two transactions costs nothing."""
    post, admin = served
    with post.held_up() as process:
        administer(admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'faults'")
        code, text = post.let_go(process)
    assert code == 0, text
    assert post.sent() == post.known("delivered") == {"K0", "K1", "K2"}


def test_a_server_that_is_gone_leaves_its_records_pending(served: tuple[Post, sa.Engine]) -> None:
    """The answer cannot be noted: exit code 1, and the next run settles them."""
    post, admin = served
    with post.held_up() as process:
        administer(admin, "ALTER DATABASE faults ALLOW_CONNECTIONS false")
        administer(admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'faults'")
        code, text = post.let_go(process)
        administer(admin, "ALTER DATABASE faults ALLOW_CONNECTIONS true")
    assert code == 1
    assert "cannot be written" in text
    assert post.sent() == post.known("pending") == {"K0", "K1", "K2"}
    assert post.run().returncode == 0
    assert post.known("delivered") == {"K0", "K1", "K2"}
