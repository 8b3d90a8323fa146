"""Bringing one network's weights into memory, beside the event loop; whatever goes wrong, its report says so."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.inference.served import Served
    from vision.weights import FoundWeights

log = logging.getLogger(__name__)


async def load(served: Served, find: Callable[[], FoundWeights], *, at_start: bool = True) -> None:
    """Load a network from the weights that `find` names; called in a thread, as it may have to read them.

    What is in memory `at_start` stays there; later there are networks that will have to make way. What is ready is left
    alone, as the bring-up is run again after an error.
    """
    if served.ready:
        return
    try:
        await asyncio.to_thread(lambda: served.load(find()))
    except Exception as error:  # its report says so, and the other networks go on
        served.fail_to_load(error)
        log.exception("%s could not be loaded", served.network.title)
    else:
        log.info("%s", served.report.detail)
        if at_start:
            await asyncio.to_thread(_settle)


def _settle() -> None:
    """Take what was loaded out of the garbage collector's rounds; once for each network that is loaded at the start.

    TensorFlow's half a million objects stay for good; going through all of them stops every request for 0.1 s or more.
    """
    gc.collect()
    gc.freeze()
