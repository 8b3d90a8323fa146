"""`bestguess up`, `bestguess api` and `bestguess worker`: the service itself, in the foreground."""

from __future__ import annotations

import os

import typer

from bestguess.cli.options import examples
from bestguess.cli.output import say

UP_EPILOG = examples("bestguess up", "BESTGUESS_PORT=8080 bestguess up")
API_EPILOG = examples("BESTGUESS_REDIS_URL=redis://redis.example:6379/0 bestguess api")
WORKER_EPILOG = examples("BESTGUESS_REDIS_URL=redis://redis.example:6379/0 bestguess worker")


def up() -> None:
    """Run the whole service in the foreground: Redis where none is given, and the API. Ctrl-C ends all of it.

    Settings are environment variables.
    """
    from app.up.preflight import PreflightError, checked_settings
    from app.up.supervisor import run_up

    try:
        code = run_up(checked_settings())
    except PreflightError as error:
        say(str(error))
        raise typer.Exit(error.exit_code) from None
    raise typer.Exit(code)


def api() -> None:
    """Run the API alone in the foreground, as containers do; jobs need the Redis at BESTGUESS_REDIS_URL."""
    from app.serve import main as serve

    serve()


def worker() -> None:
    """Run a worker in the foreground, which trains what is queued at BESTGUESS_REDIS_URL. As many as you like."""
    from jobs.queue import WORKER_COMMAND

    os.execv(WORKER_COMMAND[0], WORKER_COMMAND)  # noqa: S606 - our own words
