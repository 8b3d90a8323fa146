"""One pretrained network's weights: found, or fetched, or waited for until somebody puts them there."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

from app.inference.progress import DownloadProgress
from jobs.background import supervise
from vision.download import DownloadError, download
from vision.weights import FoundWeights, WeightsError, find, named, places

if TYPE_CHECKING:
    from pathlib import Path

    from app.inference.served import Served
    from app.settings import Settings
    from vision.weights import WeightsFile

log = logging.getLogger(__name__)

LOOK_AGAIN = 5.0  # seconds between looks for a file that somebody may put there by hand


class Obtaining:
    """How one network comes to its weights file; its report tells how far that is."""

    def __init__(self, served: Served, file: WeightsFile, settings: Settings) -> None:
        self._served, self._file, self._settings = served, file, settings
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
            title = self._served.network.title
            self._served.fail(f"{title}'s weights cannot be used.", str(error), self.advice())
            log.error("%s", error)  # noqa: TRY400 - the message is whole without a traceback
            return None
        except Exception as error:  # the report says so, and the other networks go on
            self._served.fail_to_load(error)
            log.exception("%s's weights cannot be looked for", self._served.network.title)
            return None

    async def obtain(self, turn: asyncio.Lock) -> FoundWeights | None:
        """Fetch the official file when it is its turn, or wait until somebody puts it there.

        Returns None where no official file is asked for: a path that is wrong stays wrong until a restart.
        """
        if self.in_memory or named(self._file, self._settings.weights):
            return None
        fetching = asyncio.create_task(supervise("download of weights", lambda: self._fetch(turn)))
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
        """Say the exact thing to do to get the weights."""
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

    async def _fetch(self, turn: asyncio.Lock) -> None:
        async with turn:
            if not self._stop.is_set():
                self._downloading = True
                try:
                    await self._download()
                finally:
                    self._downloading = False

    async def _download(self) -> None:
        remote = self._file.at(self._settings.mirror)
        with DownloadProgress(self._served, self._file, self.advice()) as progress:
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
                detail = f"{self._served.network.title}'s weights cannot be downloaded."
                self._served.fail(detail, str(error), self.advice())
                if not isinstance(error, DownloadError):
                    raise  # to be logged with its traceback, and tried again
                log.error("%s", error)  # noqa: TRY400 - the message is whole without a traceback


def _stamp(path: Path) -> tuple[int, float] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime
