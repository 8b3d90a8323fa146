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

    Raises:
        AssertionError: it was not, for so many seconds.
    """
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {condition}"
        time.sleep(pause)
    return answer
