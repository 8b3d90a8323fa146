"""A download on its way to the disk: beside its place first, checked, then put there whole or not at all."""

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


class Arriving:
    """Takes the pieces of a file; leaving the block without `keep` leaves nothing behind."""

    def __init__(self, target: Path) -> None:
        self._target = target
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:80]}.", suffix=".part", dir=target.parent)
        self._file, self._path = os.fdopen(descriptor, "wb"), Path(name)
        self._hash = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # a full disk, of which `write` has told
            self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        """Take the next piece."""
        self._hash.update(piece)
        self._file.write(piece)

    def keep(self, sha256: str | None = None) -> Path:
        """Put the file in its place, instead of what was there.

        Raises:
            DownloadDamaged: it is not the file with this hash.
        """
        if sha256 is not None and self._hash.hexdigest() != sha256:
            raise DownloadDamaged(f"{self._target.name}: what came has another SHA-256 than the service has on record")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.chmod(0o666 & ~_umask())  # a temporary file is for its owner alone
        self._path.replace(self._target)
        return self._target


def place(model: Model, path: str | os.PathLike[str]) -> tuple[Path, TrainedInfo]:
    """Say where a model's file goes, in a folder by its own name, and what is on record of it.

    Raises:
        InvalidArgument: the model has no file, or there is no such folder.
    """
    if model.trained is None:
        raise InvalidArgument(f"{model.title} was not trained there: it has no file to download")
    target = Path(path)
    target = target / f"{model.id}.keras" if target.is_dir() else target
    if not target.parent.is_dir():
        raise InvalidArgument(f"{target.parent}: there is no such folder")
    return target, model.trained


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
