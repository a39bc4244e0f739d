"""The command line: `saas-simulators serve`."""

from __future__ import annotations

import gc
import signal
import threading
from pathlib import Path

import click

from saas_simulators.seeds import VENDORS, SeedError, read_seed
from saas_simulators.server import NotLoopbackError, SimulatorServer

# Records are never part of a cycle; looking for cycles among 100,000 of them would only slow the answers down.
GC_THRESHOLD = 100_000


@click.group()
@click.version_option(package_name="saas-simulators", prog_name="saas-simulators")
def main() -> None:
    """Local servers that behave like the APIs of SaaS products."""


@main.command()
@click.option("--port", default=8765, show_default=True, help="0 chooses a free port; it is the first line of stdout.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback only.")
@click.option("--seed", "seed_path", type=click.Path(path_type=Path), help="YAML file: what the accounts hold.")
@click.option("--state", "state_path", type=click.Path(path_type=Path), help="Keep the state here between runs.")
@click.option("--no-limits", is_flag=True, help="No rate limits, for tests and benchmarks.")
def serve(port: int, host: str, seed_path: Path | None, state_path: Path | None, *, no_limits: bool) -> None:
    """Serve all simulators on one port until interrupted."""
    try:
        seed = read_seed(seed_path) if seed_path else None
        server = SimulatorServer(seed, host=host, port=port, state_path=state_path)
    except (SeedError, NotLoopbackError, OSError) as error:
        raise click.ClickException(str(error)) from None
    if no_limits:
        for vendor in server.simulation.vendors:
            vendor.set_limits({"enabled": False})
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=server.interrupt, daemon=True).start())
    if port == 0:
        click.echo(server.port)
    click.echo(f"Simulators at {server.url} ({', '.join(VENDORS)}); Ctrl-C stops them.", err=port == 0)
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    server.serve()
    server.close()


if __name__ == "__main__":
    main()
