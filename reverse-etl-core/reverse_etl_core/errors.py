"""Errors, grouped by what has to happen next.

```text
ReverseETLError
├── ConfigError              the user must change a setting           exit 78, before the first request
├── FatalError               the run cannot continue                  stop; STATE does not advance
│   ├── AuthError            credentials or scopes are refused        exit 78
│   ├── BrakeError           a brake stopped the run, a person looks  exit 65
│   ├── BusyError            another run holds the lease              exit 75
│   ├── QuotaExhaustedError  the account's quota is used up           exit 75
│   ├── InterruptedRunError  asked to stop while it waited
│   ├── JobFailedError       an asynchronous job was refused as a whole
│   ├── LedgerError          the ledger cannot be read or written
│   ├── InputError           the stream on stdin is not Singer
│   └── AccountingError      records read and outcomes do not add up
├── RetryableError           the same request may succeed             back off; fatal when attempts run out
│   ├── RateLimitedError     not applied; wait `retry_after_s`
│   ├── TransportError       not applied; the request never got through
│   └── UnknownOutcomeError  may have been applied; repeat only what is safe to repeat
├── BatchRefusedError        one record spoils a batch                split until it stands alone
└── RejectedRecordError      this record never will                   dead letter; the run goes on
```

A message is one or two sentences: what failed, which one, why, what to do. It never holds a field value,
a token or a body. Exit codes are those of `sysexits.h` (DESIGN.md 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reverse_etl_core.operations import RejectCode

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_BRAKE = 65
EXIT_TRY_LATER = 75
EXIT_CONFIG = 78


class ReverseETLError(Exception):
    """Base of all errors of this suite."""

    exit_code = EXIT_FAILURE


class ConfigError(ReverseETLError):
    """A setting must change before the run can start.

    Args:
        problems: One sentence each, with the remedy; all of them are shown at once.
    """

    exit_code = EXIT_CONFIG

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__(" ".join(problems) if len(problems) == 1 else _bullets(problems))


def _bullets(problems: tuple[str, ...]) -> str:
    return f"{len(problems)} settings need attention:" + "".join(f"\n  - {problem}" for problem in problems)


class FatalError(ReverseETLError):
    """The run cannot continue; STATE does not advance past what is settled."""


class AuthError(FatalError):
    """The destination refuses the credentials, or they lack a permission.

    Args:
        message: What was refused, and what to do.
        is_renewable: True where a new access token may cure it (an expired one), false for a missing scope.
    """

    exit_code = EXIT_CONFIG

    def __init__(self, message: str, *, is_renewable: bool = False) -> None:
        self.is_renewable = is_renewable
        super().__init__(message)


class BrakeError(FatalError):
    """A brake stopped the run before harm; a person must look."""

    exit_code = EXIT_BRAKE


class BusyError(FatalError):
    """Another run of the same sync holds the lease; try later."""

    exit_code = EXIT_TRY_LATER


class QuotaExhaustedError(FatalError):
    """The account's API quota is used up, or the share that this sync may use; try later."""

    exit_code = EXIT_TRY_LATER


class InterruptedRunError(FatalError):
    """The run was asked to stop while it waited for the destination."""


class JobFailedError(FatalError):
    """The destination refused an asynchronous job as a whole; it wrote nothing and never will."""


class LedgerError(FatalError):
    """The ledger cannot be opened, read or written."""


class InputError(FatalError):
    """What arrives on stdin is not a Singer stream."""


class AccountingError(FatalError):
    """Records read and outcomes recorded do not add up: a defect of this suite."""


class RetryableError(ReverseETLError):
    """The same request may succeed later."""


class RateLimitedError(RetryableError):
    """The destination asks to slow down; the request was not applied.

    Args:
        message: What was refused.
        retry_after_s: Seconds that the destination asks to wait; `None` where it does not say.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class TransportError(RetryableError):
    """The request did not get through (refused connection, unknown host): it was not applied."""


class UnknownOutcomeError(RetryableError):
    """No usable answer: the request may or may not have been applied (time-out, cut connection, 5xx)."""


class BatchRefusedError(ReverseETLError):
    """The destination refused a whole batch for something in one of its records.

    Args:
        reason: A sentence without field values.
        code: What the record is rejected with once it stands alone.
        vendor_code: The destination's own code, verbatim.
        rest_s: How long the record is not tried again at least.
    """

    def __init__(self, reason: str, *, code: RejectCode, vendor_code: str = "", rest_s: float = 0.0) -> None:
        self.reason = reason
        self.code = code
        self.vendor_code = vendor_code
        self.rest_s = rest_s
        super().__init__(reason)


class RejectedRecordError(ReverseETLError):
    """One record that the destination will not take as it is.

    Args:
        code: The stable code of the rejection.
        reason: A sentence without field values.
    """

    def __init__(self, code: RejectCode, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


def exit_code_of(error: BaseException | None) -> int:
    """The exit code of what ended a run; `None` stands for the end of the input."""
    if error is None:
        return EXIT_OK
    return error.exit_code if isinstance(error, ReverseETLError) else EXIT_FAILURE


def message_of(error: BaseException | None) -> str:
    """What ended a run, in words without a field value: of a defect only its kind is known to hold none."""
    if error is None:
        return ""
    return str(error) if isinstance(error, ReverseETLError) else f"Unexpected {type(error).__name__}."
