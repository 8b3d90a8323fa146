"""Loading of pretrained networks beside the event loop: find or fetch the weights, load, warm up.

`Loader` loads those of the settings at the start, in the order in which they are useful. `OnDemand` loads the others
when they are first asked. Both get a network's weights from its `WeightsSource`, which finds the file, downloads it
with retries, or waits until somebody puts it there. Whatever goes wrong is in the status of the network's slot, and
the other networks go on.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from app.errors import NotEnoughMemory, NotReady
from app.inference.model_slot import LoadStatus
from jobs.background import supervise
from vision import machine
from vision.download import DownloadError, download
from vision.engines.tensorflow import import_tensorflow, memory_to_load
from vision.networks.weights import WeightsError, find, named, places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from app.inference.classifier import Networks
    from app.inference.model_slot import ModelSlot
    from app.settings import Settings
    from vision.networks.weights import FoundWeights, WeightsFile

log = logging.getLogger(__name__)

LOOK_AGAIN = 5.0  # seconds between looks for a file that somebody may put there by hand
RETRY_WEIGHTS = 30  # seconds; a person has to put them there
TRY_AGAIN = 30.0  # seconds after which what could not be loaded is tried again
LOG_EVERY = 10.0  # seconds between log lines about a download
GIGABYTE = 1e9


class Loader:
    """Loads the pretrained networks that are wanted at the start, the most useful first; others on demand."""

    def __init__(self, networks: Networks, settings: Settings) -> None:
        self._networks = networks
        self._turn = asyncio.Lock()  # one download at a time: the first network's is wanted first
        self._sources = {
            slot.network.id: WeightsSource(slot, slot.network.weights, settings)
            for slot in networks.slots.values()
            if slot.network.weights
        }
        self.on_demand = OnDemand(self._sources)
        networks.on_ask = self.on_demand.ask

    async def run(self) -> None:
        """Load what is there, and fetch what is not; return once every network is ready or has failed for good.

        What is ready already is left alone, so that this can be called again after an error.
        """
        listed = [slot for slot in self._networks.listed if slot is not self._networks.stand_in]
        # All take seconds. Where TensorFlow cannot be imported, the networks that want it say so.
        looks = asyncio.gather(*(self._find(slot) for slot in listed))
        found, _ = await asyncio.gather(looks, asyncio.to_thread(import_tensorflow), return_exceptions=True)
        if isinstance(found, BaseException):
            raise found
        weights = {slot: there for slot, there in zip(listed, found, strict=True) if there}
        self._networks.coming.update(weights)
        missing = [slot for slot in listed if slot not in weights]
        await asyncio.gather(self._load_what_is_there(weights), *(self._fetch(slot) for slot in missing))

    def stop(self) -> None:
        """End downloads, whose parts are kept, and what was asked for and is not there yet."""
        for source in self._sources.values():
            source.stop()
        self.on_demand.close()

    async def _load_what_is_there(self, weights: dict[ModelSlot, FoundWeights]) -> None:
        """Load the first network or, where it has to wait, what answers in its place; then the rest."""
        primary = self._networks.primary
        if primary in weights:
            await self._load(primary, weights.pop(primary))
        await self._load_stand_in()
        for slot, found in weights.items():
            await self._load(slot, found)

    async def _load_stand_in(self) -> None:
        stand_in, primary = self._networks.stand_in, self._networks.primary
        if stand_in is None or stand_in.network.carried is None:
            return
        await load_network(stand_in, stand_in.network.carried)
        if stand_in.ready and not primary.ready:
            place = f"{stand_in.network.title} answers in {primary.network.title}'s place."
            log.warning("%s %s", place, self._networks.explain(primary))

    async def _load(self, slot: ModelSlot, found: FoundWeights) -> None:
        await load_network(slot, lambda: found)
        self._networks.coming.discard(slot)

    async def _fetch(self, slot: ModelSlot) -> None:
        """Fetch the official weights, or wait until somebody puts them there, then load them."""
        if (source := self._sources.get(slot.network.id)) and (found := await source.fetch(self._turn)):
            await self._load(slot, found)

    async def _find(self, slot: ModelSlot) -> FoundWeights | None:
        if source := self._sources.get(slot.network.id):
            return await source.find()
        try:
            return await asyncio.to_thread(slot.network.carried) if slot.network.carried else None
        except Exception as error:  # its status says so, and the other networks go on
            slot.fail_to_load(error)
            log.exception("%s could not be loaded", slot.network.title)
            return None


class WeightsSource:
    """Where one network's weights file comes from: found, downloaded, or waited for; the slot's status says how far."""

    def __init__(self, slot: ModelSlot, file: WeightsFile, settings: Settings) -> None:
        self._slot, self._file, self._settings = slot, file, settings
        self._stop = threading.Event()
        self._downloading = False

    def stop(self) -> None:
        """End a download; its part is kept."""
        self._stop.set()

    @property
    def in_memory(self) -> bool:
        """Whether there is no file: the weights are made up."""
        return self._settings.weights == "random"

    async def find(self) -> FoundWeights | None:
        """Find the weights that the settings ask for; None where they are not there, or of no use."""
        try:
            return await asyncio.to_thread(find, self._file, self._settings.weights, self._settings.data_dir)
        except WeightsError as error:
            title = self._slot.network.title
            self._slot.fail(f"{title}'s weights cannot be used.", str(error), self.advice())
            log.error("%s", error)  # noqa: TRY400 - the message is whole without a traceback
            return None
        except Exception as error:  # the status says so, and the other networks go on
            self._slot.fail_to_load(error)
            log.exception("%s's weights cannot be looked for", self._slot.network.title)
            return None

    async def fetch(self, turn: asyncio.Lock) -> FoundWeights | None:
        """Fetch the official file when it is its turn, or wait until somebody puts it there.

        Returns None where no official file is asked for: a path that is wrong stays wrong until a restart.
        """
        if self.in_memory or named(self._file, self._settings.weights):
            return None
        fetching = asyncio.create_task(supervise("download of weights", lambda: self._download_in_turn(turn)))
        try:
            return await self._found_or_fetched(fetching)
        finally:
            self.stop()
            if not self._downloading:  # it waits for its turn; a download ends by itself
                fetching.cancel()
            await asyncio.wait({fetching})

    def stamps(self) -> list[tuple[int, float] | None]:
        """Return what changes with the files in question: the size and the time of each, None where there is none."""
        asked = named(self._file, self._settings.weights)
        paths = (asked,) if asked else places(self._file, self._settings.data_dir)
        return [_stamp(path) for path in paths]

    def advice(self) -> str:
        """Return the exact thing to do to get the weights."""
        own = f"BESTGUESS_WEIGHTS=/path/to/{'it.h5' if self._file.has_path else 'its/folder'}"
        return (
            f"Run `{self._file.command('fetch')}`, or put {self._file.name} into "
            f"{self._settings.data_dir / 'weights'}: it is noticed without a restart. Behind a firewall restart with "
            f"BESTGUESS_MIRROR, or with {own}."
        )

    async def _found_or_fetched(self, fetching: asyncio.Task[None]) -> FoundWeights | None:
        while not self._stop.is_set():
            before = self.stamps()
            while before == self.stamps() and not self._stop.is_set():
                await asyncio.wait({fetching}, timeout=LOOK_AGAIN)
                if fetching.done():  # nothing more to wait for but the disk, which tells nobody
                    await asyncio.sleep(0 if self.stamps() != before else LOOK_AGAIN)
            if any(self.stamps()) and (found := await self.find()):
                return found
        return None

    async def _download_in_turn(self, turn: asyncio.Lock) -> None:
        async with turn:
            if not self._stop.is_set():
                self._downloading = True
                try:
                    await self._download()
                finally:
                    self._downloading = False

    async def _download(self) -> None:
        remote = self._file.at(self._settings.mirror)
        with DownloadProgress(self._slot, self._file, self.advice()) as progress:
            try:
                await asyncio.to_thread(
                    download,
                    remote.url,
                    places(self._file, self._settings.data_dir)[0],
                    remote.size,
                    (remote.algorithm, remote.digest),
                    progress.report,
                    self._stop,
                    progress.retrying,
                )
            except Exception as error:
                detail = f"{self._slot.network.title}'s weights cannot be downloaded."
                self._slot.fail(detail, str(error), self.advice())
                if not isinstance(error, DownloadError):
                    raise  # to be logged with its traceback, and tried again
                log.error("%s", error)  # noqa: TRY400 - the message is whole without a traceback


def _stamp(path: Path) -> tuple[int, float] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime


class OnDemand:
    """Loads networks when they are first asked, where their weights are here and memory allows.

    Each has a task on the event loop that asks; `available` says how many bytes of memory there are.
    """

    def __init__(
        self, sources: Mapping[str, WeightsSource], available: Callable[[], int | None] = machine.available
    ) -> None:
        self._sources, self.available = sources, available
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Semaphore(1)
        self._failed: dict[str, tuple[float, object]] = {}  # when, and with which files
        self._closed = False

    def ask(self, slot: ModelSlot) -> None:
        """Begin to load a network, unless that has begun; its status says how far it is.

        Raises:
            NotReady: its weights are not here; it is tried again with each question.
            NotEnoughMemory: there is no room for it; likewise.
        """
        network = slot.network
        if self._closed or network.id in self._tasks or self._just_failed(network.id):
            return
        source = self._sources[network.id]
        if not source.in_memory and not any(source.stamps()):
            self._refuse_without_weights(slot, source)
        self._check_memory(slot)
        slot.status = LoadStatus("loading", f"{network.title} was asked for, and is being loaded.")
        log.info("%s", slot.status.detail)
        task = self._tasks[network.id] = asyncio.create_task(self._load(slot, source))
        task.add_done_callback(lambda _: self._tasks.pop(network.id))

    def close(self) -> None:
        """Begin nothing more, and give up what waits for its turn; what is being loaded cannot be stopped."""
        self._closed = True
        for task in self._tasks.values():
            task.cancel()

    async def _load(self, slot: ModelSlot, source: WeightsSource) -> None:
        stamps = source.stamps()
        async with self._one_at_a_time:
            if found := await source.find():
                await load_network(slot, lambda: found, at_start=False)
        if not slot.ready:
            self._failed[slot.network.id] = time.monotonic(), stamps

    def _just_failed(self, network_id: str) -> bool:
        """Whether it was of no use a moment ago, and the files are the same."""
        when, stamps = self._failed.get(network_id, (float("-inf"), None))
        return time.monotonic() - when < TRY_AGAIN and self._sources[network_id].stamps() == stamps

    @staticmethod
    def _refuse_without_weights(slot: ModelSlot, source: WeightsSource) -> None:
        title = slot.network.title
        slot.fail(f"{title} is loaded when it is asked for.", "Its weights are not here.", source.advice())
        status = slot.status
        raise NotReady(f"{status.detail} {status.trouble} {status.action}", retry_after=RETRY_WEIGHTS)

    def _check_memory(self, slot: ModelSlot) -> None:
        network, there = slot.network, self.available()
        if there is None or there >= memory_to_load(network):
            return
        wanted, has = memory_to_load(network) / GIGABYTE, there / GIGABYTE
        trouble = f"It needs {wanted:.1f} GB of memory while it is loaded, and {has:.1f} GB are free."
        action = "Give the service more, or end something; it is tried again when it is next asked."
        slot.fail(f"There is no room for {network.title}.", trouble, action)
        log.warning("%s", f"{slot.status.detail} {trouble}")
        raise NotEnoughMemory(f"{slot.status.detail} {trouble} {action}")


async def load_network(slot: ModelSlot, find: Callable[[], FoundWeights], *, at_start: bool = True) -> None:
    """Load a network from the weights that `find` names; called in a thread, as it may have to read them.

    What is in memory `at_start` stays there; later there are networks that will have to make way. What is ready is left
    alone, as the loader is run again after an error.
    """
    if slot.ready:
        return
    try:
        await asyncio.to_thread(lambda: slot.load(find()))
    except Exception as error:  # its status says so, and the other networks go on
        slot.fail_to_load(error)
        log.exception("%s could not be loaded", slot.network.title)
    else:
        log.info("%s", slot.status.detail)
        if at_start:
            await asyncio.to_thread(_settle)


def _settle() -> None:
    """Take what was loaded out of the garbage collector's rounds; once for each network that is loaded at the start.

    TensorFlow's half a million objects stay for good; going through all of them stops every request for 0.1 s or more.
    """
    gc.collect()
    gc.freeze()


def progress_bar() -> Progress:
    """Make a bar for a download in bytes, on standard error; silent where that is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())


class DownloadProgress:
    """Hands one download's progress to all who want to know; called from the thread that downloads."""

    def __init__(self, slot: ModelSlot, file: WeightsFile, advice: str) -> None:
        self._slot = slot
        self._advice = advice
        self._bar = progress_bar()
        self._task = self._bar.add_task(f"{slot.network.title}'s weights", total=file.size)
        self._size = file.size
        self._logged = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        self.report(0, self._size)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def report(self, done: int, total: int) -> None:
        """Tell how many bytes of how many are here."""
        self._slot.downloading(done, total)
        self._bar.update(self._task, completed=done, total=total)
        if time.monotonic() - self._logged >= LOG_EVERY:
            self._logged = time.monotonic()
            log.info("%s", self._slot.status.detail)

    def retrying(self, reason: str, seconds: float) -> None:
        """Tell what went wrong, and in how many seconds it is tried again."""
        first = self._slot.status.trouble is None
        self._slot.held_up(reason, self._advice)
        advice = f" {self._advice}" if first else ""
        log.warning("%s Trying again in %.0f s.%s", reason, seconds, advice)
