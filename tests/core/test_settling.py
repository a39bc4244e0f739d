"""When a refused record may be tried again."""

from __future__ import annotations

import pytest
from core.fakes import Crm, FakeDestination, people

from reverse_etl_core import settling
from reverse_etl_core.errors import BatchRefusedError
from reverse_etl_core.operations import Batch, Operation, Outcome, RejectCode, Rejected, Verb
from reverse_etl_core.planning import Candidate
from reverse_etl_core.sending import send

NOW_MS = 1_800_000_000_000
ONE = Candidate('["1"]', "1", b"{}", b"hash")


def due_ms(code: RejectCode, *, rest_ms: int = 0) -> int:
    """How long after now a refusal is due."""
    due_at = settling.refused(ONE, code, "A reason.", now_ms=NOW_MS, rest_ms=rest_ms).due_at
    assert due_at is not None
    return due_at - NOW_MS


@pytest.mark.parametrize(
    ("rest_ms", "expected_ms"), [(0, settling.HOUR_MS), (1, settling.HOUR_MS), (86_400_000, 86_400_000)]
)
def test_a_refusal_rests_as_long_as_the_destination_asks(rest_ms: int, expected_ms: int) -> None:
    """Where it asks for more than the usual time."""
    assert due_ms(RejectCode.VENDOR_REFUSED, rest_ms=rest_ms) == expected_ms


def test_what_lacks_consent_is_not_tried_again() -> None:
    """G10: only another content is sent, never the same once more."""
    assert due_ms(RejectCode.CONSENT) > 1000 * 365 * 86_400_000


def test_the_rest_of_a_refused_batch_reaches_the_outcome() -> None:
    """An error that stands for one record carries it."""

    class Refusing(FakeDestination):
        def write(self, batch: Batch) -> list[Outcome]:
            del batch
            raise BatchRefusedError("Later.", code=RejectCode.VENDOR_REFUSED, vendor_code="SLOW", rest_s=60)

    batch = Batch(Verb.UPSERT, people(), "key", (Operation("[1]", "1", {}),))
    assert send(Refusing(Crm()), batch).outcomes == [
        Rejected("[1]", RejectCode.VENDOR_REFUSED, "Later.", "SLOW", rest_s=60)
    ]
