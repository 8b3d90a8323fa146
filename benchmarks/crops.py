"""Photographs cut out of photographs, for benchmarks: each of a folder's own is a class, of its crops."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from worker.finetune.textures import QUALITY, in_memory

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator

    from jobs.datasets.photographs import Photographs

LEAST, MOST = 2, 100  # photographs in a folder
_SMALLEST = 0.4  # of a photograph's shorter side


def crops(folder: Path, images: int, seed: int = 0) -> Photographs:
    """Cut so many squares of any size and place, mirrored or not, as many from each; the same for the same arguments.

    Raises:
        ValueError: the folder cannot be read, or has too few or too many photographs.
    """
    photographs = _read(folder)
    if not LEAST <= len(photographs) <= MOST:
        raise ValueError(f"{folder} has {len(photographs)} photographs, and {LEAST} to {MOST} are wanted, a class each")
    names = tuple(photographs)
    labels = [index % len(names) for index in range(images)]
    files = [
        _crop(photographs[names[label]], np.random.default_rng((seed, index))) for index, label in enumerate(labels)
    ]
    return in_memory("crops", names, labels, files)


def _read(folder: Path) -> dict[str, Image.Image]:
    found = {}
    try:
        for path in sorted(folder.iterdir()):
            try:
                found[path.stem] = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
            except UnidentifiedImageError:
                continue  # something else in the folder
    except OSError as error:
        raise ValueError(f"{error.filename or folder} cannot be read: {error.strerror or error}") from error
    return found


def _crop(photograph: Image.Image, random: Generator) -> bytes:
    side = round(random.uniform(_SMALLEST, 1) * min(photograph.size))
    left, top = (int(random.integers(length - side, endpoint=True)) for length in photograph.size)
    square = photograph.crop((left, top, left + side, top + side))
    buffer = io.BytesIO()
    (ImageOps.mirror(square) if random.random() < 1 / 2 else square).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
