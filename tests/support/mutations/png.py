"""Mutations of PNG chunks with corrected checksums, so that the code behind them is reached."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from support.mutations.anywhere import ANYWHERE, NUMBERS

if TYPE_CHECKING:
    from random import Random

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Chunk = tuple[bytes, bytes]
JUNK = (
    b"tEXt",
    b"zTXt",
    b"iTXt",
    b"iCCP",
    b"eXIf",
    b"tRNS",
    b"PLTE",
    b"gAMA",
    b"cHRM",
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"pHYs",
)


def mutated(data: bytes, random: Random) -> bytes:
    """Change a chunk or their order."""
    chunks = _chunks(data)
    if not chunks:
        return random.choice(ANYWHERE)(data, random)
    random.choice((_header, _header, _inside, _inside, _pixels, _order, _junk, _length))(chunks, random)
    return SIGNATURE + b"".join(_written(chunk) for chunk in chunks)


def _chunks(data: bytes) -> list[Chunk]:
    found, at = [], len(SIGNATURE)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def _written(chunk: Chunk) -> bytes:
    kind, body = chunk
    if kind == b"lie!":  # written as it is, with whatever length it says
        return body
    return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))


def _header(chunks: list[Chunk], random: Random) -> None:
    kind, body = chunks[0]
    found = bytearray(body.ljust(13, b"\0"))
    field = random.randrange(7)
    if field < 2:
        size = random.choice((*NUMBERS, random.randrange(1, 100), random.randrange(1, 20_000)))
        found[4 * field : 4 * field + 4] = (size % 2**32).to_bytes(4, "big")
    else:
        found[6 + field] = random.choice((0, 1, 2, 3, 4, 6, 8, 16, random.randrange(256)))
    chunks[0] = kind, bytes(found)


def _inside(chunks: list[Chunk], random: Random) -> None:
    at = random.randrange(len(chunks))
    kind, body = chunks[at]
    chunks[at] = kind, random.choice(ANYWHERE)(body or b"\0", random)


def _pixels(chunks: list[Chunk], random: Random) -> None:
    """Change what is compressed, and compress it again."""
    at = next((at for at, (kind, _) in enumerate(chunks) if kind == b"IDAT"), 0)
    kind, body = chunks[at]
    try:
        raw = zlib.decompress(body)
    except zlib.error:
        return
    chunks[at] = kind, zlib.compress(random.choice(ANYWHERE)(raw or b"\0", random))


def _order(chunks: list[Chunk], random: Random) -> None:
    one, other = random.randrange(len(chunks)), random.randrange(len(chunks))
    match random.randrange(3):
        case 0:
            chunks[one], chunks[other] = chunks[other], chunks[one]
        case 1:
            chunks.insert(one, chunks[other])
        case _:
            del chunks[one]


def _junk(chunks: list[Chunk], random: Random) -> None:
    body = random.choice((b"", random.randbytes(40), b"key\0\0" + zlib.compress(b"\0" * 10**6), b"\xff" * 300))
    chunks.insert(random.randrange(len(chunks) + 1), (random.choice(JUNK), body))


def _length(chunks: list[Chunk], random: Random) -> None:
    at = random.randrange(len(chunks))
    whole = _written(chunks[at])
    chunks[at] = b"lie!", random.choice(NUMBERS).to_bytes(4, "big") + whole[4:]
