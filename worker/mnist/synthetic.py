"""Digits drawn by this program, for machines that cannot get MNIST; every result that they lead to says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vision.digits.network import CLASSES, SIDE
from worker.mnist.data import Digits
from worker.mnist.strokes import DRAWINGS, curve, strokes

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

NAME = "synthetic-digits"

_SHEET = 80  # pixels, the side of what is drawn before it is shrunk, slanted and placed
_INK = 52.0  # pixels of its height that a digit takes
_GLYPHS = 150  # drawings of each digit that the images are made from
_CHUNK = 5000  # images whose noise is made at once


def synthetic_digits(seed: int = 0, train: int = 60_000, test: int = 10_000) -> Digits:
    """Draw so many images to train and to test with, in the form of MNIST; the same for the same arguments and Pillow.

    Each image is one of a few thousand drawings, in print or by strokes, of its own thickness, then turned, slanted,
    sized and placed by chance, with noise. The test images come from drawings of their own. 70,000 take some seconds.
    """
    for_train, for_test = (np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(2))
    x_train, y_train = _images(for_train, train)
    x_test, y_test = _images(for_test, test)
    return Digits.of(NAME, {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test})


def _images(random: Generator, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Make images (count, 28, 28) and labels (count,), as many of each digit, in random order."""
    drawings = min(_GLYPHS, count)
    glyphs = [[_glyph(random, digit) for _ in range(drawings)] for digit in range(CLASSES)]
    labels = random.permutation(np.arange(count) % CLASSES).astype(np.uint8)
    chosen = random.integers(drawings, size=count)
    matrices = _matrices(random, count).tolist()
    images = np.empty((count, SIDE, SIDE), np.uint8)
    for index, matrix in enumerate(matrices):
        glyph = glyphs[labels[index]][chosen[index]]
        images[index] = glyph.transform(
            (SIDE, SIDE), Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR
        )
    for start in range(0, count, _CHUNK):
        images[start : start + _CHUNK] = _noisy(random, images[start : start + _CHUNK])
    return images, labels


def _glyph(random: Generator, digit: int) -> Image.Image:
    """Draw a digit in the middle of a sheet, in print or by hand."""
    sheet = Image.new("L", (_SHEET, _SHEET))
    draw = ImageDraw.Draw(sheet)
    if random.random() < 1 / 3:
        _print(draw, random, digit)
    else:
        _write(draw, random, digit)
    return sheet


def _print(draw: ImageDraw.ImageDraw, random: Generator, digit: int) -> None:
    font = ImageFont.load_default(random.uniform(0.9, 1.1) * _INK * 1.4)  # a digit is 0.7 of the font's size
    thick = float(random.uniform(0, 3))
    middle = (_SHEET / 2, _SHEET / 2)
    draw.text(middle, str(digit), fill=255, font=font, anchor="mm", stroke_width=thick, stroke_fill=255)


def _write(draw: ImageDraw.ImageDraw, random: Generator, digit: int) -> None:
    forms = DRAWINGS[digit]
    width = int(random.integers(4, 11))
    # The same shift for the same point, so that strokes which meet go on meeting.
    shifts: dict[tuple[int, int], NDArray[np.float64]] = {}
    size = np.array([random.uniform(0.55, 0.85), 1]) * _INK
    for stroke in strokes(forms[random.integers(len(forms))]):
        for point in stroke:
            shifts.setdefault(point, random.normal(0, 3.5, 2))
        points = curve(np.array([np.array(point) + shifts[point] for point in stroke]))
        _line(draw, (points / 100 - 0.5) * size + _SHEET / 2, width)


def _line(draw: ImageDraw.ImageDraw, points: NDArray[np.float64], width: int) -> None:
    """Draw with a round pen."""
    draw.line([(x, y) for x, y in points.tolist()], fill=255, width=width)
    for x, y in points.tolist():
        draw.circle((x, y), width / 2 - 0.5, fill=255)


def _matrices(random: Generator, count: int) -> NDArray[np.float64]:
    """Choose for each image how its pixels are found on the sheet: (count, 6), as Image.transform takes them."""
    height = random.uniform(15, 23, count)  # pixels of a digit in an image
    wide = random.uniform(0.8, 1.2, count)
    turn, slant = random.normal(0, 0.1, count), random.normal(0.1, 0.2, count)
    scale = _INK / height
    a, b = np.cos(turn) / wide, np.sin(turn) + slant
    d, e = -np.sin(turn) / wide, np.cos(turn)
    linear = np.stack([a, b, d, e], axis=1) * scale[:, None]
    place = SIDE / 2 + random.normal(0, 1.2, (count, 2))
    offset_x = _SHEET / 2 - (linear[:, 0] * place[:, 0] + linear[:, 1] * place[:, 1])
    offset_y = _SHEET / 2 - (linear[:, 2] * place[:, 0] + linear[:, 3] * place[:, 1])
    return np.stack([linear[:, 0], linear[:, 1], offset_x, linear[:, 2], linear[:, 3], offset_y], axis=1)


def _noisy(random: Generator, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Vary the ink's brightness, and add noise of a strength of its own to each image."""
    shape = (len(images), 1, 1)
    ink, strength = random.uniform(0.6, 1, shape), random.uniform(0, 20, shape)
    noise = random.standard_normal(images.shape, np.float32) * strength.astype(np.float32)
    noisy: NDArray[np.float32] = images * ink.astype(np.float32) + noise
    return noisy.clip(0, 255).astype(np.uint8)
