"""Who did not answer is not asked again until a question asked aside, which nobody waits for, is answered."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from itertools import chain, repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

PATIENCE = 1.0  # seconds for an answer to the question aside


class Breaker:
    """Whether `what` may be asked; `probe` asks it, and raises or is silent where it does not answer."""

    def __init__(self, what: str, probe: Callable[[], Awaitable[object]]) -> None:
        self._what, self._probe = what, probe
        self._recovery: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Whether it had better not be asked."""
        return self._recovery is not None and not self._recovery.done()

    def trip(self, error: Exception) -> None:
        """Ask no more for a while."""
        if not self.open:
            log.warning("%s (%s)", self._what, str(error) or type(error).__name__)
            self._recovery = asyncio.create_task(self._recover(), name="breaker")

    async def aclose(self) -> None:
        """Stop asking aside."""
        if self._recovery is not None:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery

    async def _recover(self) -> None:
        for pause in chain((0.25, 0.5, 1.0, 2.0), repeat(5.0)):
            await asyncio.sleep(pause)
            with suppress(Exception):
                async with asyncio.timeout(PATIENCE):
                    await self._probe()
                log.info("that is over")
                return
