"""The command line: our errors end as one message and an exit code, never as a traceback."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from singer_sdk.plugin_base import SingerCommand

from tap_warehouse_model.errors import TapError


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

    def _fail(self, message: str, exit_code: int) -> NoReturn:
        self.logger.error("%s", message)
        sys.exit(exit_code)
