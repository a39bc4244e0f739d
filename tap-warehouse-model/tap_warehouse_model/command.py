"""The command line: our errors end as one message and an exit code, never as a traceback."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from singer_sdk.plugin_base import SingerCommand

from tap_warehouse_model.errors import EXIT_CONFIG, TapError
from tap_warehouse_model.warehouse import close_connections


class TapCommand(SingerCommand):
    """The SDK's command with the exit codes of `errors`."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Run the command.

        `--discover`, `--test` and `--config` act while click reads the arguments, before `invoke`;
        this is the one place that sees every error.
        """
        try:
            return super().main(*args, **kwargs)
        except TapError as error:
            self._fail(str(error), error.exit_code)
        except FileNotFoundError as error:
            self._fail(f"{error} Check --config, --catalog and --state.", EXIT_CONFIG)
        except ValueError as error:
            # The SDK reads the files; its JSON library's error would quote them.
            if type(error).__name__ != "JSONDecodeError":
                raise
            self._fail("A file given to --config, --catalog or --state, or a setting, is not JSON.", EXIT_CONFIG)
        finally:
            close_connections()

    def _fail(self, message: str, exit_code: int) -> NoReturn:
        self.logger.error("%s", message)
        sys.exit(exit_code)
