"""The supervisor: starts Redis, the API and the worker in order, restarts them, and ends all of them on a signal."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from bestguess.supervisor import preflight, probes, redis
from bestguess.supervisor.children import Child, Command
from jobs.queue import WORKER_COMMAND
from jobs.telemetry.logs import PlainLines, handler_of, is_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.settings import Settings
    from jobs.telemetry.logs import Form

log = logging.getLogger("bestguess.up")

API_COMMAND = (sys.executable, "-m", "app.serve")
# Seconds from SIGTERM to SIGKILL. Redis ends after the others; both together stay below the 5 s that we promise.
API_GRACE = 4.0
WORKER_GRACE = 4.0  # a training that takes longer to stop continues from its last checkpoint at the next start
REDIS_GRACE = 0.5
REDIS_START = 60.0  # seconds; reading a large append-only file takes a while


class StartError(Exception):
    """Redis did not come up, without which the rest is of no use; the message is one line."""


def run_up(
    settings: Settings,
    api_command: Sequence[str] = API_COMMAND,
    worker_command: Sequence[str] | None = WORKER_COMMAND,
) -> int:
    """Run the whole service in the foreground until SIGINT, SIGTERM or SIGHUP (unless that is ignored, as by nohup).

    After the signal all processes are gone within 5 s; a second SIGINT kills them at once. They are also gone when
    this process is killed by SIGKILL (see `bestguess.supervisor.children`).

    Returns:
        The exit code: 0 after a signal, 1 if Redis did not come up.

    Raises:
        PreflightError: a setting cannot be used; nothing was started.
    """
    set_up_log(settings.log_format)
    return asyncio.run(Supervisor(settings, api_command, worker_command).run())


class Supervisor:
    """The stages of child processes in the order of their start: each is up before the next, and ends after it."""

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
        self._handle_signals()
        with preflight.claimed(self._settings.data_dir):
            work = asyncio.create_task(self._work())
            stop = asyncio.create_task(self._stop.wait())
            try:
                await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
                return await _outcome(work)
            finally:
                stop.cancel()
                await self._stop_children()

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        if not self._stop.is_set():
            log.info("stopping; Ctrl-C kills at once")
            self._stop.set()
        elif number == signal.SIGINT:
            for child in self._children():
                child.kill()

    async def _work(self) -> None:
        await preflight.check(self._settings)
        if redis_url := self._settings.redis_url:
            # A daemon thread: name resolution may take long, and the shutdown must not wait for it.
            threading.Thread(target=_warn_without, args=(redis_url,), daemon=True).start()
        else:
            redis_url = await self._start_redis()
        # Drained at once: no load balancer is in front of the API here, and the end is promised within 5 s.
        environment = {**environment_of(self._settings, redis_url), "BESTGUESS_DRAIN_SECONDS": "0"}
        services = [Command("The API", self._api_command, environment, API_GRACE)]
        if self._worker_command:
            services.append(Command("The worker", self._worker_command, environment, WORKER_GRACE))
        self._add_stage(*services)
        async with asyncio.TaskGroup() as tasks:
            for child in self._children():
                tasks.create_task(child.keep_running())
            tasks.create_task(_show_when_up(self._settings))

    async def _start_redis(self) -> str:
        server = redis.prepare(self._settings.data_dir)
        child = self._add_stage(Command("Redis", server.arguments, os.environ.copy(), REDIS_GRACE))[0]

        async def answers() -> bool:
            if not child.alive:
                raise StartError(server.failure("ended at its start"))
            return await probes.answers_ping(server.url)

        try:
            await child.start()
            await asyncio.wait_for(probes.until(answers), REDIS_START)
        except OSError as error:  # TimeoutError is one too
            raise StartError(server.failure(error.strerror or f"did not answer within {REDIS_START:g} s")) from None
        redis.record_writer(server.folder, server.program.kind)
        return server.url

    def _add_stage(self, *commands: Command) -> list[Child]:
        self._stages.append([Child(command) for command in commands])
        return self._stages[-1]

    def _children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    async def _stop_children(self) -> None:
        for stage in reversed(self._stages):
            await asyncio.gather(*(child.stop() for child in stage))


def set_up_log(form: Form) -> None:
    """Send the supervisor's lines to standard error: as JSON where the log is JSON, else plain text for people."""
    handler = handler_of(form, sys.stderr)
    if not is_json(form, sys.stderr):
        handler.setFormatter(PlainLines("bestguess: %(message)s"))
    log.handlers.clear()
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.INFO)


def environment_of(settings: Settings, redis_url: str) -> Mapping[str, str]:
    """Return our environment with these settings in it, so that a child cannot read others than were checked."""
    values = settings.model_dump(mode="json", exclude_none=True) | {"redis_url": redis_url}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return os.environ | {f"BESTGUESS_{name.upper()}": text for name, text in texts.items()}


async def _outcome(work: asyncio.Task[None]) -> int:
    work.cancel()
    try:
        await work
    except asyncio.CancelledError:
        return 0
    except StartError as error:
        log.error(str(error))  # noqa: TRY400 - one line for people, no traceback
    return 1


def _warn_without(redis_url: str) -> None:
    if trouble := probes.jobs_trouble(redis_url):
        log.warning("warning: %s; images are classified, jobs have to wait for it", trouble)


async def _show_when_up(settings: Settings) -> None:
    """Write to standard output where everything is, once the API answers."""
    await probes.until(lambda: probes.answers_healthz(settings.host, settings.port))
    url = probes.page_url(settings.host, settings.port)
    lines = [
        "",
        "Best Guess is up; Ctrl-C stops it.",
        f"  page  {url}",
        f"  docs  {url}docs",
        f"  API   POST {url}classify",
        f"        curl -F file=@photo.jpg {url}classify",
        "",
    ]
    with suppress(OSError):  # a terminal that is gone
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
