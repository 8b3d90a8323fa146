"""The API process: `python -m app.serve`, as `bestguess up` starts it."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

import uvicorn

from app.main import Resources, create_app
from app.protocol import bounded
from app.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from types import FrameType

    from app.draining import Draining

GRACE = 3  # seconds that running requests get at shutdown, within the five that `bestguess up` promises
FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class Server(uvicorn.Server):
    """Uvicorn, which at the signal tells the application first: it would wait for event streams otherwise."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hear SIGINT or SIGTERM, in the main thread, which runs the event loop."""
        draining: Draining | None = getattr(self.config.app.state, "draining", None)  # type: ignore[union-attr]
        if draining:
            asyncio.get_running_loop().call_soon_threadsafe(draining.begin)
        super().handle_exit(sig, frame)


def main() -> None:
    """Serve until a signal says stop."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    logging.basicConfig(level=settings.log_level.upper(), format=FORMAT)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request of a download says nothing
    server(settings).run()


def server(settings: Settings, resources: Resources | None = None) -> uvicorn.Server:
    """Make the server: uvloop and httptools, a bounded wait at shutdown, no word of its own in the headers."""
    config = uvicorn.Config(
        create_app(settings, resources),
        host=settings.host,
        port=settings.port,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=bounded(settings.receive_seconds),
        log_config=None,
        access_log=settings.log_level == "debug",
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    return Server(config)


if __name__ == "__main__":
    main()
