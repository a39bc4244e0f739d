"""target-webhook keeps what can be kept where nothing can be read.

Left out: `BaseMirror` and `BaseLogBased`, since a receiver has no way to take a record away that all of them share;
`BasePlan` and `BaseDrift`, since both read what is there; `BaseDailyQuota`, since receivers have no daily limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.suite import (
    BaseFaults,
    BaseLedger,
    BaseRefusals,
    BaseRejects,
    BaseRerun,
    BaseSingerInput,
    BaseUpsert,
)

if TYPE_CHECKING:
    from conformance.stage import Stage


class TestUpsert(BaseUpsert):
    """Records arrive, once each."""

    test_update_never_creates = None  # has to look first, and is refused; see below
    test_create_never_updates = None  # the same
    test_a_changed_match_value_updates_in_place = None  # the key is all that a receiver knows a record by

    def delete(self, stage: Stage, match_value: str) -> None:
        """Delete a record as a person at the receiver would."""
        stage.vendor.person_deletes(match_value)


class TestRejects(BaseRejects):
    """One bad record is one reject."""

    @pytest.mark.parametrize("load_method", ["upsert"])  # create is refused
    def test_a_key_with_a_control_character_is_one_reject(self, stage: Stage, load_method: str) -> None:
        """As of all targets."""
        super().test_a_key_with_a_control_character_is_one_reject(stage, load_method)


class TestRerun(BaseRerun):
    """A rerun is free."""


class TestFaults(BaseFaults):
    """Trouble on the way changes nothing of the result."""

    test_creates_survive_lost_replies = None  # `load_method: create` is refused


class TestLedger(BaseLedger):
    """The ledger keeps what it says."""


class TestSingerInput(BaseSingerInput):
    """Whatever arrives on stdin."""


class TestRefusals(BaseRefusals):
    """Wrong settings are refused before anything is written."""

    @pytest.mark.parametrize(
        ("config", "word"),
        [
            ({"dry_run": True}, "dry_run"),
            ({"compare_with": "destination"}, "compare_with"),
            ({"load_method": "create"}, "load_method"),
            ({"stream": {"load_method": "update"}}, "load_method"),
            ({"stream": {"load_method": "mirror"}}, "load_method"),
        ],
    )
    def test_what_has_to_read_is_refused(self, stage: Stage, config: dict[str, object], word: str) -> None:
        """With the setting's name, before the first record."""
        self.refused(stage, word, "webhook", **config)


def test_a_lost_reply_sends_the_same_key_again(stage: Stage) -> None:
    """A reply that is lost in one run and repeated in the next sets nothing off twice."""
    stage.deliver([stage.record(1)])
    stage.vendor.faults([{"kind": "cut_after", "path": stage.vendor.write_path}])
    assert stage.deliver([stage.record(1, "second")]).exit_code == 1
    stage.vendor.faults([])
    assert stage.deliver([stage.record(1, "second")]).exit_code == 0
    assert (stage.vendor.side_effects(), stage.texts()) == (2, {"K1": "second"})


def test_an_earlier_content_is_no_repetition(stage: Stage) -> None:
    """A, then B, then A again: the receiver does all three."""
    for text in ("A", "B", "A"):
        assert stage.deliver([stage.record(1, text)]).exit_code == 0
    assert (stage.vendor.side_effects(), stage.texts()) == (3, {"K1": "A"})
