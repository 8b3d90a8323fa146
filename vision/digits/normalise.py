"""A person's digit as MNIST would have it: light on dark, fitted into 20 x 20, centred by mass in 28 x 28.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits": normalised to fit in a 20 x 20 box while
keeping the shape, grey from anti-aliasing, then centred in 28 x 28 by the centre of mass of the pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vision.digits import ink
from vision.digits.network import SIDE
from vision.digits.pieces import rim
from vision.errors import NoInk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_BOX = 20  # pixels of the longer side of a digit
_CENTRE = 14  # the row and the column, counted from 0, that MNIST's centres of mass are rounded to
_LIGHT = 64  # of 255: lighter is certainly ink
_DARK = 32.0  # of 255, on average: the border's ground, on which a stroke may end
_SIZES = 14, 22  # pixels: the longer side of what is above _LIGHT; 14 to 20 in MNIST's test images
_OFF = 2.0  # pixels that the centre of mass may be off; MNIST's is off by half a pixel
_FINE = 3  # times the resolution in which strokes are measured and thickened
# Pixels. Strokes of MNIST's are 1.3 to 5 wide, half of them 2.0 to 2.7. On 500 of its test images, redrawn with a pen
# of a tenth of a pixel, thickening raised accuracy from 82.6 to 97.6 %; with 0.8 of a pixel it took one per cent away.
_THIN, _USUAL, _THICK = 1.0, 2.0, 7.5


def normalise(image: Image.Image) -> NDArray[np.uint8]:
    """Return a digit as the networks have learned it: (28, 28) in 0 to 255, light on dark.

    `image` is upright, of any size, grey or RGB; or RGBA, so that light ink on nothing can be told from nothing. What
    already looks like one of MNIST's images is returned bit for bit.

    Raises:
        NoInk: nothing on the picture stands out as a digit would.
    """
    if image.size == (SIDE, SIDE):
        grey = image.convert("L")
        if image.convert("RGBA") == grey.convert("RGBA") and _conventional(pixels := np.array(grey)):
            return pixels
    return _centred(_fitted(ink.find(image)))


def _conventional(pixels: NDArray[np.uint8]) -> bool:
    """Say whether a grey image (28, 28) has a dark border, and light ink of MNIST's size in MNIST's place."""
    light = np.argwhere(pixels > _LIGHT)
    if pixels[rim(pixels.shape)].mean() > _DARK or not len(light):
        return False
    small, large = _SIZES
    placed = np.abs(_centre_of_mass(pixels) - _CENTRE) < _OFF
    return bool(small <= (np.ptp(light, axis=0) + 1).max() <= large and placed.all())


def _centre_of_mass(pixels: NDArray[np.uint8] | Floats) -> NDArray[np.float64]:
    """Return the row and the column, counted from 0 at the middle of the first pixel."""
    rows, columns = pixels.sum(axis=1, dtype=np.float64), pixels.sum(axis=0, dtype=np.float64)
    return np.array([np.average(np.arange(len(line)), weights=line) for line in (rows, columns)])


def _fitted(cover: Floats) -> Floats:
    """Bring ink (height, width) in 0 to 1 into 20 x 20, keeping its shape, and thicken strokes that became too thin."""
    picture = Image.fromarray(cover)
    fine = np.asarray(picture.resize(_size(cover, _BOX * _FINE), Image.Resampling.BILINEAR))
    width = _stroke_width(fine)
    if width > _THICK * _FINE:
        raise NoInk("The picture shows a spot rather than a digit. Send one digit on a plain ground.")
    if width > _THIN * _FINE:
        return np.asarray(picture.resize(_size(cover, _BOX), Image.Resampling.BILINEAR))
    strong = np.median(fine[fine > fine.max() / 2])
    thick = _thickened(fine / strong, (_USUAL * _FINE - width) / 2)
    return np.asarray(Image.fromarray(thick).resize(_size(thick, _BOX), Image.Resampling.BOX))


def _size(cover: Floats, box: int) -> tuple[int, int]:
    height, width = (max(1, round(side * box / max(cover.shape))) for side in cover.shape)
    return width, height


def _stroke_width(cover: Floats) -> float:
    """Estimate the strokes' width in pixels: a long band of this width has a border of twice its area over its width.

    The border's length is the sum of the gradient's lengths (the coarea formula), which counts soft edges rightly.
    """
    down, right = np.gradient(np.pad(cover, 2))
    return float(2 * cover.sum() / np.hypot(down, right).sum())


def _thickened(cover: Floats, radius: float) -> Floats:
    """Go over ink (height, width) with a round brush, whose edge is soft; the result is larger by the brush."""
    reach = math.ceil(radius)
    height, width = (side + 2 * reach for side in cover.shape)
    sheet = np.pad(cover.clip(0, 1), 2 * reach)
    thick = np.pad(cover.clip(0, 1), reach)
    for down, right in np.ndindex(2 * reach + 1, 2 * reach + 1):
        weight = min(1.0, radius + 0.5 - math.hypot(down - reach, right - reach))
        if weight > 0:
            np.maximum(thick, weight * sheet[down : down + height, right : right + width], out=thick)
    return thick


def _centred(digit: Floats) -> NDArray[np.uint8]:
    """Place a digit of at most 20 x 20 so that its centre of mass is in the centre, as far as there is room."""
    image = np.zeros((SIDE, SIDE), np.uint8)
    places = np.floor(_CENTRE + 0.5 - _centre_of_mass(digit)).astype(int)
    top, left = (min(max(0, place), SIDE - side) for place, side in zip(places, digit.shape, strict=True))
    image[top : top + digit.shape[0], left : left + digit.shape[1]] = np.rint(digit.clip(0, 1) * 255)
    return image
