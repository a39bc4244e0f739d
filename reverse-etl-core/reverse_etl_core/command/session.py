"""What every subcommand has in common: which ledger, which part of it, in which form it is shown."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from reverse_etl_core.command import listing, records
from reverse_etl_core.command.changes import Changes
from reverse_etl_core.command.places import VARIABLE, ledger_url
from reverse_etl_core.command.words import moment_ms
from reverse_etl_core.errors import EXIT_FAILURE
from reverse_etl_core.ledger.archive import Archive, ScopeFilter, ScopeRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reverse_etl_core.command.listing import Listing
    from reverse_etl_core.command.records import RecordName

AnyFunction = TypeVar("AnyFunction", bound="Callable[..., Any]")

_OPTIONS = (
    click.option(
        "--ledger",
        envvar=VARIABLE,
        metavar="URL",
        help=f"The ledger: a SQLAlchemy URL or a file. With a password in it, use {VARIABLE}. "
        "Default: the only *.db in the project's .reverse-etl folder.",
    ),
    click.option("--target", metavar="NAME", help="Whose ledger of that folder: the name of a target."),
    click.option("--sync", "sync_id", metavar="ID", help="Only this sync."),
    click.option("--stream", metavar="NAME", help="Only this stream."),
    click.option("--object", "object_name", metavar="NAME", help="Only what goes to this object."),
    click.option("--account", metavar="ID", help="Only this account."),
)
_NAMES = ("ledger", "target", "sync_id", "stream", "object_name", "account")


@dataclass(frozen=True, slots=True)
class Session:
    """The ledger that is meant, opened for reading, and the part of it.

    Attributes:
        archive: The ledger.
        scopes: The streams that are meant.
        is_whole: Whether these are all of them.
    """

    archive: Archive
    scopes: Sequence[ScopeRow]
    is_whole: bool

    def changes(self) -> contextlib.AbstractContextManager[Changes]:
        """Open the ledger for writing too."""
        return contextlib.closing(Changes(self.archive))

    def find_all(self, key: str) -> list[RecordName]:
        """The records that a key names.

        Raises:
            Exit: There are none; told on stderr.
        """
        found = records.find(self.archive, self.scopes, key)
        if not found:
            click.echo(
                "The ledger knows no record of this key. Either it never arrived at the target: look at the model and "
                "at the tap. Or it was delivered with 'ledger: rejects', which keeps only rejected records.",
                err=True,
            )
            raise click.exceptions.Exit(EXIT_FAILURE)
        return found

    def find_one(self, key: str) -> RecordName:
        """The only record that a key names.

        Raises:
            UsageError: There are several; the message lists them.
        """
        found = self.find_all(key)
        if len(found) > 1:
            lines = "".join(f"\n  - {listing.printable(one.source_key)} of {one.scope.title}" for one in found)
            msg = f"Several records have this key. Choose with --stream, --sync, --object, or by source key:{lines}"
            raise click.UsageError(msg)
        return found[0]


def on_ledger(function: AnyFunction) -> AnyFunction:
    """Give a subcommand the common options; it gets a `Session` in their place."""

    @functools.wraps(function)
    @click.pass_context
    def opened(context: click.Context, /, **given: Any) -> Any:  # noqa: ANN401 - click's own
        chosen = {name: _nearest(context, name, given.pop(name)) for name in _NAMES}
        if chosen["target"] and given_on_line(context, "ledger"):
            msg = "--ledger and --target both name a ledger. Leave one out."
            raise click.UsageError(msg)
        named = None if chosen["target"] else chosen["ledger"]
        archive = Archive(ledger_url(named, chosen["target"], os.environ), now=clock_of(context))
        context.call_on_close(archive.close)
        wanted = ScopeFilter(chosen["sync_id"], chosen["stream"], chosen["object_name"], chosen["account"])
        return function(Session(archive, archive.scopes(wanted), wanted == ScopeFilter()), **given)

    return with_common_options(cast("AnyFunction", opened))


def _nearest(context: click.Context, name: str, value: str | None) -> str | None:
    """A common option: as it stands after the subcommand, else before it or in the environment."""
    if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
        return value
    before: dict[str, str | None] = context.obj or {}
    return before.get(name)


def clock_of(context: click.Context | None) -> Callable[[], float]:
    """Seconds since 1970, from whoever runs the program, else the system's."""
    clock: Callable[[], float] = ((context.find_object(dict) if context else None) or {}).get("clock", time.time)
    return clock


def given_on_line(context: click.Context | None, name: str) -> bool:
    """Whether an option was written on the command line, here or before the subcommand."""
    source = click.core.ParameterSource.COMMANDLINE
    while context is not None:
        if context.get_parameter_source(name) is source:
            return True
        context = context.parent
    return False


def with_common_options(function: AnyFunction) -> AnyFunction:
    """Add the options that say which ledger, and which part of it."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def listed(function: AnyFunction) -> AnyFunction:
    """Let a subcommand that returns a `Listing` show it as a table, CSV or JSON; it is told as `for_people`."""

    @functools.wraps(function)
    def shown(*args: Any, as_json: bool, as_csv: bool, **given: Any) -> None:  # noqa: ANN401 - click's own
        if as_json and as_csv:
            msg = "--json and --csv are two forms. Choose one."
            raise click.UsageError(msg)
        result: Listing = function(*args, for_people=not (as_json or as_csv), **given)
        write = listing.write_json if as_json else listing.write_csv if as_csv else listing.write_table
        write(result)

    options = (
        click.option("--json", "as_json", is_flag=True, help="As a JSON list, an object in each line."),
        click.option("--csv", "as_csv", is_flag=True, help="As CSV; no cell is taken for a formula."),
    )
    decorated: Any = shown
    for option in reversed(options):
        decorated = option(decorated)
    return cast("AnyFunction", decorated)


def confirmed(question: str, *, is_agreed: bool) -> None:
    """Ask before something is changed, unless `--yes` was given.

    Raises:
        Abort: No, or nobody is there to say yes.
    """
    if not is_agreed:
        click.confirm(question, abort=True, err=True)


class PastMoment(click.ParamType[int]):
    """A moment as an option: a date, a time, or how long ago."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Milliseconds since 1970."""
        if isinstance(value, int):
            return value
        found = moment_ms(value, now_ms=int(clock_of(ctx)() * 1000))
        if found is None:
            self.fail("Give a date (2026-11-21), a time (2026-11-21T08:00, in UTC), or a span (12h, 90d).", param, ctx)
        return found
