"""Background threads and tasks that outlive their errors: each error is logged, and the work goes on."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from jobs.errors import StoreError
from jobs.telemetry.context import carried

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 60.0  # seconds before a task that failed runs again


class Failures:
    """The log of one background work: an error is logged when it first comes, its repetitions are counted."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last, self._count = "", 0

    def failed(self, error: BaseException) -> None:
        """Log an error, with its traceback unless Redis is the reason; never raise, not even without memory."""
        with suppress(Exception):
            self._count += 1
            error_text = f"{type(error).__name__}: {error}"
            if error_text == self._last:
                return
            self._last = error_text
            if isinstance(error, StoreError):
                log.warning("%s failed, and goes on: %s", self._name, error)
            else:
                log.error("%s failed, and goes on", self._name, exc_info=error)

    def ended(self) -> None:
        """Note that the work succeeds, so that the same error is logged again when it comes back."""
        with suppress(Exception):
            if self._count:
                log.info("%s works again after %d failures", self._name, self._count)
            self._last, self._count = "", 0


class PeriodicThread:
    """A daemon thread that calls `look` every `every` seconds and goes on whatever `look` raises.

    `look` may return the seconds until its next call. Log lines carry the facts that are known where this is made.
    """

    def __init__(self, name: str, every: float, look: Callable[[], float | None], *, immediately: bool = False) -> None:
        self._every, self._call = every, look
        self._first_wait = 0.0 if immediately else every
        self._failures = Failures(f"the thread {name}")
        self._over = threading.Event()
        self._thread = threading.Thread(target=carried(self._run), name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, seconds: float | None = 5) -> None:
        """Stop, and wait at most `seconds` for a call that is under way; None: until it has ended."""
        self._over.set()
        if self._thread.ident is not None:  # it was started
            self._thread.join(seconds)

    def _run(self) -> None:
        wait = self._first_wait
        while not self._over.wait(wait):
            wait = self._every
            try:
                wait = self._call() or self._every
            except Exception as error:  # noqa: BLE001 - logged, and the next call comes
                self._failures.failed(error)
            else:
                self._failures.ended()


async def supervise(name: str, work: Callable[[], Awaitable[None]], longest_pause: float = LONGEST_PAUSE) -> None:
    """Run `work` until it returns; whenever it raises, log that, and run it again after a pause.

    Pauses double from 0.1 s to `longest_pause` seconds, and start over after a run that lasted longer than that.
    """
    failures, pause = Failures(f"the task {name}"), FIRST_PAUSE
    while True:
        began = time.monotonic()
        try:
            return await work()
        except (Exception, asyncio.CancelledError) as error:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise asyncio.CancelledError from error  # a library may have turned it into an error of its own
            lasted = time.monotonic() - began
            if lasted > longest_pause:
                failures.ended()
                pause = FIRST_PAUSE
            failures.failed(error)
        await asyncio.sleep(pause)
        pause = min(2 * pause, longest_pause)
