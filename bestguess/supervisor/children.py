"""One child process of the supervisor: started, watched, started again, ended with all that it started.

A child must end when the supervisor does, even by SIGKILL. Linux's PR_SET_PDEATHSIG was looked at first: it needs
code between fork and exec (unsafe beside threads), spares grandchildren, and macOS lacks it. Here a shell of one line
turns into the command, and leaves a second one in the child's process group that reads a pipe whose other end only the
supervisor holds. The pipe ends with the supervisor, however that ends, and the reader then kills the group. While the
reader lives the group's number cannot be given to other processes either, so that killing it never hits a stranger.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bestguess.supervisor.terminal import say

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a child that died is started again
LONG_LIFE = 60.0  # seconds; a child that lived as long was well, so that its next pause is the first one again

# The parentheses make the reader nobody's child, so that no command waits for it.
LIFELINE = (
    'exec 3<&0; ({ trap "" HUP INT TERM; read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &); exec "$@" </dev/null 3<&-'
)


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, under which name a person hears of it, and the seconds that it has to end after SIGTERM."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    grace_seconds: float


class Child:
    """One process in a session and process group of its own. It reads nothing; its output is the supervisor's."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._process: Process | None = None
        self._lifeline: int | None = None

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it. Cancelled, or failing with OSError, it leaves no process."""
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

    async def keep(self) -> None:
        """Start it unless it runs, and again whenever it ends, after a pause of 1 s to 30 s. Runs until cancelled."""
        pause = 0.0
        while True:
            began = time.monotonic()
            ended = await self._live()
            pause = next_pause(pause, time.monotonic() - began)
            say(f"{self._command.name} {ended}; it is started again in {pause:g} s")
            await asyncio.sleep(pause)

    async def stop(self) -> None:
        """SIGTERM to it; when it has ended, or its grace is over, SIGKILL to what is left of its group."""
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._command.grace_seconds)
        except TimeoutError:
            say(f"{self._command.name} did not stop within {self._command.grace_seconds:g} s; it is killed")
        self.kill()
        await process.wait()

    def kill(self) -> None:
        """SIGKILL to its whole group, at once; nothing if that was done before."""
        if self._process is None or self._lifeline is None:
            return
        with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        os.close(self._lifeline)
        self._lifeline = None

    async def _live(self) -> str:
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
    """Seconds to wait before a start, from those before the last one (0: there was none) and those lived since."""
    return FIRST_PAUSE if pause == 0 or lived >= LONG_LIFE else min(2 * pause, LONGEST_PAUSE)


def ending(code: int) -> str:
    """How a process ended, in words: `code` is its exit code, or minus the number of the signal that ended it."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"was ended by signal {-code}"
