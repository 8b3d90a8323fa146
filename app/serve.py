"""The API process: `python -m app.serve`, as `bestguess up` starts it."""

from __future__ import annotations

import asyncio
import logging
import resource
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from app.access.auth import keys_problem
from app.http_limits import http_limits
from app.main import Resources, create_app
from app.middleware import DATASETS
from app.settings import Settings, SettingsError, load_settings
from jobs.telemetry import logs
from jobs.telemetry.tracing import tracing_as_asked

if TYPE_CHECKING:
    from http import HTTPStatus
    from types import FrameType

    from app.draining import Draining
    from app.inference.classifier import Classifier
    from jobs.telemetry.tracing import Tracing

log = logging.getLogger(__name__)

# Longer than the 60 s for which proxies such as ingress-nginx keep connections: who closes first must be they, else a
# request is sent into a connection that is just being closed, and a POST is not sent again.
KEEP_ALIVE = 75
GRACE = 3  # seconds that running requests get at shutdown, within the five that `bestguess up` promises


class Server(uvicorn.Server):
    """Uvicorn, which at the signal tells the application first: it would wait for event streams otherwise."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds
        self.broken = False

    async def on_tick(self, counter: int) -> bool:
        """Stop, as after a signal, when the application cannot go on: called by uvicorn ten times a second."""
        state = self.config.app.state  # type: ignore[union-attr]
        classifier: Classifier | None = getattr(state, "classifier", None)
        if not self.broken and classifier and (reason := classifier.broken):
            self.broken = True
            log.critical("%s. The process ends, to be started again", reason)
            state.draining.announce()
            asyncio.get_running_loop().call_later(self._drain_seconds, self._end)
        return await super().on_tick(counter)

    def _end(self) -> None:
        self.config.app.state.draining.begin()  # type: ignore[union-attr]
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hear SIGINT or SIGTERM, in the main thread, which runs the event loop; a second one ends the draining."""
        draining: Draining | None = getattr(self.config.app.state, "draining", None)  # type: ignore[union-attr]
        if draining is None:
            super().handle_exit(sig, frame)
            return
        wait = 0.0 if draining.announced else self._drain_seconds
        loop = asyncio.get_running_loop()

        def end() -> None:
            if wait and draining.begun:
                return  # a second signal was faster
            draining.begin()
            super(Server, self).handle_exit(sig, frame)

        def hear() -> None:
            draining.announce()
            loop.call_later(wait, end)

        loop.call_soon_threadsafe(hear)


def main(resources: Resources | None = None) -> None:
    """Serve until a signal; end with code 1 where the application cannot go on. For `resources` see `create_app`."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    if problem := keys_problem(settings):
        sys.exit(problem)
    logs.set_up(settings.log_level, settings.log_format)
    allow_connections()
    with tracing_as_asked("bestguess-api") as tracing:
        serving = server(settings, resources, tracing)
        serving.run()
    if serving.broken:
        sys.exit(1)


def allow_connections() -> None:
    """Use as many descriptors as the system allows: with the usual 1,024 one client's idle connections take all."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS gives fewer than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def server(settings: Settings, resources: Resources | None = None, tracing: Tracing | None = None) -> Server:
    """Make the server: uvloop and httptools, a bounded wait at shutdown, no word of its own in headers and log."""
    app = create_app(settings, resources, tracing)

    def refused(status: HTTPStatus) -> None:
        app.state.metrics.count_refused_connection(status)

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=http_limits(settings.receive_seconds, refused, (DATASETS, settings.dataset_seconds)),
        ws="none",  # nobody is spoken to in that way, and what reads it knows none of the bounds
        log_config=None,
        access_log=False,  # `app.middleware.access_log` writes the line
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        proxy_headers=False,  # app.middleware trusts BESTGUESS_TRUSTED_PROXIES; uvicorn, all of this machine
        timeout_graceful_shutdown=GRACE,
    )
    return Server(config, settings.drain_seconds)


if __name__ == "__main__":
    main()
