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

# Longer than the 60 s for which proxies such as ingress-nginx keep connections: the proxy must close first, else it
# sends a request into a connection that is just being closed, and a POST is not sent again.
KEEP_ALIVE = 75
GRACE = 3  # seconds that running requests get at shutdown, within the five that `bestguess up` promises
TICKS = 10  # of uvicorn in a second


class Server(uvicorn.Server):
    """Uvicorn with a graceful shutdown of the application before its own, which would wait for event streams."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds
        self.broken = False

    async def on_tick(self, counter: int) -> bool:
        """Stop, as after a signal, when a network has stopped answering; looks once a second."""
        state = self.config.app.state  # type: ignore[union-attr]
        classifier: Classifier | None = getattr(state, "classifier", None)
        if counter % TICKS == 0 and not self.broken and classifier and (reason := classifier.broken):
            self.broken = True
            log.critical("%s. The process ends, to be started again", reason)
            state.draining.announce()
            asyncio.get_running_loop().call_later(self._drain_seconds, self._end)
        return await super().on_tick(counter)

    def _end(self) -> None:
        self.config.app.state.draining.begin()  # type: ignore[union-attr]
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the shutdown at SIGINT or SIGTERM; called in the event loop's thread. A second signal hastens it."""
        draining: Draining | None = getattr(self.config.app.state, "draining", None)  # type: ignore[union-attr]
        if draining is None:
            super().handle_exit(sig, frame)
            return
        wait = 0.0 if draining.announced else self._drain_seconds
        loop = asyncio.get_running_loop()

        def end() -> None:
            if wait and draining.begun:
                return  # the second signal came first
            draining.begin()
            super(Server, self).handle_exit(sig, frame)

        def announce() -> None:
            draining.announce()
            loop.call_later(wait, end)

        loop.call_soon_threadsafe(announce)


def main(resources: Resources | None = None) -> None:
    """Serve until a signal; exit with code 1 if a network stops answering. For `resources` see `create_app`."""
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
    """Raise the limit on open files as far as allowed: one client's idle connections could use up the usual 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS gives fewer than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def server(settings: Settings, resources: Resources | None = None, tracing: Tracing | None = None) -> Server:
    """Make the server: uvloop and httptools, a bounded wait at shutdown, no header and no access log of uvicorn's."""
    app = create_app(settings, resources, tracing)

    def refused(status: HTTPStatus) -> None:
        app.state.metrics.count_refused_connection(status)

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=http_limits(settings.receive_seconds, refused, (DATASETS, settings.dataset_seconds)),
        ws="none",  # there are no WebSockets, and their parser would know none of the limits
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
