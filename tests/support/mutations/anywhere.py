"""Mutations of any file: bytes lost, changed, duplicated, or spliced in from another file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

EDGES = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)
NUMBERS = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def truncated(data: bytes, random: Random) -> bytes:
    """Lose the end."""
    return data[: random.randrange(len(data))]


def flipped(data: bytes, random: Random) -> bytes:
    """Turn some bits."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        found[random.randrange(len(found))] ^= 1 << random.randrange(8)
    return bytes(found)


def overwritten(data: bytes, random: Random) -> bytes:
    """Put a number of the kind that breaks arithmetic somewhere, most often near the beginning."""
    found, width = bytearray(data), random.choice((1, 2, 4))
    at = random.randrange(min(len(found), random.choice((64, len(found)))))
    number = random.choice(EDGES) if width == 1 else random.choice(NUMBERS) % (1 << 8 * width)
    found[at : at + width] = number.to_bytes(width, random.choice(("big", "little")))
    return bytes(found)


def cut(data: bytes, random: Random) -> bytes:
    """Lose a piece."""
    at = random.randrange(len(data))
    return data[:at] + data[at + random.choice((1, 2, 16, 256)) :]


def doubled(data: bytes, random: Random) -> bytes:
    """Have a piece many times."""
    at, size = random.randrange(len(data)), random.choice((1, 4, 64, 512))
    return data[:at] + data[at : at + size] * random.choice((2, 3, 50)) + data[at:]


def spliced(data: bytes, random: Random, other: bytes) -> bytes:
    """Go on with another file."""
    return data[: random.randrange(len(data))] + other[random.randrange(len(other)) :]


ANYWHERE = (truncated, flipped, flipped, overwritten, overwritten, cut, doubled)
