"""The program `reverse-etl`: its subcommands, and how errors end it."""

from __future__ import annotations

import sys
from typing import Any

import click

from reverse_etl_core.command.copying import copy
from reverse_etl_core.command.forgetting import forget, purge
from reverse_etl_core.command.inquiries import history, why
from reverse_etl_core.command.overview import list_runs, list_streams
from reverse_etl_core.command.plans import approve, list_plans
from reverse_etl_core.command.rejects import list_rejects, retry
from reverse_etl_core.command.session import with_common_options
from reverse_etl_core.errors import EXIT_FAILURE, ReverseETLError
from reverse_etl_core.redaction import defect


class Program(click.Group):
    """A group whose errors end as one message and an exit code, never as a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own
        """Run a subcommand."""
        try:
            return super().main(*args, **kwargs)
        except ReverseETLError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)
        except Exception as error:  # noqa: BLE001 - a traceback could show a value; this one shows where
            click.echo(defect(error), err=True)
            sys.exit(EXIT_FAILURE)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="reverse-etl-core", message="%(prog)s v%(version)s")
@with_common_options
@click.pass_context
def main(context: click.Context, /, **given: str | None) -> None:
    """Look into the ledger of a sync: what did not arrive and why, what happened, what is held.

    Reading changes nothing, and a run may go on meanwhile. The common options stand before or after the subcommand.
    """
    context.obj = {**(context.obj or {}), **given}


for _subcommand in (
    list_rejects,
    retry,
    why,
    history,
    list_runs,
    list_streams,
    forget,
    purge,
    list_plans,
    approve,
    copy,
):
    main.add_command(_subcommand)
main.add_command(list_streams, "scopes")
