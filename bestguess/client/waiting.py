"""How often one looks at a job that one waits for."""

from __future__ import annotations

import time

from bestguess.client.errors import StillRunning

FIRST, LONGEST = 0.1, 2.0  # seconds between two looks
SLOWER = 1.5


class Patience:
    """Looks soon at first, then less often, and not beyond `timeout` seconds."""

    def __init__(self, job_id: str, timeout: float | None) -> None:
        self._job_id, self._timeout = job_id, timeout
        self._end = None if timeout is None else time.monotonic() + timeout
        self._next = FIRST

    def pause(self) -> float:
        """Say how many seconds to wait before the next look.

        Raises:
            StillRunning: the time is over.
        """
        pause, self._next = self._next, min(LONGEST, self._next * SLOWER)
        if self._end is None:
            return pause
        left = self._end - time.monotonic()
        if left <= 0:
            raise StillRunning(f"{self._job_id} has not ended within {self._timeout:g} s")
        return min(pause, left)
