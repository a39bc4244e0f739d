"""What has to happen after a refusal: the words in which a vendor's table of codes is written, and what they share."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_etl_core.errors import FatalError, UnknownOutcomeError
from reverse_etl_core.operations import RejectCode

if TYPE_CHECKING:
    from reverse_etl_core.transport import Reply, Request


class Recovery(enum.Enum):
    """What has to happen after an error."""

    RENEW = "get a new access token"
    GRANT = "a person grants what is missing"
    WAIT = "the same request again, after a pause"
    TRY_LATER = "another run, hours later"
    UNCERTAIN = "nobody knows whether it was applied"
    SMALLER = "the same records again, in smaller requests"
    CONTENDED = "the same record again, with fewer others beside it"
    AGAIN = "the same record again, once"
    CONFIGURE = "a setting must change"
    FIND = "the record has to be found anew"
    REJECT = "the record has to change"
    STOP = "nothing that a run could do"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a vendor's table, from a code to what follows.

    Attributes:
        recovery: What has to happen.
        sentence: What it means and what to do; the names of fields are put before it.
        reject: Code of the rejection, for `Recovery.REJECT` and for what did not help in the end.
        rest_s: How long a refused record is left alone at least.
        pause_s: How long to wait, for `Recovery.WAIT`, where the answer does not say; 0 for the vendor's usual pause.
    """

    recovery: Recovery
    sentence: str
    reject: RejectCode = RejectCode.VENDOR_REFUSED
    rest_s: float = 0.0
    pause_s: float = 0.0


def reject(code: RejectCode, sentence: str, *, rest_s: float = 0.0) -> Row:
    """The line of a refusal that only a change of the record cures."""
    return Row(Recovery.REJECT, sentence, code, rest_s)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a vendor refuses one record, in our words.

    Attributes:
        code: What it is rejected with.
        reason: A sentence without field values.
        vendor_code: The vendor's most specific code, verbatim, or our name for an error without one.
        fields: Those that it concerns, as far as the vendor says.
        rest_s: How long the record is left alone at least.
    """

    code: RejectCode
    reason: str
    vendor_code: str
    fields: tuple[str, ...] = ()
    rest_s: float = 0.0


def about(noun: str, names: tuple[str, ...], sentence: str) -> str:
    """A sentence that begins with the fields that it concerns.

    >>> about("Field", ("Name",), "Too long."), about("Field", (), "Too long.")
    ("Field 'Name': Too long.", 'Too long.')
    """
    if not names:
        return sentence
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{noun if len(names) == 1 else plural} {', '.join(repr(name) for name in names)}: {sentence}"


def unreadable(vendor: str, request: Request, reply: Reply) -> UnknownOutcomeError:
    """A success whose body does not say what it should: nobody knows what was applied."""
    return UnknownOutcomeError(
        f"{vendor} answered {request.method} {request.path} with {reply.status} and {len(reply.body)} bytes that are "
        "not its JSON."
    )


def unexpected(vendor: str, request: Request, reply: Reply, vendor_code: str) -> FatalError:
    """An error that no run can cure: unknown, or about a request that holds no record."""
    named = f"code {vendor_code}" if vendor_code else "without a code"
    return FatalError(
        f"{vendor} refused {request.method} {request.path} (HTTP {reply.status}, {named}). The target does not know "
        "this error; please report it."
    )


def uncertain(row: Row, reply: Reply) -> UnknownOutcomeError:
    """The vendor failed to answer."""
    return UnknownOutcomeError(f"{row.sentence} (HTTP {reply.status})")
