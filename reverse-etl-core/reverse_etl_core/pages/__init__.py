"""Pages for people: one self-contained file each, from the templates in this folder.

A page asks nothing of the network, and its policy forbids it: only its own style and script run, known by their hash,
so that text which looks like markup stays text even where escaping should fail.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import jinja2

FOLDER = Path(__file__).parent
NO_BREAK = "\N{NARROW NO-BREAK SPACE}"


def render(page: str, **values: Any) -> str:  # noqa: ANN401 - what the page shows
    """A page as HTML; everything in `values` is escaped.

    Args:
        page: Name of the template without `.html.j2`; a script of the same name runs in it.
        values: What the template shows.
    """
    style, script = _asset("page.css"), _asset(f"{page}.js")
    hashes = {"style_hash": _hash(style), "script_hash": _hash(script) if script else ""}
    text: str = _environment().get_template(f"{page}.html.j2").render(style=style, script=script, **hashes, **values)
    return text


def write_private(path: Path, text: str) -> None:
    """Write a file for the owner alone; its folder too, where it is missing.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_private(path) as file:
        file.write(text.encode("utf-8", "replace"))


def open_private(path: Path) -> BinaryIO:
    """An empty file that only the owner may read, also where there was another one before.

    Raises:
        OSError: It cannot be opened.
    """
    file = os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb")
    path.chmod(0o600)
    return file


def grouped(number: float) -> str:
    """A number with its thousands apart, and at most one decimal.

    >>> grouped(1234567).replace(NO_BREAK, "'"), grouped(0.25), grouped(3.0)
    ("1'234'567", '0.2', '3')
    """
    text = f"{number:,.1f}".removesuffix(".0")
    return text.replace(",", NO_BREAK)


def lasting(seconds: float) -> str:
    """A time span in words.

    >>> lasting(0.25), lasting(75), lasting(7_300)
    ('0.2 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{grouped(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


@cache
def _environment() -> jinja2.Environment:
    # Here and not above: loading it takes longer than a small run that writes no page.
    import jinja2  # noqa: PLC0415

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        auto_reload=False,  # an upgrade under a run must not take its page away
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"grouped": grouped, "lasting": lasting, "code_spans": _code_spans}
    return environment


def _code_spans(text: str) -> str:
    """Escaped text, with what stands in backticks as code."""
    import markupsafe  # noqa: PLC0415 - comes with Jinja

    return markupsafe.Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(markupsafe.escape(text))))  # noqa: S704


@cache
def _asset(name: str) -> str:
    path = FOLDER / name
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def _hash(text: str) -> str:
    """What a content security policy calls an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
