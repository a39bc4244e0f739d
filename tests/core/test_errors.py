"""The values that travel between modules: errors, operations, schema, secrets."""

from __future__ import annotations

import copy
import logging
import pickle

import pytest
from core.fakes import people

from reverse_etl_core import errors
from reverse_etl_core.operations import DeferCode, RejectCode
from reverse_etl_core.redaction import Secret
from reverse_etl_core.schema import Field, FieldType

TOKEN = "pat-na1-0000"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 78),
        (errors.AuthError("x"), 78),
        (errors.BrakeError("x"), 65),
        (errors.BusyError("x"), 75),
        (errors.QuotaExhaustedError("x"), 75),
        (errors.FatalError("x"), 1),
        (errors.LedgerError("x"), 1),
        (errors.InputError("x"), 1),
        (errors.AccountingError("x"), 1),
        (errors.UnknownOutcomeError("x"), 1),
    ],
)
def test_an_error_knows_its_exit_code(error: errors.ReverseETLError, code: int) -> None:
    """Exit codes follow `sysexits.h`."""
    assert error.exit_code == code


def test_every_error_is_in_the_tree_of_the_docstring() -> None:
    """The tree drawn at the top names every class."""
    names = [name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)]
    assert errors.__doc__
    assert [name for name in names if name not in errors.__doc__] == []


def test_one_problem_is_a_sentence_and_several_are_a_list() -> None:
    """A configuration error shows all problems at once."""
    assert str(errors.ConfigError("'a' is bad.")) == "'a' is bad."
    assert (
        str(errors.ConfigError("'a' is bad.", "'b' too."))
        == "2 settings need attention:\n  - 'a' is bad.\n  - 'b' too."
    )


def test_the_codes_are_those_of_the_design() -> None:
    """Users filter by codes: none disappears."""
    assert {one.value for one in DeferCode} == {"quota", "brake", "stopped"}
    assert len(RejectCode) == 19
    assert all(one.value == one.name.lower() for one in RejectCode)


def test_key_fields_begin_with_the_natural_one() -> None:
    """The field that people expect comes first in messages."""
    assert people().key_fields() == ["email", "id", "key"]


def test_a_schema_cannot_be_changed() -> None:
    """Schemas are shared between threads."""
    with pytest.raises(TypeError):
        people().fields["new"] = Field("new", FieldType.STRING)  # type: ignore[index]


def test_a_secret_never_shows(caplog: pytest.LogCaptureFixture) -> None:
    """G7: not in text, format, repr, container, traceback or log record; only where it is revealed."""
    secret = Secret(TOKEN)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("x").info("%s %r", secret, {"token": secret})
    seen = [str(secret), f"{secret}", f"{secret!r}", repr([secret]), f"{secret!s:>20}", caplog.text, str(vars(errors))]
    assert not [one for one in seen if TOKEN in one]
    assert secret.reveal() == TOKEN
    assert copy.deepcopy(secret) == pickle.loads(pickle.dumps(secret)) == secret  # noqa: S301
