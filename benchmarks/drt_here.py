"""drt's command with HubSpot's address replaced, which is a constant of it: `drt_here.py URL [ARGUMENT ...]`.

Runs in the environment of the peers. Nothing else of drt is touched.
"""

from __future__ import annotations

import sys

import drt.destinations.hubspot as destination
from drt.cli.main import app


def main() -> None:
    """Point drt at the simulator, and run it."""
    url = sys.argv.pop(1)
    for name in ("_HUBSPOT_API", "_HUBSPOT_PROPERTIES_API"):
        address = getattr(destination, name)
        if not address.startswith("https://api.hubapi.com/"):
            msg = f"drt's {name} is {address}: this drt is another one than the one that this was written for."
            raise SystemExit(msg)
        setattr(destination, name, address.replace("https://api.hubapi.com", url))
    app()


if __name__ == "__main__":
    main()
