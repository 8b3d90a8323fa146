"""The client as commands use it: patient for half a minute, and telling a person at a terminal what it waits for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bestguess.cli.output import say
from bestguess.client import Client, Retries

if TYPE_CHECKING:
    from bestguess.client import BestGuessError

USUAL = 30.0  # seconds
WORTH_TELLING = 1.0  # seconds


def connected(url: str | None, patience: float = USUAL) -> Client:
    """Make a client of the service at a URL, or of the environment's, that waits for so many seconds."""
    return Client(url, retries=Retries(seconds=patience), on_wait=_tell if sys.stderr.isatty() else None)


def _tell(error: BestGuessError, seconds: float) -> None:
    if seconds >= WORTH_TELLING:
        say(f"{error} Trying again in {seconds:.0f} s.")
