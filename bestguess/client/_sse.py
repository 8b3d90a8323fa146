"""Server-sent events taken out of a stream of bytes, as the HTML standard has them (9.2.6).

Our own few lines rather than a package: a line ends only at CR, LF or both, while httpx's `iter_lines`, and what builds
on it, also breaks at U+2028 and the like, which JSON may have in a text; and one decoder serves both clients.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Message:
    """One event: its data, and its id, which is the last one that the stream has named."""

    data: str
    id: str


class Decoder:
    """Reads one stream, however it is cut into pieces; what has no end yet is never given."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._id = ""

    def feed(self, piece: bytes) -> Iterator[Message]:
        """Take a piece, and give the messages that it completes."""
        text = self._rest + piece
        held = text[-1:] == b"\r"  # its LF may come with the next piece
        *lines, rest = LINE.split(text[:-1] if held else text)
        self._rest = rest + (b"\r" if held else b"")
        for line in lines:
            yield from self._take(line.decode("utf-8", "replace"))

    def _take(self, line: str) -> Iterator[Message]:
        if not line:
            if self._data:
                yield Message("\n".join(self._data), self._id)
            self._data = []
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self._id = value
