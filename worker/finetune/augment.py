"""Photographs changed by chance, so that a network sees each a little differently in every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from bestguess.schemas.job_params import Change

SMALLEST = 0.6  # of the picture's area that a crop keeps at least
STRONGEST = 0.3  # by which brightness, contrast and saturation are raised or lowered at most


def changed(pixels: NDArray[np.uint8], changes: Sequence[Change], random: Generator) -> NDArray[np.uint8]:
    """Change a photograph of (side, side, 3) in the ways that are named; what `random` draws decides how far.

    `flip` mirrors every second one, `crop` enlarges a square part of it, and `colour` moves brightness, contrast and
    saturation, as is usual since Krizhevsky et al. 2012 ("ImageNet classification with deep convolutional networks").
    """
    image = Image.fromarray(pixels)
    if "crop" in changes:
        image = _cropped(image, random)
    if "flip" in changes and random.random() < 0.5:  # noqa: PLR2004 - a coin
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if "colour" in changes:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            image = enhance(image).enhance(random.uniform(1 - STRONGEST, 1 + STRONGEST))
    return np.asarray(image)


def _cropped(image: Image.Image, random: Generator) -> Image.Image:
    side = image.width * np.sqrt(random.uniform(SMALLEST, 1))
    left, top = random.uniform(0, image.width - side, 2)
    return image.resize(image.size, Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
