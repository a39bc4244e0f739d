"""Signals while a driver computes: Python runs its handlers only after the driver has returned."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def interrupting(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` from another thread when a handled signal arrives inside the block.

    The interpreter writes each signal to a pipe at once, even while the main thread is inside a
    driver; a thread waits there. Outside the main thread this does nothing: signals never arrive there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def watch() -> None:
        if os.read(reader, 1):  # nothing to read means that the pipe was closed
            with suppress(Exception):  # the signal's handler may have left the block and closed the connection
                interrupt()

    watcher = threading.Thread(target=watch, name="interrupts", daemon=True)
    watcher.start()
    try:
        yield
    except KeyboardInterrupt:
        # Snowflake's connector 4 puts a handler of its own into the place of ours while a query runs.
        signal.raise_signal(signal.SIGINT)
        raise
    finally:
        signal.set_wakeup_fd(previous)
        os.close(writer)
        watcher.join()
        os.close(reader)
