"""What a webhook is told of a run: pure, and without a field value, a key or a secret."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_etl_core.cures import cure
from reverse_etl_core.errors import EXIT_BRAKE, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.ledger.history import PastRun
    from reverse_etl_core.report import Report

NOTICE_VERSION = 1
LONGEST_MESSAGE = 1000
CODES_SHOWN = 3
STREAMS_SHOWN = 10


class Event(str, enum.Enum):
    """Why somebody is told."""

    FAILED = "failed"
    BRAKE = "brake"
    FIRST_REJECTIONS = "first_rejections"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should know of.

    Attributes:
        report: The run.
        page: Where its report is; empty where none was written.
    """

    event: Event
    report: Report
    page: str = ""


def event_of(report: Report, history: Sequence[PastRun]) -> Event | None:
    """Why somebody should be told of a run; `None` where all is as usual.

    Args:
        report: The run.
        history: Earlier runs of the same sync, newest first. One that failed before it rejected anything says
            nothing of rejections, and is passed over.
    """
    if report.exit_code != EXIT_OK:
        return Event.BRAKE if report.exit_code == EXIT_BRAKE else Event.FAILED
    telling = [one for one in history if one.exit_code == EXIT_OK or one.rejected]
    is_news = not telling or not telling[0].rejected
    return Event.FIRST_REJECTIONS if report.totals()["rejected"] and is_news else None


def as_json(notice: Notice) -> dict[str, Any]:
    """The body that `notify_format: json` sends; docs/operations.md describes it, and later releases only add to it."""
    shown = notice.report.as_dict()
    same = ("target", "sync_id", "account", "exit_code", "started_at", "seconds", "totals")
    return {
        "version": NOTICE_VERSION,
        "event": notice.event.value,
        "text": headline(notice),
        "run_id": shown["run_id"] or None,
        **{name: shown[name] for name in same},
        "message": shown["message"][:LONGEST_MESSAGE] or None,
        "streams": {
            stream: {"object": one["object"], "counts": one["counts"], "codes": one["codes"]}
            for stream, one in shown["streams"].items()
        },
        "report": notice.page or None,
    }


def as_slack(notice: Notice) -> dict[str, Any]:
    """A message for Slack, and for what takes the same: `text`, and `blocks` with the details."""
    details = [*_message_lines(notice), *_stream_lines(notice.report)]
    context = f"{_escaped(notice.report.target)}, account {_escaped(notice.report.account or 'not reached')}"
    if notice.page:
        context += f", report: {_escaped(notice.page)}"
    blocks: list[dict[str, Any]] = [_section(f"*{_escaped(headline(notice))}*")]
    if details:
        blocks.append(_section("\n".join(details)))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": context[:2900]}]})
    return {"text": _escaped(headline(notice)), "blocks": blocks}


def headline(notice: Notice) -> str:
    """One sentence, as plain text."""
    report = notice.report
    rejected = report.totals()["rejected"]
    if notice.event is Event.FIRST_REJECTIONS:
        return f"{report.sync_id}: {rejected} of {report.totals()['read']} records rejected, none in the run before"
    if notice.event is Event.BRAKE:
        return f"{report.sync_id}: stopped by a brake, a person must look (exit code {report.exit_code})"
    return f"{report.sync_id}: the run failed (exit code {report.exit_code})"


def _message_lines(notice: Notice) -> list[str]:
    message = notice.report.message[:LONGEST_MESSAGE]
    return [_escaped(message)] if message else []


def _stream_lines(report: Report) -> list[str]:
    """A line per stream, and one per code of its rejections with the cure."""
    lines = []
    for stream, tally in list(report.tallies.items())[:STREAMS_SHOWN]:
        counts = ", ".join(f"{count} {name}" for name, count in tally.as_dict().items() if count)
        lines.append(f"• {_escaped(stream)}: {counts or 'nothing read'}")
        for code, count in tally.codes.most_common(CODES_SHOWN):
            lines.append(f"    {count} x `{code}` {_escaped(cure(code).cure)}".rstrip())
    return lines


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:2900]}}  # Slack takes 3,000 characters


def _escaped(text: str) -> str:
    """Text as Slack shows it: a stream's name is no mention of a channel, and no link.

    >>> _escaped("a & <!channel>")
    'a &amp; &lt;!channel&gt;'
    """
    plain = re.sub(r"[\x00-\x09\x0b-\x1f\x7f]", " ", text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
