"""What `bestguess up` says to the person at the terminal."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from jobs.telemetry.logs import handler_of, is_json

if TYPE_CHECKING:
    from jobs.telemetry.logs import Form


log = logging.getLogger("bestguess.up")


def speak(form: Form) -> None:
    """Say things from now on as the log does, where that is JSON; as long as people read them they are plain."""
    if is_json(form, sys.stderr):
        log.handlers, log.propagate = [handler_of(form, sys.stderr)], False
        log.setLevel(logging.INFO)


def say(line: str) -> None:
    """Write one line to standard error, with our name before it; a terminal that is gone is no error."""
    if log.handlers:
        log.info(line)
        return
    with suppress(OSError):
        sys.stderr.write(f"bestguess: {line}\n")
        sys.stderr.flush()


def show_address(url: str) -> None:
    """Write to standard output where everything is; `url` is the page's, with its slash at the end."""
    lines = [
        "",
        "Best Guess is up; Ctrl-C stops it.",
        f"  page  {url}",
        f"  docs  {url}docs",
        f"  API   POST {url}classify",
        f"        curl -F file=@photo.jpg {url}classify",
        "",
    ]
    with suppress(OSError):
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
