"""Take the pictures of pages in `docs/images` from the real thing: the demo's report, plan and simulated account.

`make screenshots` runs this; `chromium` has to be on the path. It delivers the sample to the simulated HubSpot, changes
some rows, and asks for the plan of the changes. Windows have a fixed size; times and ids differ from run to run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "demo"))
import run as demo

IMAGES = Path(__file__).with_name("images")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TARGET = "target-hubspot"
LARGEST_BYTES = 150_000
LOADING_MS = 5_000


class ScreenshotError(Exception):
    """No picture can be taken; the message says why."""


@dataclass(frozen=True)
class Camera:
    """A browser without a window.

    Attributes:
        browser: Its command.
    """

    browser: str

    @classmethod
    def found(cls) -> Camera:
        """The browser of this machine.

        Raises:
            ScreenshotError: There is none.
        """
        for name in BROWSERS:
            if path := shutil.which(name):
                return cls(path)
        msg = f"None of {', '.join(BROWSERS)} is on the path. Install Chromium, and run this again."
        raise ScreenshotError(msg)

    def take(self, address: str, name: str, width: int, height: int) -> None:
        """Write the picture of a page: its upper part, as large as the window.

        Raises:
            ScreenshotError: The browser wrote none, or one that is too large for a document.
        """
        path = IMAGES / f"{name}.png"
        path.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory() as profile:
            done = subprocess.run(
                [
                    self.browser,
                    "--headless=new",
                    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # root has none
                    "--disable-gpu",
                    "--hide-scrollbars",
                    "--force-device-scale-factor=1",
                    "--blink-settings=preferredColorScheme=1",  # light
                    f"--virtual-time-budget={LOADING_MS}",
                    f"--user-data-dir={profile}",
                    f"--window-size={width},{height}",
                    f"--screenshot={path}",
                    address,
                ],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        if not path.exists():
            msg = f"'{self.browser}' took no picture of {address}: {done.stderr[-500:]}"
            raise ScreenshotError(msg)
        size = path.stat().st_size
        print(f"  {path.relative_to(demo.ROOT)}: {size:,} bytes")
        if size > LARGEST_BYTES:
            msg = f"'{path.name}' has {size:,} bytes; a document's picture has at most {LARGEST_BYTES:,}."
            raise ScreenshotError(msg)


def newest(name: str) -> str:
    """The address of the newest page of that name among the demo's reports."""
    found = (demo.ROOT / demo.WORK / "reports").glob(f"*/{name}")
    return max(found, key=lambda path: path.stat().st_mtime).as_uri()


def photograph(camera: Camera) -> None:
    """Run the demo's first steps, and take the pictures on the way."""
    demo.check_settings()
    shutil.rmtree(demo.ROOT / demo.WORK, ignore_errors=True)
    (demo.ROOT / demo.WORK).mkdir(mode=0o700)
    shell = demo.Shell({}, demo.environment())
    shell.run(demo.BIN / "python", "demo/warehouse.py", "build", demo.WAREHOUSE)
    shell.run(*demo.MELTANO, "install", log=demo.WORK / "install.log")
    sync_id = f"demo:{demo.TAPS[TARGET]}-to-{TARGET}"
    shell.run(*demo.MELTANO, "state", "clear", "--force", sync_id, log=demo.WORK / "state.log")
    with demo.simulators(shell, keep=False) as account:
        demo.sync("first run", shell, TARGET, account)
        camera.take(newest("report.html"), "report", 1100, 832)
        camera.take(account.url, "simulators", 1040, 740)
        shell.run(demo.BIN / "python", "demo/warehouse.py", "change", demo.WAREHOUSE)
        variables = {demo.URL_SETTINGS[TARGET]: account.url, "TARGET_HUBSPOT_DRY_RUN": "true"}
        planned = demo.Shell(variables, {**shell.environment, **variables})
        planned.run(*demo.MELTANO, "run", demo.TAPS[TARGET], TARGET, log=demo.WORK / "plan.log")
        camera.take(newest("plan.html"), "plan", 1100, 746)


def main() -> int:
    """The command line; it takes no arguments."""
    os.chdir(demo.ROOT)
    demo.STOPPED.install()
    try:
        photograph(Camera.found())
    except (ScreenshotError, demo.DemoError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
