"""Generated photographs: each class is a texture, in any colours and at any scale."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

NAMES = ("stripes", "checks", "dots", "rings", "clouds", "nets")
SIDE = 256  # pixels
_NOISE = 10.0  # of 255, its standard deviation
QUALITY = 90


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
