"""Mutations of JPEG segments: sizes, tables, scans and metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.mutations.anywhere import ANYWHERE, NUMBERS

if TYPE_CHECKING:
    from random import Random

SOS = 0xDA
FRAMES = {0xC0, 0xC1, 0xC2}
Segment = tuple[int, bytes]  # its marker, and what follows, without its length; a scan has its data with it
EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"
JUNK = (
    (0xE1, EXIF + b"\0\x06\0\0\0\0\0\0"),
    (0xE1, EXIF + b"\xff\xff\xff\xff\xff\xff"),
    (0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
    (0xE2, b"ICC_PROFILE\0\x01\x02" + bytes(50)),
    (0xE2, b"MPF\0MM\0*\0\0\0\x08" + b"\xff" * 40),
    (0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\xff\xff\xff\xff"),
    (0xEE, b"Adobe\0\x64\0\0\0\0\x02"),
    (0xEE, b"Adobe\0\x64\0\0\0\0\x00"),
    (0xDD, b"\0\x01"),
    (0xDD, b"\xff\xff"),
    (0xFE, b"a comment"),
    (0xC8, b""),
    (0x01, b""),
)


def mutated(data: bytes, random: Random) -> bytes:
    """Change a segment, or their order."""
    segments = _segments(data)
    if not segments:
        return random.choice(ANYWHERE)(data, random)
    random.choice((_frame, _frame, _inside, _inside, _order, _scans, _junk, _restarts))(segments, random)
    return b"\xff\xd8" + b"".join(_written(segment) for segment in segments) + b"\xff\xd9"


def _segments(data: bytes) -> list[Segment]:
    found: list[Segment] = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + size
        if marker == SOS:
            while end < len(data) - 1 and not (data[end] == 0xFF and data[end + 1] not in {0, *range(0xD0, 0xD8)}):
                end += 1
        found.append((marker, data[at + 4 : end]))
        at = end
    return found


def _written(segment: Segment) -> bytes:
    marker, body = segment
    size = 2 + (1 + 2 * body[0] + 3 if marker == SOS and body else len(body))
    return bytes((0xFF, marker)) + (size % 65_536).to_bytes(2, "big") + body


def _frame(segments: list[Segment], random: Random) -> None:
    """Change size, precision, components or their sampling."""
    at = next((at for at, (marker, _) in enumerate(segments) if marker in FRAMES), 0)
    marker, body = segments[at]
    found = bytearray(body.ljust(9, b"\0"))
    if random.random() < 0.5:
        side = random.choice((0, 1, 8, 65_500, 65_535, random.randrange(1, 9_000)))
        field = random.choice((1, 3))
        found[field : field + 2] = side.to_bytes(2, "big")
    else:
        found[random.randrange(len(found))] = random.choice((0, 1, 2, 3, 4, 8, 12, 0x11, 0x22, 0x44, 0xFF))
    segments[at] = random.choice((marker, *FRAMES, 0xC3, 0xC9)), bytes(found)


def _inside(segments: list[Segment], random: Random) -> None:
    at = random.randrange(len(segments))
    marker, body = segments[at]
    segments[at] = marker, random.choice(ANYWHERE)(body or b"\0", random)


def _order(segments: list[Segment], random: Random) -> None:
    one, other = random.randrange(len(segments)), random.randrange(len(segments))
    match random.randrange(3):
        case 0:
            segments[one], segments[other] = segments[other], segments[one]
        case 1:
            segments.insert(one, segments[other])
        case _:
            del segments[one]


def _scans(segments: list[Segment], random: Random) -> None:
    """Have a scan again and again, below and above the limit."""
    scans = [segment for segment in segments if segment[0] == SOS]
    if scans:
        segments += [random.choice(scans)] * random.choice((1, 5, 98, 150))


def _junk(segments: list[Segment], random: Random) -> None:
    segments.insert(random.randrange(len(segments) + 1), random.choice(JUNK))


def _restarts(segments: list[Segment], random: Random) -> None:
    """Put markers and fill bytes into the data of a scan."""
    at = next((at for at, (marker, _) in enumerate(segments) if marker == SOS), 0)
    marker, body = segments[at]
    where = random.randrange(len(body) + 1)
    put = random.choice(
        (b"\xff\xd0", b"\xff\xd7", b"\xff" * 9, b"\xff\x02", b"\xff\xd8", random.choice(NUMBERS).to_bytes(4, "big"))
    )
    segments[at] = marker, body[:where] + put + body[where:]
