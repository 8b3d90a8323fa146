"""Mutations of images: damage of the kinds that each format can take, chosen by a seeded `Random`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.mutations import jpeg, others, png
from support.mutations.anywhere import ANYWHERE, spliced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

LARGEST = 300_000  # bytes of a mutant; more only takes longer
BY_START: tuple[tuple[bytes, Callable[[bytes, Random], bytes]], ...] = (
    (b"\xff\xd8", jpeg.mutated),
    (b"\x89PNG", png.mutated),
    (b"RIFF", others.webp),
    (b"GIF8", others.gif),
    (b"BM", others.bmp),
)


def mutated(data: bytes, random: Random, pool: Sequence[bytes]) -> bytes:
    """Damage a file once or a few times; `pool` are others that it may go on with."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if not data:
            break
        if random.random() < 0.03:
            data = spliced(data, random, random.choice(pool))
        else:
            own = next((change for start, change in BY_START if data.startswith(start)), None)
            data = (own if own and random.random() < 0.7 else random.choice(ANYWHERE))(data, random)
    return data[:LARGEST]
