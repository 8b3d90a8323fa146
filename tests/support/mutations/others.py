"""Mutations of WebP chunks, GIF blocks and BMP headers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from support.mutations.anywhere import ANYWHERE, EDGES, NUMBERS

if TYPE_CHECKING:
    from random import Random

BMP_FIELDS = {2: 4, 10: 4, 14: 4, 18: 4, 22: 4, 26: 2, 28: 2, 30: 4, 34: 4, 46: 4, 50: 4}  # offset: bytes
DEPTHS = (0, 1, 2, 4, 8, 16, 24, 32, 64)


def webp(data: bytes, random: Random) -> bytes:
    """Change a chunk, their order, flags or canvas; the sizes are right again, most of the time."""
    chunks, at = [], 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        chunks.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    if not chunks:
        return random.choice(ANYWHERE)(data, random)
    one, other = random.randrange(len(chunks)), random.randrange(len(chunks))
    kind, body = chunks[one]
    match random.randrange(5):
        case 0:
            chunks[one] = kind, random.choice(ANYWHERE)(body or b"\0", random)
        case 1:
            chunks.insert(one, chunks[other])
        case 2:
            chunks[one], chunks[other] = chunks[other], chunks[one]
        case 3:
            canvas = bytes((random.randrange(256), 0, 0, 0)) + random.choice(
                (random.randbytes(6), b"\xff" * 6, bytes(6))
            )
            chunks.insert(0, (b"VP8X", canvas))
        case _:
            found = bytearray(body.ljust(10, b"\0"))
            found[random.randrange(10)] = random.choice((*EDGES, random.randrange(256)))
            chunks[one] = kind, bytes(found)
    rest = b"".join(kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) for kind, body in chunks)
    size = len(rest) + 4 if random.random() < 0.9 else random.choice(NUMBERS)
    return b"RIFF" + struct.pack("<I", size) + b"WEBP" + rest


def gif(data: bytes, random: Random) -> bytes:
    """Change the screen, a frame's place, the size of its codes, or put blocks between."""
    found = bytearray(data)
    frame = data.find(b",", 13)
    match random.randrange(4):
        case 0:
            found[random.choice((6, 8))] = random.choice(EDGES)
            found[10] = random.randrange(256)
        case 1 if frame > 0:
            at = frame + random.randrange(1, 11)
            found[at : at + 1] = bytes((random.choice((*EDGES, random.randrange(256))),))
        case 2 if frame > 0:
            found[frame:frame] = random.choice(
                (b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", b"!\xf9\x04\xff\xff\xff\xff\0", b"!\xfe\xff")
            )
        case _:
            return random.choice(ANYWHERE)(data, random)
    return bytes(found)


def bmp(data: bytes, random: Random) -> bytes:
    """Change fields of the header."""
    found = bytearray(data.ljust(60, b"\0"))
    for _ in range(random.choice((1, 1, 2))):
        at, width = random.choice(list(BMP_FIELDS.items()))
        number = random.choice((*NUMBERS, *DEPTHS, *range(8), random.randrange(1, 5000), 2**32 - 23))
        found[at : at + width] = (number % (1 << 8 * width)).to_bytes(width, "little")
    return bytes(found)
