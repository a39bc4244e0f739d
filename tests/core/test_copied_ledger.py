"""A sync goes on with a copy of its ledger as if nothing had happened."""

from __future__ import annotations

from typing import Any

import pytest
from core.ledger_command import Office
from core.test_target import Stage, record, schema, stage, state

from reverse_etl_core.intake import Intake

__all__ = ["stage"]
MIRROR = {"people": {"match_on": "key", "load_method": "mirror"}}


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The records that were judged."""
    seen: list[object] = []
    judge = Intake.judge

    def noted(self: Intake, one: Any) -> Any:
        seen.append(one)
        return judge(self, one)

    monkeypatch.setattr(Intake, "judge", noted)
    return seen


def test_a_run_on_a_copy_writes_nothing_and_removes_what_is_its_own(
    stage: Stage, url: str, judged: list[object]
) -> None:
    """G2, G4, G5, from a file to a file and to PostgreSQL: recognised, not created again, and known as ours."""
    rows = [record(key=f"k{n}\u0085\u2028{chr(0x1F600 + n)}", name="x") for n in range(5)]
    messages = [schema(), *rows, state(1)]
    source = f"sqlite:///{stage.root}/source.db"
    assert stage.run(messages, streams=MIRROR, ledger_url=source) == [1]
    written = list(stage.target.crm.writes)
    assert Office(source).run("copy", "--to", url, "--yes").exit_code == 0
    judged.clear()
    assert stage.run(messages, streams=MIRROR, ledger_url=url) == [1]
    assert (stage.target.crm.writes, len(judged)) == (written, 0)
    gone = record(key=rows[0]["record"]["key"], _sdc_deleted_at="2026-11-28T00:00:00Z")
    before = stage.names().keys()
    assert stage.run([schema(), gone, state(2)], streams=MIRROR, ledger_url=url, max_removed_percent=100) == [2]
    assert before - stage.names().keys() == {gone["record"]["key"]}
