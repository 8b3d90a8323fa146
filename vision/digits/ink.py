"""The ink of one digit in a picture of any kind, told from paper, light, shadows, lines and specks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from vision.digits.pieces import named, of_digit, rim
from vision.errors import NoInk

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.bool_]

_SIDE = 240  # pixels of the longer side in which ink is looked for: a dozen for each that the digit will have
_COARSE = 32  # pixels of the longer side in which light and shadows are looked at
_BROAD = 0.3  # of the longer side: what is broader in both directions is a shadow, not a stroke
_FAINTEST = 20.0  # grey levels between ink and paper: less is a crease, or what JPEG leaves
_CLEAR = 5.0  # standard deviations of the paper's noise by which ink stands out
_FRINGE = 0.12  # of the ink: the palest that counts as a stroke's soft edge
_FILLED = 0.7  # of its box: so much a sheet of paper fills, with a digit on it
_EDGE = 0.06  # of its box, on each side: what may be a sheet's crooked edge
_DARK = 32.0  # grey levels: a ground that is much darker tells nothing of the light
_NORMAL = 0.6745  # the median distance from the mean of a normal distribution, in standard deviations

_ADVICE = "Send one digit, in ink that differs clearly from a plain ground, and larger than a twentieth of the picture."


def find(image: Image.Image) -> Floats:
    """Return how much of each pixel is ink, 0 to 1: (height, width), cut to the digit's box.

    Ink is what differs from the ground, in lightness or in colour, and the ground is what most of the border shows. A
    picture is looked at with at most 240 pixels on its longer side.

    Raises:
        NoInk: nothing stands out from the ground as a digit would.
    """
    return _found(_pixels(image))


def _found(pixels: Floats) -> Floats:
    ink, noise = _contrast(pixels)
    level = _level(ink)
    if level < max(_FAINTEST, _CLEAR * noise):
        raise NoInk(f"The picture shows no ink. {_ADVICE}")
    digit = of_digit(ink > level / 2, ink)
    if _is_sheet(digit):
        with contextlib.suppress(NoInk):
            return _found(pixels[_box(digit, inset=_EDGE)])
    ink *= _grown(_grown(digit)) & (ink > max(_FRINGE * level, 2 * noise))
    return (ink[_box(ink)] / np.quantile(ink[digit], 0.6)).clip(0, 1)


def _is_sheet(digit: Mask) -> bool:
    """Say whether this is a sheet of paper that lies on something: large, and filling its box to the corners."""
    inside = digit[_box(digit, inset=_EDGE)]
    large = min(inside.shape) > _SIDE / 4
    return bool(large and inside.mean() > _FILLED and inside[[0, 0, -1, -1], [0, -1, 0, -1]].all())


def _pixels(image: Image.Image) -> Floats:
    scale = min(1.0, _SIDE / max(image.size))
    width, height = (max(1, round(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2) if scale < 1 else image
    if "A" in small.getbands():
        return _opaque(np.asarray(small.convert("RGBA"), np.float32))
    return np.asarray(small.convert("RGB"), np.float32)


def _opaque(pixels: Floats) -> Floats:
    """Lay RGBA on white, or on black where light ink has nothing around it: on white it would vanish."""
    colours, cover = pixels[..., :3], pixels[..., 3:] / np.float32(255)
    mean = (colours * cover).mean() / max(float(cover.mean()), 1 / 255)
    dark = mean > 127.5 and np.median(cover[rim(cover.shape)]) < 0.5  # noqa: PLR2004 - the middles of their ranges
    ground = np.float32(0 if dark else 255)
    return ground + (colours - ground) * cover


def _contrast(pixels: Floats) -> tuple[Floats, float]:
    """Say how far each pixel is from the ground on the ink's side of it, and how noisy the ground is: in grey levels.

    The light is divided out, so that ink in the shade counts as much as ink in the sun.
    """
    ground = _ground(pixels)
    light = (ground @ np.full(3, 1 / 3, np.float32)).clip(0) + _DARK
    away = pixels - ground
    squared = _squared(away)
    ink_is = np.einsum("ijk,ij->k", away, squared)  # the cubes of what is far outweigh the many that are near
    along = away @ (ink_is / (np.linalg.norm(ink_is) or 1))
    noise = float(np.median(np.abs(along[::2, ::2]))) / _NORMAL / 3**0.5
    ink = np.asarray(np.where(along > 0, np.sqrt(squared), 0) * (light.mean() / light), np.float32)
    return np.maximum(ink - _shadows(ink), 0), noise


def _ground(pixels: Floats) -> Floats:
    """Fit a surface of the second degree to each colour, which ink, far from it, does not pull up.

    It begins as a plane through the border. Weights: Geman and McClure 1987, with a scale that shrinks.
    """
    small = _shrunk(pixels)
    border = rim(small.shape, 2)
    ground = np.broadcast_to(np.median(small[border], axis=0), small.shape)
    for degree, where in ((1, border), (2, np.ones_like(border))):
        basis = _basis(small.shape, degree)
        for scale in (64, 24, 12):
            weights = where / (1 + _squared(small - ground) / scale**2) ** 2
            terms = _fitted(basis.reshape(-1, basis.shape[-1]), small.reshape(-1, 3), weights.reshape(-1, 1))
            ground = basis @ terms
    return np.stack([_enlarged(ground[..., colour], pixels.shape) for colour in range(3)], axis=2)


def _squared(colours: Floats) -> Floats:
    """Take the mean of the squares over (height, width, colour)."""
    squared: Floats = np.einsum("ijk,ijk->ij", colours, colours) / 3
    return squared


def _basis(shape: tuple[int, ...], degree: int) -> Floats:
    y, x = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in shape[:2]), indexing="ij")
    return np.stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)], axis=-1)


def _fitted(basis: Floats, values: Floats, weights: NDArray[np.floating]) -> Floats:
    weighted = (basis * weights).T
    matrix = weighted @ basis
    little = 1e-5 * np.trace(matrix) * np.eye(len(matrix))  # a picture of one row has no slope down
    return np.linalg.solve(matrix + little, weighted @ values).astype(np.float32)


def _shadows(ink: Floats) -> Floats:
    """Keep what is broad in both directions and reaches the border: a shadow's edge is no stroke."""
    small = _shrunk(ink[..., None])[..., 0]
    size = round(_BROAD * max(small.shape)) // 2 * 2 + 1
    broad = _slid(_slid(small, size, np.min, np.inf), size, np.max, -np.inf)
    names = named(broad > _FAINTEST / 4)
    at_border = np.isin(names, names[rim(names.shape)])
    return _enlarged(np.where(at_border, broad, 0), ink.shape)


def _slid(values: Floats, size: int, best: Callable[..., Floats], outside: float) -> Floats:
    """Take the smallest, or the largest, of the square of so many pixels around each."""
    for _ in range(2):
        padded = np.pad(values, ((size // 2, size // 2), (0, 0)), constant_values=outside)
        values = best(sliding_window_view(padded, size, axis=0), axis=-1).T
    return values


def _level(ink: Floats) -> float:
    """Say how strong ink is, in grey levels: the mean of the upper of two classes.

    Source: Otsu 1979, "A threshold selection method from gray-level histograms".
    """
    counts = np.bincount(ink.ravel().astype(np.intp))
    sums = (counts * np.arange(len(counts))).cumsum()
    below = counts.cumsum()[:-1]
    above = ink.size - below
    means = (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    between = below * above * (sums[:-1] / np.maximum(below, 1) - means) ** 2
    return float(means[between.argmax()]) if len(between) else 0.0


def _shrunk(pixels: Floats) -> Floats:
    scale = min(1.0, _COARSE / max(pixels.shape))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    colours = (Image.fromarray(pixels[..., colour]) for colour in range(pixels.shape[2]))
    return np.stack([np.asarray(one.resize((width, height), Image.Resampling.BOX)) for one in colours], axis=2)


def _enlarged(values: Floats, shape: tuple[int, ...]) -> Floats:
    return np.asarray(Image.fromarray(values).resize((shape[1], shape[0]), Image.Resampling.BILINEAR))


def _grown(mask: Mask) -> Mask:
    """Add the neighbours."""
    padded = np.pad(mask, 1)
    tall = padded[:-2] | padded[1:-1] | padded[2:]
    return tall[:, :-2] | tall[:, 1:-1] | tall[:, 2:]


def _box(ink: Floats | Mask, inset: float = 0) -> tuple[slice, slice]:
    """Return the rows and columns of the box around ink, less a part of it on each side."""
    lines = [np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0)]
    less = [round(inset * (line[-1] - line[0])) for line in lines]
    rows, columns = (slice(line[0] + by, line[-1] + 1 - by) for line, by in zip(lines, less, strict=True))
    return rows, columns
