"""The supervisor: checks, starts what is needed in order, keeps it running, and ends all of it when it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from bestguess.supervisor import preflight, probes, redis
from bestguess.supervisor.children import Child, Command
from bestguess.supervisor.terminal import say, show_address, speak
from jobs.queue import WORKER_COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.settings import Settings

API_COMMAND = (sys.executable, "-m", "app.serve")
# Seconds from SIGTERM to SIGKILL. Redis ends after the others; both together stay below the 5 s that we promise.
API_GRACE = 4.0
WORKER_GRACE = 4.0  # a training that takes longer to stop goes on from its last checkpoint at the next start
REDIS_GRACE = 0.5
REDIS_START = 60.0  # seconds; reading a large append-only file takes a while


class StartError(Exception):
    """A process without which the rest is of no use did not come up; the message is one line."""


def run_up(
    settings: Settings,
    api_command: Sequence[str] = API_COMMAND,
    worker_command: Sequence[str] | None = WORKER_COMMAND,
) -> int:
    """Run the whole service in the foreground until SIGINT, SIGTERM or SIGHUP (unless that is ignored, as by nohup).

    From the signal on, all processes are gone within 5 s; a second SIGINT kills them at once. They are also gone when
    this process is killed by SIGKILL (see `bestguess.supervisor.children`).

    Returns:
        The exit code: 0 after a wanted stop, 1 if Redis did not come up.

    Raises:
        PreflightError: a setting cannot be used; nothing was started.
    """
    speak(settings.log_format)
    return asyncio.run(Supervisor(settings, api_command, worker_command).run())


class Supervisor:
    """The stages of children in the order of their start: each is up before the next one, and ends after it."""

    def __init__(
        self, settings: Settings, api_command: Sequence[str], worker_command: Sequence[str] | None = None
    ) -> None:
        self._settings = settings
        self._api_command = tuple(api_command)
        self._worker_command = tuple(worker_command) if worker_command else None
        self._stages: list[list[Child]] = []
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Work until a signal, then stop. Returns and raises what `run_up` does."""
        self._hear_signals()
        with preflight.claimed(self._settings.data_dir):
            work = asyncio.create_task(self._work())
            stop = asyncio.create_task(self._stop.wait())
            try:
                await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
                return await _outcome(work)
            finally:
                stop.cancel()
                await self._stop_children()

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, self._hear, number)

    def _hear(self, number: int) -> None:
        if not self._stop.is_set():
            say("stopping; Ctrl-C kills at once")
            self._stop.set()
        elif number == signal.SIGINT:
            for child in self._children():
                child.kill()

    async def _work(self) -> None:
        await preflight.check(self._settings)
        if redis_url := self._settings.redis_url:
            # A daemon, for the name service may take its time, and our end must not wait for that.
            threading.Thread(target=_warn_without, args=(redis_url,), daemon=True).start()
        else:
            redis_url = await self._start_redis()
        self._add(*services(self._settings, redis_url, self._api_command, self._worker_command))
        async with asyncio.TaskGroup() as tasks:
            for child in self._children():
                tasks.create_task(child.keep())
            tasks.create_task(_show_when_up(self._settings))

    async def _start_redis(self) -> str:
        server = redis.prepare(self._settings.data_dir)
        child = self._add(Command("Redis", server.arguments, server.environment, REDIS_GRACE))[0]

        async def answers() -> bool:
            if not child.alive:
                raise StartError(server.failure("ended at its start"))
            return await probes.answers_ping(server.url)

        try:
            await child.start()
            await asyncio.wait_for(probes.until(answers), REDIS_START)
        except OSError as error:  # TimeoutError is one too
            raise StartError(server.failure(error.strerror or f"did not answer within {REDIS_START:g} s")) from None
        server.remember()
        return server.url

    def _add(self, *commands: Command) -> list[Child]:
        self._stages.append([Child(command) for command in commands])
        return self._stages[-1]

    def _children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    async def _stop_children(self) -> None:
        for stage in reversed(self._stages):
            await asyncio.gather(*(child.stop() for child in stage))


async def _outcome(work: asyncio.Task[None]) -> int:
    work.cancel()
    try:
        await work
    except asyncio.CancelledError:
        return 0
    except StartError as error:
        say(str(error))
    return 1


def services(
    settings: Settings, redis_url: str, api_command: tuple[str, ...], worker_command: tuple[str, ...] | None
) -> Iterator[Command]:
    """What runs beside Redis; all of it is started, and stopped, at the same time."""
    # No balancer is in front of it here, and the end is promised within 5 s.
    environment = {**environment_of(settings, redis_url), "BESTGUESS_DRAIN_SECONDS": "0"}
    yield Command("The API", api_command, environment, API_GRACE)
    if worker_command:
        yield Command("The worker", worker_command, environment, WORKER_GRACE)


def environment_of(settings: Settings, redis_url: str) -> Mapping[str, str]:
    """Our environment with these very settings in it, so that a child cannot read others than were checked."""
    values = settings.model_dump(mode="json", exclude_none=True) | {"redis_url": redis_url}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return os.environ | {f"BESTGUESS_{name.upper()}": text for name, text in texts.items()}


def _warn_without(redis_url: str) -> None:
    if trouble := probes.jobs_trouble(redis_url):
        say(f"warning: {trouble}; images are classified, jobs have to wait for it")


async def _show_when_up(settings: Settings) -> None:
    await probes.until(lambda: probes.answers_healthz(settings.host, settings.port))
    show_address(probes.page_url(settings.host, settings.port))
