"""One child process of the supervisor: started, restarted with backoff, and ended with all processes that it started.

A child must end when the supervisor does, even by SIGKILL. Linux's PR_SET_PDEATHSIG is not enough: it needs code
between fork and exec (unsafe beside threads), does not reach grandchildren, and macOS lacks it. Here a shell of one
line becomes the command, and leaves a second shell in the child's process group that reads a pipe, the lifeline, whose
other end only the supervisor holds. The pipe closes when the supervisor ends, however that happens, and the reader then
kills the group. While the reader lives, the system does not reuse the group's number, so killing it never hits a
stranger.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping

log = logging.getLogger("bestguess.up")

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a child that ended is restarted
LONG_LIFE = 60.0  # seconds; a child that lived as long was healthy, so its next pause is the first one again

# The parentheses make the reader nobody's child, so that no command waits for it.
LIFELINE = (
    'exec 3<&0; ({ trap "" HUP INT TERM; read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &); exec "$@" </dev/null 3<&-'
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run, its name in messages, and the seconds that it has to end after SIGTERM."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    grace_seconds: float


class Child:
    """One process in a session and process group of its own. It has no input; its output is the supervisor's."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._process: Process | None = None
        self._lifeline: int | None = None

    @property
    def alive(self) -> bool:
        """Return whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it. When cancelled, or failing with OSError, it leaves no process."""
        theirs, ours = os.pipe()
        arguments = ["/bin/sh", "-c", LIFELINE, "lifeline", *self._command.arguments]
        try:
            self._process = await asyncio.create_subprocess_exec(
                *arguments, stdin=theirs, env=self._command.environment, start_new_session=True
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self._lifeline = ours

    async def keep_running(self) -> None:
        """Start it unless it runs, and restart it whenever it ends, after 1 s to 30 s. Runs until cancelled."""
        pause = 0.0
        while True:
            began = time.monotonic()
            ended = await self._run_once()
            pause = next_pause(pause, time.monotonic() - began)
            log.info("%s %s; it is started again in %g s", self._command.name, ended, pause)
            await asyncio.sleep(pause)

    async def stop(self) -> None:
        """Send SIGTERM to it; when it has ended, or its grace is over, send SIGKILL to what is left of its group."""
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._command.grace_seconds)
        except TimeoutError:
            log.info("%s did not stop within %g s; it is killed", self._command.name, self._command.grace_seconds)
        self.kill()
        await process.wait()

    def kill(self) -> None:
        """Send SIGKILL to its whole group; do nothing if that was done before."""
        if self._process is None or self._lifeline is None:
            return
        with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        os.close(self._lifeline)
        self._lifeline = None

    async def _run_once(self) -> str:
        try:
            if self._process is None:
                await self.start()
        except OSError as error:
            return f"could not be started ({error.strerror})"
        assert self._process is not None  # noqa: S101 - start() has set it
        code = await self._process.wait()
        self.kill()
        self._process = None
        return ending(code)


def next_pause(pause: float, lived: float) -> float:
    """Return the seconds before the next start, from the last pause (0: there was none) and the seconds lived since."""
    return FIRST_PAUSE if pause == 0 or lived >= LONG_LIFE else min(2 * pause, LONGEST_PAUSE)


def ending(code: int) -> str:
    """Describe how a process ended: `code` is its exit code, or minus the number of the signal that ended it."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"was ended by signal {-code}"
