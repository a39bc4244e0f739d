"""What follows a run: the summary, its report, its line in the history, its metrics, and word to whom it concerns.

Nothing here changes how the run ended: what goes wrong is a warning.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_etl_core import metrics, notices, pages, webhook
from reverse_etl_core.errors import FatalError
from reverse_etl_core.ledger.history import past_runs
from reverse_etl_core.report import report_json
from reverse_etl_core.report_page import RUNS_SHOWN, report_html

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.ledger import Ledger
    from reverse_etl_core.ledger.history import PastRun
    from reverse_etl_core.report import Report

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a notice needs to know beyond the report.

    Attributes:
        history: Earlier runs of the same sync, newest first.
        page: Path of `report.html`; empty where none was written.
    """

    history: Sequence[PastRun] = ()
    page: str = ""


def conclude(report: Report, config: CommonConfig, ledger: Ledger | None) -> Conclusion:
    """Write down what a run did.

    Args:
        report: The run.
        config: Says where to.
        ledger: `None` where the run ended before it was opened; then there is nothing to write down.
    """
    if ledger is None:
        return Conclusion()
    history = _history(ledger, report)
    report.log()
    metrics.log_metrics(report)
    page = write_report(report, history, config.report_dir)
    _note_end(ledger, report)
    return Conclusion(history, page)


def write_report(report: Report, history: Sequence[PastRun], folder: Path) -> str:
    """Write `<start>-<run>/report.json` and `report.html` for the owner alone.

    Returns:
        The page's path; empty where it could not be written.
    """
    path = folder / report.folder_name() / "report.json"
    page = path.with_suffix(".html")
    try:
        pages.write_private(path, report_json(report))
        pages.write_private(page, report_html(report, history))
    except OSError as error:
        logger.warning("The report cannot be written to '%s' (%s). Check 'report_dir'.", path, error.strerror)
        return ""
    except Exception as error:  # noqa: BLE001 - a defect of a page must not stand in for how the run ended
        logger.warning("The page of the report cannot be made (%s). Please report this.", type(error).__name__)
        return ""
    logger.info("Report: %s", page)
    return str(page)


def notify(
    report: Report, config: CommonConfig, conclusion: Conclusion, *, wait: Callable[[float], object] = time.sleep
) -> None:
    """Post to `notify_url` where there is something to tell; `wait` sleeps before a second attempt."""
    event = notices.event_of(report, conclusion.history)
    if config.notify_url is None or event is None:
        return
    notice = notices.Notice(event, report, conclusion.page)
    body = notices.as_slack(notice) if config.notify_format == "slack" else notices.as_json(notice)
    host = webhook.host(config.notify_url)
    problem = webhook.post(config.notify_url, body, user_agent=report.target, wait=wait)
    if problem:
        logger.warning("The notification to host '%s' failed: %s. Check 'notify_url'.", host, problem)
    else:
        logger.info("Notified host '%s': %s", host, event.value)


def _history(ledger: Ledger, report: Report) -> Sequence[PastRun]:
    try:
        return past_runs(ledger, sync_id=report.sync_id, target=report.target, limit=RUNS_SHOWN)
    except FatalError as error:
        logger.warning("The history of earlier runs cannot be read: %s", error)
        return ()


def _note_end(ledger: Ledger, report: Report) -> None:
    try:
        ledger.end_run(report.exit_code, report.figures())
    except FatalError as error:
        # The run has ended already, well or not: this must not stand in for how.
        logger.warning("The end of the run cannot be noted: %s", error)
