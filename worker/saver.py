"""When a training's state is saved, what belongs to it, and whether a saved one is of the same training."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

    from worker.checkpoint import Checkpoint

log = logging.getLogger(__name__)

_FORMAT = 1  # of what is saved; a change makes older checkpoints useless
_SHARE = 0.05  # of the training's time that saving may take


class Saver:
    """Saves one training; `identity`, JSON's kinds only, is what has to be the same for another to go on with it."""

    def __init__(self, checkpoint: Checkpoint, identity: Mapping[str, Any]) -> None:
        self._checkpoint = checkpoint
        self._identity = json.dumps({"format": _FORMAT, **identity}, sort_keys=True)
        self._saved, self._rest = time.monotonic(), 0.0

    @property
    def due(self) -> bool:
        """Whether it is time: as often as the checkpoint says, or less often where the disk is slow."""
        return time.monotonic() - self._saved >= max(self._checkpoint.every, self._rest)

    def save(self, step: int, ledger: str, state: Iterable[ArrayLike]) -> None:
        """Save what is known after `step` steps; a disk that takes nothing costs a resume, not the training."""
        started = time.monotonic()
        arrays = {f"state{index:03}": array for index, array in enumerate(state)}
        texts = {"identity": np.array(self._identity), "ledger": np.array(ledger)}
        try:
            self._checkpoint.save(step, arrays | texts)
        except OSError as error:
            log.warning("The training goes on without a new checkpoint: %s", error)
        self._saved = time.monotonic()
        self._rest = (self._saved - started) / _SHARE

    def load(self) -> tuple[int, str, list[NDArray[Any]]] | None:
        """Return the step, the ledger and the state to go on with, or None to start at the beginning."""
        saved = self._checkpoint.load()
        if saved is None:
            return None
        step, arrays = saved
        if str(arrays.pop("identity", None)) != self._identity:
            log.warning("The checkpoint is of another training, and this one starts at the beginning.")
            return None
        ledger = str(arrays.pop("ledger"))
        log.info("The training goes on from step %d", step)
        return step, ledger, [arrays[key] for key in sorted(arrays) if key.startswith("state")]
