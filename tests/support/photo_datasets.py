"""Generated data sets of photographs: each class is a texture of its own colour, with noise."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from jobs.datasets.photographs import Photograph, Photographs
from vision.decode.images import Limits
from vision.decode.sandbox import Cost
from worker.finetune.cache import ArrayCache
from worker.finetune.task import Room

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def png(label: int, seed: int, side: int = 40) -> bytes:
    """Draw a photograph of a class: stripes of its own width, direction and colour, with noise."""
    random = np.random.default_rng((label, seed))
    y, x = np.mgrid[:side, :side]
    stripes = np.sin((x if label % 2 else y) * (0.3 + 0.25 * label) + random.uniform(0, 6))
    colour = np.asarray([90 + 40 * (label % 3), 130, 170 - 30 * (label % 4)])
    pixels = colour + 60 * stripes[..., None] + random.normal(0, 12, (side, side, 3))
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def photographs(files: Mapping[str, Sequence[bytes]]) -> Photographs:
    """Make a data set of each class's files."""
    classes = tuple(files)
    every = [
        (label, f"{name}/{i}.png", data) for label, name in enumerate(classes) for i, data in enumerate(files[name])
    ]
    contents = [hashlib.sha256(data).hexdigest() for _, _, data in every]
    whole = hashlib.sha256(
        "".join(f"{label} {sha}" for (label, _, _), sha in zip(every, contents, strict=True)).encode()
    )
    return Photographs(
        id="ds_test",
        name="stripes",
        sha256=whole.hexdigest(),
        classes=classes,
        photographs=tuple(Photograph(path, label, sha) for (label, path, _), sha in zip(every, contents, strict=True)),
        read=lambda index: every[index][2],
    )


def stripes(classes: int = 3, each: int = 10) -> Photographs:
    """Draw so many classes of so many photographs."""
    return photographs({f"class {label}": [png(label, seed) for seed in range(each)] for label in range(classes)})


def room(folder: Path, *, precision: str = "float32", most_bytes: int = 1 << 30, owner: str = "job_1") -> Room:
    """Give a training a folder for what it keeps."""
    cost, limits = Cost(30, 512 * 1024 * 1024), Limits(1_000_000, 100)
    return Room(ArrayCache(folder / "features", most_bytes), cost, limits, precision, owner)
