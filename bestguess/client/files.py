"""Files that are written whole or not at all: a temporary file beside the target, checked, then renamed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bestguess.client.errors import DownloadDamaged, InvalidArgument

if TYPE_CHECKING:
    from bestguess.schemas import Model, TrainedInfo


class AtomicFile:
    """A temporary file beside its target. Leaving the `with` block without `keep` removes it."""

    def __init__(self, target: Path) -> None:
        self._target = target
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:80]}.", suffix=".part", dir=target.parent)
        self._file, self._path = os.fdopen(descriptor, "wb"), Path(name)
        self._hash = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # a full disk, which `write` has reported
            self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Append a chunk."""
        self._hash.update(chunk)
        self._file.write(chunk)

    def keep(self, sha256: str | None = None) -> Path:
        """Flush the file to the disk and rename it to its target, replacing what was there.

        Raises:
            DownloadDamaged: the content has another SHA-256.
        """
        if sha256 is not None and self._hash.hexdigest() != sha256:
            raise DownloadDamaged(f"{self._target.name}: the download's SHA-256 is not the one that the service names")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.chmod(0o666 & ~_umask())  # mkstemp gives access to the owner alone
        self._path.replace(self._target)
        return self._target


def download_target(model: Model, path: str | os.PathLike[str]) -> tuple[Path, TrainedInfo]:
    """Return where a model's file goes, which in a folder is `<id>.keras`, and the record with its SHA-256.

    Raises:
        InvalidArgument: the model has no file, or the folder does not exist.
    """
    if model.trained is None:
        raise InvalidArgument(f"{model.title} is a pretrained network: only trained models have a file to download")
    target = Path(path)
    target = target / f"{model.id}.keras" if target.is_dir() else target
    if not target.parent.is_dir():
        raise InvalidArgument(f"{target.parent}: this folder does not exist")
    return target, model.trained


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
