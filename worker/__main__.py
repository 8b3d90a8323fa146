"""The worker's process: `python -m worker`, as `bestguess worker` and `bestguess up` start it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from celery.__main__ import main

ARGUMENTS = ("-q", "-A", "worker.main", "worker", "--without-gossip", "--without-mingle")

if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("python -m worker takes no arguments; its settings are environment variables.")
    # Celery imports an application from the current folder first, unless the path has that folder already. It may have
    # a `worker` or `jobs` of its own, so it goes to the end of the path, which training processes inherit.
    with suppress(FileNotFoundError):  # somebody has removed it
        sys.path.append(os.getcwd())  # noqa: PTH109 - as Celery spells it
    sys.argv[1:] = ARGUMENTS
    main()
