"""What is left to chance in a training, and yet the same each time: functions of a seed."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def seed_of(job_id: str) -> int:
    """Choose the seed of a job that asks for none: the same for each of its attempts."""
    return int.from_bytes(sha256(job_id.encode()).digest()[:4]) % 2**31


def order(images: int, seed: int, epoch: int) -> NDArray[np.int32]:
    """Return the places of all images in the order in which an epoch, from 0, learns from them: int32 (images,)."""
    return np.random.default_rng((seed, epoch)).permutation(images).astype(np.int32)
