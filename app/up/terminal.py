"""What `bestguess up` says to the person at the terminal."""

from __future__ import annotations

import sys
from contextlib import suppress


def say(line: str) -> None:
    """Write one line to standard error, with our name before it; a terminal that is gone is no error."""
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
