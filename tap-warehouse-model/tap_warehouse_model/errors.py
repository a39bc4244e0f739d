"""What can go wrong, grouped by who should act; each kind has its exit code.

::

    TapError                 something failed while reading or writing           exit 1
    ├── ConfigError          a setting, a model or a file must change            exit 78
    │   └── StateError       the bookmark in STATE cannot be used                exit 78
    ├── BusyError            somebody else holds warehouse or sync; try later    exit 75
    ├── BrakeError           a plan would do harm; a person must look            exit 65
    │   └── DuplicateKeyError  keys are null or occur more than once             exit 65
    ├── QueryError           the warehouse refused or broke off a query          exit 1
    └── OutputClosedError    the target stopped reading                          exit 1

Messages never hold a password or a value from a row.
"""

from __future__ import annotations

from typing import ClassVar

# source: sysexits.h of 4.3BSD, the values that EX_DATAERR, EX_TEMPFAIL and EX_CONFIG have there
EXIT_FAILURE = 1
EXIT_BRAKE = 65
EXIT_BUSY = 75
EXIT_CONFIG = 78


class TapError(Exception):
    """An error whose message is complete: it is shown without a traceback."""

    exit_code: ClassVar[int] = EXIT_FAILURE


class ConfigError(TapError):
    """The user must change a setting, a model or a file; nothing was emitted."""

    exit_code = EXIT_CONFIG

    @classmethod
    def from_problems(cls, problems: list[str]) -> ConfigError:
        """Return one error that lists every problem.

        Args:
            problems: At least one sentence, each with its remedy.

        >>> print(ConfigError.from_problems(["Set 'a'.", "Remove 'b'."]))
        2 problems in the configuration:
        - Set 'a'.
        - Remove 'b'.
        """
        if len(problems) == 1:
            return cls(problems[0])
        lines = "\n".join(f"- {problem}" for problem in problems)
        return cls(f"{len(problems)} problems in the configuration:\n{lines}")


class StateError(ConfigError):
    """The bookmark that STATE carries does not fit the replication key, or not this sync."""


class BusyError(TapError):
    """Another process holds the warehouse, or runs this sync; the same run may succeed later."""

    exit_code = EXIT_BUSY


class BrakeError(TapError):
    """A plan was frozen and not carried out: it would do harm. Nothing was emitted."""

    exit_code = EXIT_BRAKE


class DuplicateKeyError(BrakeError):
    """The key of a model does not identify its rows."""


class QueryError(TapError):
    """The warehouse refused or broke off a query."""


class OutputClosedError(TapError):
    """The process that reads our output is gone."""
