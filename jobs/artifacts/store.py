"""What a store of artifacts can do, wherever it is, and which one a setting asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from jobs.artifacts.address import local_folder
from jobs.artifacts.disk import ABANDONED_SECONDS
from jobs.artifacts.files import MODEL
from jobs.artifacts.folder import FolderStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from jobs.artifacts.checkpoints import CheckpointFolder
    from jobs.artifacts.files import Artifact


class ArtifactStore(Protocol):
    """Published files and checkpoints, by the ids of jobs; threads can share it, and each call may block.

    Each call may raise ArtifactsUnavailable, and ValueError for an id or a name that was not made by us. A store behind
    a library of fsspec's gives up at the first request that fails, and each ends within 20 s, or later by a second for
    each 256 KiB that it moves. A folder answers when the operating system does: mounted from a server that is away that
    may be never, unless it is mounted `soft`.
    """

    def publish(
        self, job_id: str, fence: int, write: Callable[[Path], None], meta: Mapping[str, Any], main: str = MODEL
    ) -> Artifact:
        """Let `write(folder)` write the file `main` and what else it likes, add `meta.json`, and publish all of it.

        What an earlier owner of the job has published is replaced, what a later one has is not; `fence` tells which is
        which, and is kept in the meta data. If it raises, nothing of it counts.

        Raises:
            LeaseLost: a later owner has published.
            ValueError: `write` wrote no such file, or anything but plain files. Whatever else `write` raises.
        """
        ...

    def exists(self, job_id: str) -> bool:
        """Say whether a job has published files."""
        ...

    def fetch(self, job_id: str, name: str, sha256: str, to: Path) -> Path:
        """Return the path of a published file on this machine, whose content has the SHA-256 that the job recorded.

        Where the store is no folder it is copied into one below `to`, and found there the next time; whoever owns `to`
        empties it.

        Raises:
            ArtifactDamaged: it is not there, or another file.
        """
        ...

    def read(self, job_id: str, name: str, offset: int, size: int) -> bytes:
        """Read so many bytes of a published file, or fewer at its end; whoever asks verifies them.

        Raises:
            ArtifactDamaged: it is not there.
        """
        ...

    def scratch(self, name: str) -> AbstractContextManager[Path]:
        """Give a folder on this machine for the time of a block, from which files can be moved into `publish`'s.

        It is swept like what is half written; `name` is a plain one.
        """
        ...

    def remove(self, job_id: str) -> None:
        """Remove a job's published files and its checkpoints; nothing if there are none."""
        ...

    def remove_file(self, job_id: str, name: str) -> None:
        """Remove one of a job's published files, and leave the others; nothing if there is none."""
        ...

    def checkpoint(self, job_id: str) -> AbstractContextManager[CheckpointFolder]:
        """Give a folder for a job's checkpoints for the time of a block, with those that an earlier owner has saved."""
        ...

    def remove_checkpoint(self, job_id: str) -> None:
        """Remove a job's checkpoints; nothing if there are none."""
        ...

    def sweep(self, older_than: float = ABANDONED_SECONDS) -> list[str]:
        """Remove what processes that were killed left half written at least so many seconds ago, and name it.

        What cannot be removed is told of in the log, and does not hold up the others. Nothing goes whose age is not
        known.
        """
        ...

    def sweep_here(self, older_than: float = ABANDONED_SECONDS) -> list[str]:
        """Do the same for what lies on this machine only; each machine has to, where the store is one for all."""
        ...


def open_store(url: str | None, data_dir: Path) -> ArtifactStore:
    """Make the store that `BESTGUESS_ARTIFACTS_URL` asks for; the models' folder in the data folder if it is not set.

    Nothing is asked over the network yet.
    """
    models = data_dir / "models"
    folder = local_folder(url) if url else models
    if folder is not None:
        return FolderStore(folder)
    from jobs.artifacts.bucket import BucketStore  # noqa: PLC0415 - a folder needs none of it

    return BucketStore(url or "", models)
