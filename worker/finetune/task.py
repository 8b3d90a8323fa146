"""What a training of a head is given, and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from bestguess.schemas.job_params import FinetuneParams
    from bestguess.schemas.jobs import EpochEntry
    from jobs.datasets.photographs import Photographs
    from vision.decode.images import Limits
    from vision.decode.sandbox import Cost
    from vision.networks.table import Cut
    from worker.finetune.cache import ArrayCache
    from worker.finetune.division import Division
    from worker.finetune.network import Base


@dataclass(frozen=True, slots=True)
class Room:
    """What a training has on its machine: a cache, what decoding may cost, and the number format that is wanted.

    `owner` is the job's id, by which an unfinished part of the cache is known.
    """

    cache: ArrayCache
    cost: Cost
    limits: Limits
    precision: str
    owner: str


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A head as it was after its best epoch, float32; `logits` (n, k) are what it says to what was kept out.

    `seconds` is what this call took, and `precision` that of the frozen part. `cached` is whether photographs went
    around the frozen layers.
    """

    head: keras.Model
    cut: Cut
    division: Division
    logits: NDArray[np.float32]
    history: tuple[EpochEntry, ...]
    best_epoch: int
    precision: str
    cached: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learned, from which photographs, and from where on."""

    params: FinetuneParams
    base: Base
    photographs: Photographs
