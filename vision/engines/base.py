"""Which batch sizes pay on this device: told by what each gave while it was warmed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZES = (1, 2, 4, 8, 16, 32)
GAIN = 1.05  # of images a second; less than that is not worth the longer wait for a batch, or for its compilation
LONGEST = 1.0  # seconds that a batch may take: a request that comes while it runs waits for all of it
TURNS, ENOUGH = 3, 0.3  # a size is timed so many times, or for so many seconds if that is less


def too_long(size: int, rates: Mapping[int, float]) -> bool:
    """Whether a batch of this size would take longer than any may, by the images a second of smaller ones."""
    return bool(rates) and size / max(rates.values()) > LONGEST


def worthwhile(rates: Mapping[int, float]) -> tuple[int, ...]:
    """Return the sizes up to the smallest that is as good as the best, to within `GAIN`.

    Larger ones would make everybody wait longer, and take memory, for nothing. `rates` are images a second.
    """
    best = max(rates.values())
    largest = min(size for size, rate in rates.items() if rate * GAIN >= best)
    return tuple(sorted(size for size in rates if size <= largest))
