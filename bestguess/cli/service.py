"""`bestguess up`, `bestguess api` and `bestguess worker`: run the service in the foreground."""

from __future__ import annotations

import os

import typer

from bestguess.cli.options import examples
from bestguess.cli.output import note
from bestguess.cli.requires import require_tensorflow

UP_EPILOG = examples("bestguess up", "BESTGUESS_PORT=8080 bestguess up")
API_EPILOG = examples("BESTGUESS_REDIS_URL=redis://redis.example:6379/0 bestguess api")
WORKER_EPILOG = examples("BESTGUESS_REDIS_URL=redis://redis.example:6379/0 bestguess worker")


def up() -> None:
    """Run the whole service in the foreground: the API, a worker, and Redis unless one is given. Ctrl-C stops it.

    Settings are environment variables.
    """
    require_tensorflow("up")
    from bestguess.supervisor.preflight import PreflightError, checked_settings
    from bestguess.supervisor.supervisor import run_up

    try:
        code = run_up(checked_settings())
    except PreflightError as error:
        note(str(error))
        raise typer.Exit(error.exit_code) from None
    raise typer.Exit(code)


def api() -> None:
    """Run only the API in the foreground, as containers do; jobs need the Redis at BESTGUESS_REDIS_URL."""
    require_tensorflow("api")
    from app.serve import main as serve

    serve()


def worker() -> None:
    """Run a worker in the foreground, which trains the jobs queued at BESTGUESS_REDIS_URL. There may be several."""
    require_tensorflow("worker")
    from jobs.queue import WORKER_COMMAND

    os.execv(WORKER_COMMAND[0], WORKER_COMMAND)  # noqa: S606 - a fixed command
