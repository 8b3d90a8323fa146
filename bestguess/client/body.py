"""A file as the body of a request: read a piece at a time, and from its beginning each time that it is sent."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, BinaryIO

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PIECE = 256 * 1024  # bytes


class FileBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """An open file; whoever opened it closes it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        file.seek(0)

    def of(self, request: httpx.Request) -> httpx.Request:
        """Make the same request with this body: httpx itself reads a body once, or has it all in memory."""
        headers = httpx.Headers(request.headers)
        headers["Content-Length"] = str(self.size)
        return httpx.Request(request.method, request.url, headers=headers, stream=self, extensions=request.extensions)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._file.seek(0)
        while piece := await asyncio.to_thread(self._file.read, PIECE):
            yield piece
