"""Pretrained networks that are loaded when they are first asked: where their weights are here, and memory allows."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from app.errors import NotEnoughMemory, NotReady
from app.inference.loading import load
from app.inference.served import Report
from vision import memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.inference.obtaining import Obtaining
    from app.inference.served import Served
    from vision.networks import Network

log = logging.getLogger(__name__)

RETRY_WEIGHTS = 30  # seconds; a person has to put them there
TRY_AGAIN = 30.0  # seconds after which what could not be loaded is tried again
# Measured with VGG-19 in float32 on two cores: while it is loaded and warmed up it takes 2.15 GB at most, 0.58 of which
# are its weights; the device keeps copies of them in an order of its own.
COPIES, BESIDE = 3, 500_000_000
GIGABYTE = 1e9


def needed(network: Network) -> int:
    """Say how many bytes are taken while a network is loaded, in float32."""
    return COPIES * 4 * network.parameters + BESIDE


class OnDemand:
    """Loads networks on the event loop that asks, one task each; `available` says how much memory there is."""

    def __init__(
        self, obtaining: Mapping[str, Obtaining], available: Callable[[], int | None] = memory.available
    ) -> None:
        self._obtaining, self.available = obtaining, available
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Semaphore(1)
        self._failed: dict[str, tuple[float, object]] = {}  # when, and with which files
        self._closed = False

    def ask(self, served: Served) -> None:
        """Begin to load a network, unless that has begun; its report says how far it is.

        Raises:
            NotReady: its weights are not here; it is tried again with each question.
            NotEnoughMemory: there is no room for it; likewise.
        """
        network = served.network
        if self._closed or network.id in self._tasks or self._just_failed(network.id):
            return
        obtaining = self._obtaining[network.id]
        if not obtaining.in_memory and not any(obtaining.stamps()):
            self._refuse_without_weights(served, obtaining)
        self._check_memory(served)
        served.report = Report("loading", f"{network.title} was asked for, and is being loaded.")
        log.info("%s", served.report.detail)
        task = self._tasks[network.id] = asyncio.create_task(self._load(served, obtaining))
        task.add_done_callback(lambda _: self._tasks.pop(network.id))

    def close(self) -> None:
        """Begin nothing more, and give up what waits for its turn; what is being loaded cannot be stopped."""
        self._closed = True
        for task in self._tasks.values():
            task.cancel()

    async def _load(self, served: Served, obtaining: Obtaining) -> None:
        stamps = obtaining.stamps()
        async with self._one_at_a_time:
            if found := await obtaining.find():
                await load(served, lambda: found, at_start=False)
        if not served.ready:
            self._failed[served.network.id] = time.monotonic(), stamps

    def _just_failed(self, network_id: str) -> bool:
        """Whether it was of no use a moment ago, and the files are the same."""
        when, stamps = self._failed.get(network_id, (float("-inf"), None))
        return time.monotonic() - when < TRY_AGAIN and self._obtaining[network_id].stamps() == stamps

    @staticmethod
    def _refuse_without_weights(served: Served, obtaining: Obtaining) -> None:
        title = served.network.title
        served.fail(f"{title} is loaded when it is asked for.", "Its weights are not here.", obtaining.advice())
        report = served.report
        raise NotReady(f"{report.detail} {report.trouble} {report.action}", retry_after=RETRY_WEIGHTS)

    def _check_memory(self, served: Served) -> None:
        network, there = served.network, self.available()
        if there is None or there >= needed(network):
            return
        wanted, has = needed(network) / GIGABYTE, there / GIGABYTE
        trouble = f"It needs {wanted:.1f} GB of memory while it is loaded, and {has:.1f} GB are free."
        action = "Give the service more, or end something; it is tried again when it is next asked."
        served.fail(f"There is no room for {network.title}.", trouble, action)
        log.warning("%s", f"{served.report.detail} {trouble}")
        raise NotEnoughMemory(f"{served.report.detail} {trouble} {action}")
