"""Artifacts in a folder that all who need them can see: `<root>/<job id>/`, which is there whole or not at all.

Beside it are `<root>/<job id>.checkpoint/` while the job is worked on, and `<root>/<job id>.<random>.tmp/` while its
model is written or removed.
"""

from __future__ import annotations

import errno
import json
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from jobs.artifacts import disk
from jobs.artifacts.checkpoints import CheckpointFolder, checkpoints_of
from jobs.artifacts.errors import ArtifactDamaged, on_disk
from jobs.artifacts.files import META, MODEL, Artifact, checksum, safe_file, safe_id, seal
from jobs.artifacts.scratch import scratch
from jobs.errors import LeaseLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

_TRIES = 5  # to be the one who publishes, while others publish as well


class FolderStore:
    """A store whose files need no copying; what its calls promise stands at `ArtifactStore`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(
        self, job_id: str, fence: int, write: Callable[[Path], None], meta: Mapping[str, Any], main: str = MODEL
    ) -> Artifact:
        """Publish what `write` writes; it survives a loss of power once this returns."""
        target = self._folder(job_id)
        with on_disk(self.root), disk.beside(self.root, job_id) as folder:
            write(folder)
            files = seal(folder, {**meta, "fence": fence}, main)
            disk.sync_all(folder)
            _place(folder, target, fence)
            disk.sync(self.root)
        return Artifact(files)

    def exists(self, job_id: str) -> bool:
        """Say whether something is published here."""
        return (self._folder(job_id) / META).is_file()

    def fetch(self, job_id: str, name: str, sha256: str, to: Path) -> Path:  # noqa: ARG002 - nothing is copied here
        """Verify a published file where it lies, and return its path."""
        path = self._folder(job_id) / safe_file(name, sha256)
        with on_disk(self.root):
            try:
                found = checksum(path)
            except FileNotFoundError as error:
                if not self.root.is_dir():
                    raise
                raise ArtifactDamaged(f"{path} is not there") from error
        if found != sha256:
            raise ArtifactDamaged(f"{path} has SHA-256 {found}, and its job recorded {sha256}")
        return path

    def read(self, job_id: str, name: str, offset: int, size: int) -> bytes:
        """Read a piece of a published file."""
        path = self._folder(job_id) / safe_file(name)
        with on_disk(self.root):
            try:
                with path.open("rb") as file:
                    file.seek(offset)
                    return file.read(size)
            except FileNotFoundError as error:
                if not self.root.is_dir():
                    raise
                raise ArtifactDamaged(f"{path} is not there") from error

    def scratch(self, name: str) -> AbstractContextManager[Path]:
        """Make a folder beside those that are published."""
        return scratch(self.root, name)

    def remove(self, job_id: str) -> None:
        """Remove a job's files and its checkpoints."""
        with on_disk(self.root):
            disk.remove(self._folder(job_id))
        self.remove_checkpoint(job_id)

    def remove_file(self, job_id: str, name: str) -> None:
        """Remove one of a job's files."""
        with on_disk(self.root):
            (self._folder(job_id) / safe_file(name)).unlink(missing_ok=True)

    @contextmanager
    def checkpoint(self, job_id: str) -> Iterator[CheckpointFolder]:
        """Name the folder in which a job's checkpoints stay; it is made by who writes one."""
        yield CheckpointFolder(self.root / checkpoints_of(job_id), lambda _: None)

    def remove_checkpoint(self, job_id: str) -> None:
        """Remove a job's checkpoints."""
        with on_disk(self.root):
            disk.remove(self.root / checkpoints_of(job_id))

    def sweep(self, older_than: float = disk.ABANDONED_SECONDS) -> list[str]:
        """Remove what killed processes left half written."""
        with on_disk(self.root):
            return disk.sweep(self.root, older_than)

    def sweep_here(self, older_than: float = disk.ABANDONED_SECONDS) -> list[str]:  # noqa: ARG002 - nothing is kept here
        """Do nothing: all that is written is written in the folder itself."""
        return []

    def _folder(self, job_id: str) -> Path:
        return self.root / safe_id(job_id)


def _place(folder: Path, target: Path, fence: int) -> None:
    """Let a folder take the place of what an earlier owner has published.

    Raises:
        LeaseLost: a later owner has published.
        OSError: the disk refused.
    """
    for tries_left in reversed(range(_TRIES)):
        _make_way(target, fence)
        try:
            folder.rename(target)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST} or not tries_left:
                raise
        else:
            return


def _make_way(target: Path, fence: int) -> None:
    if _fence(target) > fence:
        raise LeaseLost(target.name)
    aside = disk.move_aside(target)
    if aside is None:
        return
    moved = _fence(aside)
    if moved > fence:  # a later owner has published since it was looked at, and gets its place back
        with suppress(LeaseLost):  # unless one who came later still has it
            _place(aside, target, moved)
    shutil.rmtree(aside, ignore_errors=True)  # what is left of it is swept
    if moved > fence:
        raise LeaseLost(target.name)


def _fence(folder: Path) -> int:
    """Read which owner has published a folder; 0 where there is none, or nobody can use it, whoever wrote it."""
    try:
        meta = json.loads((folder / META).read_bytes())
    except (FileNotFoundError, ValueError):
        return 0
    fence = meta.get("fence") if isinstance(meta, dict) else 0
    return fence if isinstance(fence, int) else 0
