"""How a download is told: to `/readyz`, to the log, and as a bar on a terminal's standard error."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

if TYPE_CHECKING:
    from app.inference.served import Served
    from vision.weights import WeightsFile

log = logging.getLogger(__name__)

LOG_EVERY = 10.0  # seconds


def progress_bar() -> Progress:
    """Make a bar for a download in bytes, on standard error; silent where that is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())


class DownloadProgress:
    """Hands one download's progress to all who want to know; called from the thread that downloads."""

    def __init__(self, served: Served, file: WeightsFile, advice: str) -> None:
        self._served = served
        self._advice = advice
        self._bar = progress_bar()
        self._task = self._bar.add_task(f"{served.network.title}'s weights", total=file.size)
        self._size = file.size
        self._logged = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        self.report(0, self._size)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def report(self, done: int, total: int) -> None:
        """Tell how many bytes of how many are here."""
        self._served.downloading(done, total)
        self._bar.update(self._task, completed=done, total=total)
        if time.monotonic() - self._logged >= LOG_EVERY:
            self._logged = time.monotonic()
            log.info("%s", self._served.report.detail)

    def retrying(self, reason: str, seconds: float) -> None:
        """Tell what went wrong, and in how many seconds it is tried again."""
        first = self._served.report.trouble is None
        self._served.held_up(reason, self._advice)
        advice = f" {self._advice}" if first else ""
        log.warning("%s Trying again in %.0f s.%s", reason, seconds, advice)
