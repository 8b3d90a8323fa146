"""Files of trained networks on this machine: where they are kept elsewhere, copies of those that were used last.

`ArtifactCache` fetches files from the store in threads of its own, each once for all who wait for it. `Copies` is the
folder for a store that is not a folder of this machine already.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from app.errors import NotFound
from jobs.artifacts import ArtifactDamaged, ArtifactsUnavailable
from jobs.errors import ModelNotFound, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.artifacts import ArtifactStore
    from jobs.async_registry import AsyncRegistry
    from jobs.trained import TrainedModel


# A bucket may take half a minute to say that it is away. These threads wait for it, and never those of the event loop's
# own pool, which have the pictures and everything else to do.
THREADS = 4
MOST = 32  # networks whose copies are kept, of 13 MB each
IN_USE = 60.0  # seconds from a use in which a copy stays: a path is handed out, and read a moment later


class ArtifactCache:
    """The files of a store, each verified against what its job has recorded; copies go when this is closed.

    `registry` tells a network that was removed from one whose files are damaged.
    """

    def __init__(
        self, store: ArtifactStore, registry: AsyncRegistry | None = None, copies: Copies | None = None
    ) -> None:
        self._store, self._registry = store, registry
        self._copies = copies or Copies()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="files")
        self._fetching: dict[tuple[str, str], asyncio.Future[Path]] = {}

    async def get(self, model: TrainedModel, name: str) -> Path:
        """Return the path of one of a network's files, fetched if need be; `name` is one of `model.files`.

        Whoever asks for a file while it is copied waits for the same copy. The path is good for a minute at least,
        unless the network is removed.

        Raises:
            NotFound: the network was removed meanwhile.
            ArtifactDamaged: it is gone, or not the one that its job has recorded.
            ArtifactsUnavailable: the store does not answer.
        """
        try:
            return await asyncio.shield(self._fetching.get((model.id, name)) or self._fetch(model, name))
        except FileNotFoundError:
            raise vanished(model.id) from None
        except ArtifactDamaged:
            if await self._removed(model):
                raise vanished(model.id) from None
            raise

    async def read(self, model: TrainedModel, name: str) -> bytes:
        """Return the content of one of a network's files. Raises as `get`."""
        path = await self.get(model, name)
        try:
            return await asyncio.to_thread(path.read_bytes)  # from this machine's disk, which is not waited for long
        except FileNotFoundError:
            raise vanished(model.id) from None

    async def remove(self, model_id: str) -> None:
        """Remove a network's files, here and where they are kept.

        Raises:
            ArtifactsUnavailable: the store does not answer.
        """
        await asyncio.get_running_loop().run_in_executor(self._pool, self._remove, model_id)

    def close(self) -> None:
        """Remove the copies; a fetch under way is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._copies.close()

    def _fetch(self, model: TrainedModel, name: str) -> asyncio.Future[Path]:
        key, sha256 = (model.id, name), model.files[name].sha256
        fetching = asyncio.get_running_loop().run_in_executor(self._pool, self._get, model.id, name, sha256)
        self._fetching[key] = fetching
        fetching.add_done_callback(lambda _: self._fetched(key))
        return fetching

    def _fetched(self, key: tuple[str, str]) -> None:
        fetching = self._fetching.pop(key)
        if not fetching.cancelled():
            fetching.exception()  # seen, also where everybody has left meanwhile

    def _get(self, model_id: str, name: str, sha256: str) -> Path:
        with self._copies.folder() as folder:
            path = self._store.fetch(model_id, name, sha256, folder)
            if not self._copies.used(path):  # it went between the two
                path = self._store.fetch(model_id, name, sha256, folder)
            return path

    def _remove(self, model_id: str) -> None:
        self._copies.remove(model_id)
        self._store.remove(model_id)

    async def _removed(self, model: TrainedModel) -> bool:
        try:
            if self._registry:
                await self._registry.get(model.id)
        except ModelNotFound:
            return True
        except StoreUnavailable:
            return False
        return False


def vanished(model_id: str) -> NotFound:
    """Return the error for a network whose file was removed while it was read."""
    return NotFound(f"{model_id} was removed while it was read. GET /models lists what there is.")


class Copies:
    """Copies of the files of the networks that were used last, in a folder that is made when it is needed.

    Each file has its own folder there, `<network>-<checksum>/`. Threads can share this.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._made: Path | None = None
        self._lock = Lock()
        self._closed = False

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Give the folder for the time of a block; it is made again where somebody has tidied it away.

        Raises:
            ArtifactsUnavailable: it cannot be made.
        """
        with self._lock:
            if self._made is None or not self._made.is_dir():
                self._made = _make_folder()
            made = self._made
        try:
            yield made
        finally:
            if self._closed:  # while something was copied into it
                shutil.rmtree(made, ignore_errors=True)

    def used(self, path: Path) -> bool:
        """Note that a file was used now, and remove the copies that were used longest ago; return whether it is there.

        A file that is no copy is left alone.
        """
        with self._lock:
            if path.parent.parent != self._made:
                return True
            with suppress(FileNotFoundError):
                os.utime(path.parent)
            self._remove_oldest()
            return path.exists()

    def remove(self, network: str) -> None:
        """Remove a network's copies."""
        for folder in self._networks().get(network, ()):
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove everything."""
        self._closed = True
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)

    def _remove_oldest(self) -> None:
        networks = self._networks().values()
        oldest = sorted(networks, key=_last_use)
        for folders in oldest[: max(0, len(oldest) - self._most)]:
            if time.time() - _last_use(folders) >= IN_USE:
                for folder in folders:
                    shutil.rmtree(folder, ignore_errors=True)

    def _networks(self) -> dict[str, list[Path]]:
        """Group the folders by network, without those in which a copy is being made."""
        found: dict[str, list[Path]] = defaultdict(list)
        with suppress(FileNotFoundError):
            for folder in self._made.iterdir() if self._made else ():
                if folder.suffix != ".tmp":
                    found[folder.name.rpartition("-")[0]].append(folder)
        return found


def _last_use(folders: list[Path]) -> float:
    """Return when one of the folders was used last; 0 where all of them have gone."""
    uses = [0.0]
    for folder in folders:
        with suppress(FileNotFoundError):
            uses.append(folder.stat().st_mtime)
    return max(uses)


def _make_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="bestguess-models-"))
    except OSError as error:
        message = f"Copies of trained networks cannot be kept here: {error}. Set TMPDIR to a folder with room."
        raise ArtifactsUnavailable(message, passing=False) from error
