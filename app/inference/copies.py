"""A folder of this machine for copies of networks' files: those of the networks that were used last."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from jobs.artifacts import ArtifactsUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 32  # networks, of 13 MB each
IN_USE = 60.0  # seconds from a use in which a copy stays: a path is handed out, and read a moment later


class Copies:
    """`<network>-<checksum>/` for each file, in a folder that is made when it is needed; threads can share it."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._made: Path | None = None
        self._lock = Lock()
        self._closed = False

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Give the folder for the time of a block; it is made anew where somebody has tidied it away.

        Raises:
            ArtifactsUnavailable: it cannot be made.
        """
        with self._lock:
            if self._made is None or not self._made.is_dir():
                self._made = _make()
            made = self._made
        try:
            yield made
        finally:
            if self._closed:  # while something was copied into it
                shutil.rmtree(made, ignore_errors=True)

    def used(self, path: Path) -> bool:
        """Note that a file was used now, and let the copies go that were not used for longest; False if it has gone.

        A file that is no copy is nothing to us.
        """
        with self._lock:
            if path.parent.parent != self._made:
                return True
            with suppress(FileNotFoundError):
                os.utime(path.parent)
            self._let_go()
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

    def _let_go(self) -> None:
        networks = self._networks().values()
        oldest = sorted(networks, key=_last_use)
        for folders in oldest[: max(0, len(oldest) - self._most)]:
            if time.time() - _last_use(folders) >= IN_USE:
                for folder in folders:
                    shutil.rmtree(folder, ignore_errors=True)

    def _networks(self) -> dict[str, list[Path]]:
        """Group the folders by the networks that they are of, without those in which a copy is being made."""
        found: dict[str, list[Path]] = defaultdict(list)
        with suppress(FileNotFoundError):
            for folder in self._made.iterdir() if self._made else ():
                if folder.suffix != ".tmp":
                    found[folder.name.rpartition("-")[0]].append(folder)
        return found


def _last_use(folders: list[Path]) -> float:
    """Say when one of the folders was used last; one that has gone was never."""
    uses = [0.0]
    for folder in folders:
        with suppress(FileNotFoundError):
            uses.append(folder.stat().st_mtime)
    return max(uses)


def _make() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="bestguess-models-"))
    except OSError as error:
        message = f"Copies of trained networks cannot be kept here: {error}. Set TMPDIR to a folder with room."
        raise ArtifactsUnavailable(message, passing=False) from error
