"""A job's checkpoints: a folder on this machine for who trains, and a thread that copies them to the store."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from jobs.artifacts.errors import ArtifactsUnavailable
from jobs.artifacts.files import safe_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

WAIT_SECONDS = 10.0  # for the last copy of a training that has ended; what is left then goes with the job


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    """Where checkpoints are written, and already are where an earlier owner left some; `saved` is told of each."""

    folder: Path
    saved: Callable[[Path], None]


class Mirror:
    """Copies a file each time it has changed: one copy at a time, beside the work, and only ever the last state.

    A store that is slow or away costs a resume some of its steps, and the work nothing: 39 MB take 0.13 s of a
    processor, and a change that comes while a copy is under way waits for its end.
    """

    def __init__(self, copy: Callable[[Path], None]) -> None:
        self._copy = copy
        self._path: Path | None = None
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """End; a copy that is under way is waited for only if the work has come to its end."""
        with self._changed:
            self._over, self._path = True, None
            self._changed.notify()
        if kind is None:
            self._thread.join(WAIT_SECONDS)

    def changed(self, path: Path) -> None:
        """Have this file copied soon."""
        with self._changed:
            self._path = path
            self._changed.notify()

    def _run(self) -> None:
        level = logging.WARNING
        while (path := self._next()) is not None:
            try:
                self._copy(path)
                level = logging.WARNING
            except ArtifactsUnavailable as error:
                if self._over:  # nobody needs it any more, and the file may be gone
                    return
                log.log(level, "The work goes on, and its last checkpoint is on this machine only: %s", error)
                level = logging.DEBUG  # a store that stays away is told of once
            except Exception as error:
                if self._over:
                    return
                log.log(level, "The last checkpoint could not be copied; the work goes on", exc_info=error)
                level = logging.DEBUG

    def _next(self) -> Path | None:
        with self._changed:
            self._changed.wait_for(lambda: self._path or self._over)
            path, self._path = self._path, None
            return path


def checkpoints_of(job_id: str) -> str:
    """Name the place for a job's checkpoints, beside that of its files.

    Raises:
        ValueError: the id is no plain name.
    """
    return f"{safe_id(job_id)}.checkpoint"
