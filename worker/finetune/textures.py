"""Photographs drawn by this program, for benchmarks and tests: a class a texture, whatever its colours and its size."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from jobs.datasets.photographs import Photograph, Photographs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

NAMES = ("stripes", "checks", "dots", "rings", "clouds", "nets")
SIDE = 256  # pixels
_NOISE = 10.0  # of 255, its standard deviation
QUALITY = 90


def textures(images: int, classes: int = 5, seed: int = 0) -> Photographs:
    """Draw so many photographs, as many of each class, as JPEGs; the same for the same arguments and Pillow."""
    labels = [index % classes for index in range(images)]
    files = [jpeg(label, np.random.default_rng((seed, index))) for index, label in enumerate(labels)]
    return in_memory("textures", NAMES[:classes], labels, files)


def in_memory(name: str, classes: tuple[str, ...], labels: Sequence[int], files: Sequence[bytes]) -> Photographs:
    """Make a data set of JPEG files, each with its label, that were never sent."""
    contents = [hashlib.sha256(data).hexdigest() for data in files]
    return Photographs(
        id=name,
        name=name,
        sha256=hashlib.sha256(" ".join(contents).encode()).hexdigest(),
        classes=classes,
        photographs=tuple(
            Photograph(f"{classes[label]}/{index}.jpg", label, content)
            for index, (label, content) in enumerate(zip(labels, contents, strict=True))
        ),
        read=files.__getitem__,
    )


def jpeg(label: int, random: Generator) -> bytes:
    """Draw one of a class as a file."""
    buffer = io.BytesIO()
    Image.fromarray(draw(label, random)).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def draw(label: int, random: Generator, side: int = SIDE) -> NDArray[np.uint8]:
    """Draw one of a class: two colours by chance, and between them its texture, with noise: (side, side, 3)."""
    field = _field(NAMES[label], random, side)
    one, other = random.uniform(0, 255, (2, 3))
    pixels = one + (other - one) * (field[..., None] + 1) / 2
    pixels += random.normal(0, _NOISE, pixels.shape)
    return np.asarray(pixels.clip(0, 255), np.uint8)


def _field(name: str, random: Generator, side: int) -> NDArray[np.float64]:
    """Draw a texture as numbers from -1 to 1, turned, sized and placed by chance."""
    if name == "clouds":
        return _clouds(random, side)
    angle, period = random.uniform(0, np.pi), random.uniform(side / 16, side / 6)
    y, x = np.mgrid[:side, :side] - random.uniform(0, side, (2, 1, 1))
    u = (np.cos(angle) * x + np.sin(angle) * y) * 2 * np.pi / period
    v = (np.cos(angle) * y - np.sin(angle) * x) * 2 * np.pi / period
    drawn = {
        "stripes": lambda: np.sin(u),
        "checks": lambda: np.sign(np.sin(u) * np.sin(v)),
        "dots": lambda: np.sign(np.cos(u) + np.cos(v) - 1),
        "rings": lambda: np.sin(np.hypot(x, y) * 2 * np.pi / period),
        "nets": lambda: np.sign(np.maximum(np.cos(u), np.cos(v)) - 0.8),
    }
    return np.asarray(drawn[name](), np.float64)


def _clouds(random: Generator, side: int) -> NDArray[np.float64]:
    """Draw noise whose amplitude falls as 1/frequency, as that of natural images does (Field 1987, JOSA A 4:2379)."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(random.standard_normal((side, side))) / frequency
    field = np.fft.irfft2(spectrum, (side, side))
    return np.asarray((field / (2 * field.std())).clip(-1, 1))
