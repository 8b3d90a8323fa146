"""What killed processes have left of intakes on this machine; a worker sees to its own machine, and to the store."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from jobs.artifacts import ArtifactsUnavailable

if TYPE_CHECKING:
    from app.datasets.shelf import Shelf

log = logging.getLogger(__name__)

SWEEP_SECONDS = 3600.0


async def sweep_hourly(shelf: Shelf) -> None:
    """Remove it, now and every hour, without an end; what cannot be removed is told of in the log."""
    while True:
        try:
            for name in await shelf.threads.run(shelf.artifacts.sweep_here):
                log.info("%s was left half written, and is removed", name)
        except ArtifactsUnavailable as error:
            log.warning("%s", error)
        await asyncio.sleep(SWEEP_SECONDS)
