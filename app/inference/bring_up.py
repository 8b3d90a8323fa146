"""From nothing to answers: find the weights or fetch them, load, warm up; all of it beside the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

from app.inference.progress import DownloadProgress
from vision.download import DownloadError, download
from vision.weights import FoundWeights, WeightsError, find, places

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.inference.engine import Engine
    from app.inference.served import Served
    from app.settings import Settings
    from vision.weights import WeightsFile

log = logging.getLogger(__name__)

LOOK_AGAIN = 5.0  # seconds between looks for a file that somebody may put there by hand


class BringUp:
    """Brings an engine's networks up, in the order in which they are useful first."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._stop = threading.Event()

    async def run(self) -> None:
        """Load what is there, and fetch what is not; returns once every network is ready or has failed for good."""
        primary = self._engine.primary
        found = await self._find(primary)
        if found:
            self._engine.primary_is_coming = True
            await self._load(primary, lambda: found)
            self._engine.primary_is_coming = False
            await self._load_stand_in()
        else:
            await asyncio.gather(self._load_stand_in(), self._obtain(primary))

    def stop(self) -> None:
        """End a download; its part is kept."""
        self._stop.set()

    async def _load_stand_in(self) -> None:
        stand_in, primary = self._engine.stand_in, self._engine.primary
        if stand_in is None or stand_in.network.carried is None:
            return
        await self._load(stand_in, stand_in.network.carried)
        if stand_in.ready and not primary.ready:
            place = f"{stand_in.network.title} answers in {primary.network.title}'s place."
            log.warning("%s %s", place, self._engine.explain(primary))

    async def _load(self, served: Served, find: Callable[[], FoundWeights]) -> None:
        try:
            await asyncio.to_thread(lambda: served.load(find()))
        except Exception as error:  # its report says so, and the other network goes on
            served.fail_to_load(error)
            log.exception("%s could not be loaded", served.network.title)
        else:
            log.info("%s", served.report.detail)

    async def _obtain(self, served: Served) -> None:
        """Fetch the official weights, or wait until somebody puts them there, then load them."""
        file = served.network.weights
        if file is None or self._settings.weights != "imagenet":
            return  # a path that is wrong stays wrong until a restart
        fetching = asyncio.create_task(self._fetch(served, file))
        try:
            found = await self._found_or_fetched(served, file, fetching)
        finally:
            self.stop()
            await fetching
        if found:
            await self._load(served, lambda: found)

    async def _found_or_fetched(
        self, served: Served, file: WeightsFile, fetching: asyncio.Task[None]
    ) -> FoundWeights | None:
        while not self._stop.is_set():
            before = self._stamps(file)
            while before == self._stamps(file) and not self._stop.is_set():
                await asyncio.wait({fetching}, timeout=LOOK_AGAIN)
                if fetching.done():  # nothing more to wait for but the disk, which tells nobody
                    await asyncio.sleep(0 if self._stamps(file) != before else LOOK_AGAIN)
            if any(self._stamps(file)) and (found := await self._find(served)):
                return found
        return None

    async def _find(self, served: Served) -> FoundWeights | None:
        file = served.network.weights
        if file is None:
            return None
        try:
            return await asyncio.to_thread(find, file, self._settings.weights, self._settings.data_dir)
        except WeightsError as error:
            served.fail(f"{served.network.title}'s weights cannot be used.", str(error), advice(file, self._settings))
            log.error("%s", error)  # noqa: TRY400 - the message is whole without a traceback
            return None

    async def _fetch(self, served: Served, file: WeightsFile) -> None:
        remote = file.at(self._settings.mirror)
        with DownloadProgress(served, file, advice(file, self._settings)) as progress:
            try:
                await asyncio.to_thread(
                    download,
                    remote.url,
                    places(file, self._settings.data_dir)[0],
                    remote.size,
                    (remote.algorithm, remote.digest),
                    progress.report,
                    self._stop,
                    progress.retrying,
                )
            except DownloadError as error:
                detail = f"{served.network.title}'s weights cannot be downloaded."
                served.fail(detail, str(error), advice(file, self._settings))
                log.error("%s", error)  # noqa: TRY400 - the message is whole without a traceback

    def _stamps(self, file: WeightsFile) -> list[tuple[int, float] | None]:
        return [_stamp(path) for path in places(file, self._settings.data_dir)]


def _stamp(path: Path) -> tuple[int, float] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime


def advice(file: WeightsFile, settings: Settings) -> str:
    """Say the exact thing to do to get the weights."""
    return (
        f"Run `bestguess weights fetch`, or put {file.name} into {settings.data_dir / 'weights'}: it is noticed "
        "without a restart. Behind a firewall restart with BESTGUESS_MIRROR, or with BESTGUESS_WEIGHTS=/path/to/it.h5."
    )
