"""Decoder of server-sent events (HTML standard, 9.2.6).

A line ends only at CR, LF or CRLF. httpx's `iter_lines`, and packages built on it, also split at U+2028 and similar
characters, which are valid inside a JSON string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Message:
    """One event: its data, and the last id that the stream has named."""

    data: str
    id: str


class Decoder:
    """Decodes one stream from chunks of any size. An event without its final blank line is dropped."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._id = ""

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Add a chunk, and yield the messages that it completes."""
        text = self._rest + chunk
        held = text[-1:] == b"\r"  # its LF may come with the next chunk
        *lines, rest = LINE_END.split(text[:-1] if held else text)
        self._rest = rest + (b"\r" if held else b"")
        for line in lines:
            yield from self._feed_line(line.decode("utf-8", "replace"))

    def _feed_line(self, line: str) -> Iterator[Message]:
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
