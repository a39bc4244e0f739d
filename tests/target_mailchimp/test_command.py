"""target-mailchimp as a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.command import BaseCommand, config_file, lines, run

if TYPE_CHECKING:
    from conformance.stage import Stage


class TestCommand(BaseCommand):
    """What users, Meltano and schedulers see."""

    credential = "api_key"
    address = "api_url"
    account_route = "/3.0"

    def test_a_long_pause_ends_with_75(self, stage: Stage) -> None:
        """Mailchimp has no daily limit; who is asked to wait for an hour ends with 75 all the same."""
        stage.vendor.faults([{"kind": "429", "path": stage.vendor.write_path, "retry_after": 3600}])
        done = run(stage, "--config", config_file(stage), text=lines(stage.messages([stage.record(1)])))
        assert (done.returncode, done.stdout) == (75, "")
        assert "wait 60 minutes" in done.stderr
