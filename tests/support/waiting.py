"""Waiting for a condition, not for a fixed time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")

COSTLY = 0.2  # seconds between two looks each of which takes the processor from what is waited for


def wait_until(condition: Callable[[], Answer], seconds: float, pause: float = 0.02) -> Answer:
    """Ask until the answer is true, with a pause after each time, and return it.

    It is asked once more after the time, which says nothing where this process itself stood still.

    Raises:
        AssertionError: it was not, for so many seconds.
    """
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= end
        if answer := condition():
            return answer
        assert not late, f"not within {seconds:g} s: {condition}"
        time.sleep(pause)
