"""How a target ends after an error: a message and an exit code (DESIGN.md 4) instead of a traceback."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from singer_sdk.exceptions import MapExpressionError, MissingKeyPropertiesError, RecordsWithoutSchemaException

from reverse_etl_core.errors import EXIT_CONFIG, EXIT_FAILURE, ReverseETLError
from reverse_etl_core.redaction import defect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from logging import Logger


@contextmanager
def exits(logger: Logger) -> Iterator[None]:
    """Log what goes wrong inside, and end with the exit code that belongs to it.

    Raises:
        SystemExit: Something went wrong.
        ClickException: The command line is wrong; click says so itself.
    """
    try:
        yield
    except (RecordsWithoutSchemaException, MissingKeyPropertiesError, MapExpressionError) as error:
        logger.error("%s", error)  # noqa: TRY400 - the message is the whole story
        sys.exit(error.exit_code if isinstance(error, ReverseETLError) else EXIT_FAILURE)
    except ReverseETLError as error:
        logger.error("%s", error)  # noqa: TRY400 - the message is the whole story
        sys.exit(error.exit_code)
    except click.ClickException:
        raise
    except Exception as error:  # noqa: BLE001 - a traceback could show a value; this one shows where
        # While the SDK reads the environment; its JSON library's error quotes the setting.
        if type(error).__name__ == "JSONDecodeError":
            logger.error("A setting in the environment must be JSON and is not. See --about.")  # noqa: TRY400
            sys.exit(EXIT_CONFIG)
        logger.error("%s", defect(error))  # noqa: TRY400
        sys.exit(EXIT_FAILURE)
