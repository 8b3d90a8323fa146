"""The API process: `python -m app.serve`, as `bestguess up` starts it."""

from __future__ import annotations

import logging
import sys

import uvicorn

from app.main import Resources, create_app
from app.settings import Settings, SettingsError, load_settings

GRACE = 3  # seconds that running requests get at shutdown, within the five that `bestguess up` promises
FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


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
        http="httptools",
        log_config=None,
        access_log=settings.log_level == "debug",
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    return uvicorn.Server(config)


if __name__ == "__main__":
    main()
