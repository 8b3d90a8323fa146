"""The scans of a JPEG, counted without decoding it.

A progressive JPEG of 110 KB with 306 scans costs seconds of processor time, one of 10 MB an hour: each scan goes over
every coefficient again, and no limit on pixels helps.
"""

from __future__ import annotations

import re

START = b"\xff\xd8"
END_OF_IMAGE = 0xD9
START_OF_SCAN = 0xDA
# A marker is FF and a byte that is neither 00 (a stuffed FF of the data) nor FF (fill): ITU-T T.81, B.1.1.
# Of several FF the last one counts; a pattern that starts with one certain byte is looked for twenty times as fast.
MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
# These stand alone, all others are followed by their length: T.81, table B.1 (TEM, RST0 to RST7, SOI). The reserved
# ones, 02 to BF, are skipped by libjpeg without a length when it looks for a restart, so they must not hide anything.
ALONE = frozenset({*range(0x01, 0xC0), *range(0xD0, 0xD9)})


def count_scans(data: bytes, enough: int) -> int:
    """Count start-of-scan markers up to the end of the first image, stopping at `enough`; 0 for what is no JPEG.

    Segments are stepped over by their length, so that a picture inside the metadata, or a video behind the end, does
    not count; so does libjpeg find them.
    """
    if not data.startswith(START):
        return 0
    scans, at = 0, len(START)
    while scans < enough and (found := MARKER.search(data, at)):
        marker, at = found[1][0], found.end()
        if marker == END_OF_IMAGE:
            break
        scans += marker == START_OF_SCAN
        if marker not in ALONE:
            at += int.from_bytes(data[at : at + 2], "big")
    return scans
