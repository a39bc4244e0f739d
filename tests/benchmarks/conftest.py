"""`benchmarks` and the page's generator are scripts and no package: they are found by the path of their folders."""

from __future__ import annotations

import sys

from demo.project import REPOSITORY

for folder in ("benchmarks", "docs"):
    if str(REPOSITORY / folder) not in sys.path:
        sys.path.append(str(REPOSITORY / folder))
