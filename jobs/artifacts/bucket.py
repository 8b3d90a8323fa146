"""Artifacts in any place that fsspec can write to, such as an S3 bucket, where nothing can be given another name.

Files lie under `<job id>/<fence>-<random>/`, where no two publishers meet. `meta.json` is written last: without it the
others are what a publisher has left who was stopped. A reader looks for the SHA-256 that the job recorded, and believes
nothing else. Checkpoints lie under `<job id>.checkpoint/`.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobs.artifacts import disk
from jobs.artifacts.checkpoints import CheckpointFolder, Mirror, checkpoints_of
from jobs.artifacts.errors import ArtifactDamaged, ArtifactsUnavailable, on_disk
from jobs.artifacts.files import META, MODEL, Artifact, checksum, safe_file, safe_id, seal
from jobs.artifacts.remote import ANSWER_SECONDS, Remote
from jobs.artifacts.scratch import scratch
from jobs.errors import LeaseLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0  # after which a store that fails is left in peace
_PLACE = re.compile(r"[^/.]+/[0-9]+-[0-9a-f]+")


class BucketStore:
    """A store that is reached by a network; what its calls promise stands at `ArtifactStore`.

    `scratch` is a folder on this machine for what is on its way there; a call that moves no large file ends within a
    few times `answer_seconds`.
    """

    def __init__(self, url: str, scratch: Path, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._remote = Remote(url, answer_seconds)
        self._scratch = scratch

    def publish(
        self, job_id: str, fence: int, write: Callable[[Path], None], meta: Mapping[str, Any], main: str = MODEL
    ) -> Artifact:
        """Publish what `write` writes; it is in the store once this returns."""
        place = f"{safe_id(job_id)}/{fence}-{secrets.token_hex(4)}"
        with on_disk(self._scratch), disk.beside(self._scratch, job_id) as folder:
            write(folder)
            files = seal(folder, {**meta, "fence": fence}, main)
            try:
                self._upload(folder, place, files)
            except ArtifactsUnavailable:  # nothing can be removed either; it is swept
                raise
            except BaseException:  # also what stops a worker
                self._forget(f"{place}/{name}" for name in sorted(files, key=lambda name: name != META))
                raise
        self._forget_earlier(place)
        return Artifact(files)

    def exists(self, job_id: str) -> bool:
        """Say whether something is published here."""
        return bool(self._committed(job_id))

    def fetch(self, job_id: str, name: str, sha256: str, to: Path) -> Path:
        """Copy a published file into a folder of its own below `to`, unless it is there, and return its path."""
        path = to / f"{safe_id(job_id)}-{sha256}" / safe_file(name, sha256)
        with on_disk(to):
            if path.is_file() and checksum(path) == sha256:
                return path
            with disk.beside(to, job_id) as folder:
                self._download(job_id, name, sha256, folder / name)
                path.parent.mkdir(exist_ok=True)
                (folder / name).replace(path)
        return path

    def read(self, job_id: str, name: str, offset: int, size: int) -> bytes:
        """Read a piece of a published file."""
        for place in self._committed(job_id):
            try:
                return self._remote.read_piece(f"{place}/{safe_file(name)}", offset, size)
            except FileNotFoundError:
                continue
        raise ArtifactDamaged(f"{name} of {job_id} in {self._remote.place} is not there")

    def scratch(self, name: str) -> AbstractContextManager[Path]:
        """Make a folder on this machine."""
        return scratch(self._scratch, name)

    def remove(self, job_id: str) -> None:
        """Remove a job's files and its checkpoints."""
        keys = self._remote.find(safe_id(job_id))
        for key in sorted(keys, key=lambda key: not key.endswith(f"/{META}")):  # without it no other counts
            self._remote.remove(key)
        self.remove_checkpoint(job_id)

    def remove_file(self, job_id: str, name: str) -> None:
        """Remove one of a job's files."""
        for place in self._places(job_id):
            self._remote.remove(f"{place}/{safe_file(name)}")

    @contextmanager
    def checkpoint(self, job_id: str) -> Iterator[CheckpointFolder]:
        """Bring a job's checkpoints here, and copy those that are saved to the store, beside the work.

        A disk that refuses costs checkpoints, and the work nothing.
        """
        place = checkpoints_of(job_id)

        def copy(path: Path) -> None:
            self._remote.put(path, f"{place}/{path.name}")

        with disk.beside_if_possible(self._scratch, place) as folder, Mirror(copy) as mirror:
            self._bring(place, folder)
            yield CheckpointFolder(folder, mirror.changed)

    def remove_checkpoint(self, job_id: str) -> None:
        """Remove a job's checkpoints."""
        for key in self._remote.find(checkpoints_of(job_id)):
            self._remote.remove(key)

    def sweep(self, older_than: float = disk.ABANDONED_SECONDS) -> list[str]:
        """Remove what killed processes left half written in the store."""
        swept, until = [], time.monotonic() + SWEEP_SECONDS
        for place, keys in grouped(self._remote.find()).items():
            try:
                if self._is_abandoned(place, keys, older_than):
                    for key in keys:
                        self._remote.remove(key)
                    swept.append(place)
            except ArtifactsUnavailable as error:
                if time.monotonic() > until:
                    raise
                log.warning("%s was left half written, and cannot be removed: %s", place, error)
        return swept

    def sweep_here(self, older_than: float = disk.ABANDONED_SECONDS) -> list[str]:
        """Remove what killed processes left on this machine, on its way to the store."""
        with on_disk(self._scratch):
            return disk.sweep(self._scratch, older_than)

    def _upload(self, folder: Path, place: str, names: Iterable[str]) -> None:
        """Upload all files, the one that makes them count as the last, unless a later owner was or is faster."""
        self._refuse_earlier(place)
        for name in sorted(names, key=lambda name: name == META):
            if name == META:
                self._refuse_earlier(place)
            self._remote.put(folder / name, f"{place}/{name}")
        self._refuse_earlier(place)

    def _refuse_earlier(self, place: str) -> None:
        job_id = place.partition("/")[0]
        if any(fence_of(other) > fence_of(place) for other in self._committed(job_id)):
            raise LeaseLost(job_id)

    def _download(self, job_id: str, name: str, sha256: str, target: Path) -> None:
        found = None
        for place in self._places(job_id):
            try:
                self._remote.get(f"{place}/{name}", target)
            except FileNotFoundError:
                continue
            found = checksum(target)
            if found == sha256:
                return
        what = f"{name} of {job_id} in {self._remote.place}"
        if found is None:
            raise ArtifactDamaged(f"{what} is not there")
        raise ArtifactDamaged(f"{what} has SHA-256 {found}, and its job recorded {sha256}")

    def _places(self, job_id: str) -> dict[str, list[str]]:
        """Name the places of a job and their files, the last owner's first."""
        return grouped(self._remote.find(safe_id(job_id)))

    def _committed(self, job_id: str) -> list[str]:
        return [place for place, keys in self._places(job_id).items() if f"{place}/{META}" in keys]

    def _bring(self, place: str, folder: Path) -> None:
        try:
            for key in self._remote.find(place):
                self._remote.get(key, folder / key.rpartition("/")[2])
        except (ArtifactsUnavailable, FileNotFoundError) as error:
            log.warning("No checkpoint could be had, and the work begins anew: %s", error)

    def _forget(self, keys: Iterable[str]) -> None:
        """Remove what nobody reads; what is left of it by a failure is swept, or goes with the job."""
        try:
            for key in keys:
                self._remote.remove(key)
        except ArtifactsUnavailable as error:
            log.warning("Something is left that nobody needs: %s", error)

    def _forget_earlier(self, place: str) -> None:
        try:
            places = self._places(place.partition("/")[0])
        except ArtifactsUnavailable as error:
            log.warning("What earlier owners may have left stays: %s", error)
            return
        self._forget(
            key
            for other, keys in places.items()
            if other != place and fence_of(other) <= fence_of(place)
            for key in keys
        )

    def _is_abandoned(self, place: str, keys: list[str], older_than: float) -> bool:
        """Say whether nobody can use what lies there, and nobody is still writing it; no where that cannot be told."""
        if f"{place}/{META}" in keys:
            return False
        try:
            ages = [self._remote.age(key) for key in keys]
        except FileNotFoundError:  # its publisher has given up
            return False
        return all(age is not None and age >= older_than for age in ages)


def fence_of(place: str) -> int:
    """Read the fence in `<job id>/<fence>-<random>`."""
    return int(place.partition("/")[2].partition("-")[0])


def grouped(keys: Iterable[str]) -> dict[str, list[str]]:
    """Group paths of published files by their places, the highest fence first; other paths are left out."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        place = key.rpartition("/")[0]
        if _PLACE.fullmatch(place):
            groups.setdefault(place, []).append(key)
    return dict(sorted(groups.items(), key=lambda group: fence_of(group[0]), reverse=True))
