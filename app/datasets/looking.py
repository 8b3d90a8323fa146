"""Photographs are decoded as those of `/classify` are, by the same processes, and leave these room for others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from vision.decode.images import View

if TYPE_CHECKING:
    from vision.decode.images import Picture
    from vision.decode.sandbox import Sandbox

AS_NETWORKS_SEE = View(224)  # as they will be decoded to be learned from


class Looker:
    """Has pictures decoded, at most `at_once`: what waits here waits before nobody in the sandbox's own queue."""

    def __init__(self, sandbox: Sandbox, at_once: int) -> None:
        self._sandbox, self.at_once = sandbox, at_once
        self._turn = asyncio.Semaphore(at_once)

    async def look(self, data: bytes, view: View = AS_NETWORKS_SEE) -> Picture:
        """Decode a file.

        Raises:
            ImageProblem: it cannot be, within the limits.
            DecodersUnavailable: no decode process could take it.
        """
        async with self._turn:
            return await asyncio.wrap_future(self._sandbox.decode(data, (view,)))
