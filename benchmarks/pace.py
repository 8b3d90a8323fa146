"""An open load's clock: requests come at their own rate, whether the service keeps up or not."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Pace:
    """Gives every request its turn, `rate` a second; turns that nobody was free to take are not made up for."""

    rate: float
    clock: Callable[[], float] = time.perf_counter
    _next: float = field(default=0.0, init=False)

    def wait(self) -> float:
        """Take the next turn, and return the seconds until it comes."""
        now = self.clock()
        turn = max(self._next, now)
        self._next = turn + 1 / self.rate
        return turn - now
