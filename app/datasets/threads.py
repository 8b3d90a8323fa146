"""Threads for what waits for a disk or a bucket, and never for those of the event loop's own pool."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractContextManager

Result = TypeVar("Result")
MOST = 8


class Threads:
    """Runs calls that block, each in a thread."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(MOST, thread_name_prefix="datasets")

    async def run(self, call: Callable[..., Result], *arguments: object) -> Result:
        """Make a call; who is cancelled meanwhile leaves it to end by itself."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(call, *arguments))

    @asynccontextmanager
    async def within(self, made: AbstractContextManager[Result]) -> AsyncIterator[Result]:
        """Enter and leave a block's resource in threads."""
        entered = await self.run(made.__enter__)
        try:
            yield entered
        finally:
            await asyncio.shield(self.run(made.__exit__, None, None, None))

    def close(self) -> None:
        """Drop what waits; what runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
