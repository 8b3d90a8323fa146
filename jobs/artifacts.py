"""What a training leaves on the disk: `<root>/<job id>/` with `model.keras` and `meta.json`, whole or not there at all.

Beside it are `<root>/<job id>.checkpoint/` while the job is worked on, and `<root>/<job id>.<random>.tmp/` while its
model is written. Path and checksum are committed in the job's record, so files count only once the record names them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.errors import LeaseLost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MODEL = "model.keras"
META = "meta.json"
SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")  # an id names a folder: no dots, no separators
ABANDONED_SECONDS = 3600.0  # writing a model takes seconds


class ArtifactDamaged(Exception):
    """A model's file is not there, or not what its job recorded."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A published model: its file, that file's SHA-256 in hexadecimal, and its size in bytes."""

    path: Path
    sha256: str
    size: int


def publish(root: Path, job_id: str, fence: int, write: Callable[[Path], None], meta: Mapping[str, Any]) -> Artifact:
    """Let `write(folder)` write `model.keras` and what else it likes, add `meta.json`, and give all of it its name.

    It survives a loss of power once this returns. What an earlier owner of the job has published is replaced, what a
    later one has is not; `fence` tells which is which, and is kept in the meta data.

    Raises:
        OSError: the disk is full or cannot be written; whatever `write` raises. Nothing of it is left then.
        LeaseLost: a later owner has published.
    """
    target = folder(root, job_id)
    root.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f"{job_id}.", suffix=".tmp", dir=root))
    try:
        beside.chmod(0o755)  # mkdtemp's own is for one user, and the API may run as another
        write(beside)
        (beside / META).write_text(json.dumps({**meta, "fence": fence}), encoding="utf-8")
        path, digest, size = target / MODEL, checksum(beside / MODEL), (beside / MODEL).stat().st_size
        _sync_all(beside)
        _make_way(target, fence, job_id)
        beside.rename(target)
        _sync(root)
    except BaseException:  # also for what stops a worker
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return Artifact(path, digest, size)


def find(root: Path, job_id: str) -> Path | None:
    """Return the file of a job's model, None where there is none."""
    path = folder(root, job_id) / MODEL
    return path if path.is_file() else None


def read_meta(root: Path, job_id: str) -> dict[str, Any]:
    """Read what was published with a model; empty where nothing was."""
    try:
        meta: dict[str, Any] = json.loads((folder(root, job_id) / META).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return meta


def verify(path: Path, sha256: str) -> None:
    """Compare a model's file with the checksum that its job recorded; 100 MB take about 0.1 s.

    Raises:
        ArtifactDamaged: it is another file, or none that can be read.
    """
    try:
        found = checksum(path)
    except OSError as error:
        raise ArtifactDamaged(f"{path} cannot be read: {error.strerror}") from error
    if found != sha256:
        raise ArtifactDamaged(f"{path} has SHA-256 {found}, and its job recorded {sha256}")


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove(root: Path, job_id: str) -> None:
    """Remove a job's model and its checkpoints; nothing if there are none.

    Raises:
        OSError: the disk refused.
    """
    _remove(folder(root, job_id))
    remove_checkpoint(root, job_id)


def checkpoint_folder(root: Path, job_id: str) -> Path:
    """Name the folder for a job's checkpoints; it is made by who writes one."""
    target = folder(root, job_id)
    return target.with_name(f"{target.name}.checkpoint")


def remove_checkpoint(root: Path, job_id: str) -> None:
    """Remove a job's checkpoints; nothing if there are none.

    Raises:
        OSError: the disk refused.
    """
    _remove(checkpoint_folder(root, job_id))


def sweep(root: Path, older_than: float = ABANDONED_SECONDS) -> list[Path]:
    """Remove what was half written at least so many seconds ago by a process that was killed, and name it."""
    swept = []
    for path in root.glob("*.tmp"):
        with suppress(FileNotFoundError):  # its writer, or another sweeper, was faster
            if time.time() - path.stat().st_mtime >= older_than:
                _remove(path)
                swept.append(path)
    return swept


def folder(root: Path, job_id: str) -> Path:
    """Name the folder of a job's model.

    Raises:
        ValueError: the id is no plain name, so it was not made by us.
    """
    if not SAFE_NAME.fullmatch(job_id):
        raise ValueError(f"{job_id[:100]!r} cannot name a folder")
    return root / job_id


def _make_way(target: Path, fence: int, job_id: str) -> None:
    if not target.exists():
        return
    if read_meta(target.parent, target.name).get("fence", 0) > fence:
        raise LeaseLost(job_id)
    _remove(target)


def _remove(path: Path) -> None:
    """Remove a folder so that a reader sees it whole or not at all."""
    aside = Path(tempfile.mkdtemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)) if path.exists() else None
    if aside is not None:
        with suppress(FileNotFoundError):
            path.rename(aside)  # over an empty folder, which POSIX allows
        shutil.rmtree(aside)


def _sync_all(top: Path) -> None:
    for path in (*top.rglob("*"), top):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
