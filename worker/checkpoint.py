"""Where a training can go on after its process was killed: one file, whole or not there."""

from __future__ import annotations

import logging
import os
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from vision.files import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

log = logging.getLogger(__name__)

_STEP = "step"


class Checkpoint:
    """The last state of one training, in a folder of its own; `every` is how many seconds may be lost.

    `saved` is told of each state's file, once it is whole; it must not take long.
    """

    def __init__(self, folder: Path, every: float = 10.0, saved: Callable[[Path], None] | None = None) -> None:
        self.path = folder / "checkpoint.npz"
        self.every = every
        self._saved = saved

    def save(self, step: int, arrays: Mapping[str, ArrayLike]) -> None:
        """Replace the last state by that after `step` steps; 39 MB and a tenth of a second for the network with Adam.

        Raises:
            OSError: the disk is full or cannot be written; the last state stands.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own: a process that was taken for dead may still be writing.
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                np.savez(file, **{_STEP: np.int64(step)}, **arrays)  # type: ignore[arg-type]
            publish(part, self.path)
        finally:
            part.unlink(missing_ok=True)
        if self._saved is not None:
            self._saved(self.path)

    def load(self) -> tuple[int, dict[str, NDArray[Any]]] | None:
        """Return the step and the arrays of the last state; None where there is none, or none that can be read."""
        try:
            # Opened here, because np.load would leave a broken file open.
            with self.path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file}
            return int(arrays.pop(_STEP)), arrays
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, EOFError, KeyError, zipfile.BadZipFile) as error:
            log.warning("%s cannot be read, and the training starts over: %s", self.path, error)
            return None

    def clear(self) -> None:
        """Remove the state, if there is one."""
        self.path.unlink(missing_ok=True)
