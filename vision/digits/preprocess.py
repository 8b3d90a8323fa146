"""A person's digit as MNIST has it, in three steps: find the ink, pick its pieces, normalise them.

Find: what is ink, and not paper, light, a shadow, a line or a speck. Pick: which pieces of it are the digit's.
Normalise: light on dark, fitted into 20 x 20, centred by mass in 28 x 28.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits": normalised to fit in a 20 x 20 box while
keeping the shape, grey from anti-aliasing, then centred in 28 x 28 by the centre of mass of the pixels.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from vision.digits.network import SIDE
from vision.errors import NoInk

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Whole = NDArray[np.intp]

_SIDE = 240  # pixels of the longer side in which ink is looked for: a dozen for each that the digit will have
_COARSE = 32  # pixels of the longer side in which light and shadows are looked at
_BROAD = 0.3  # of the longer side: what is broader in both directions is a shadow, not a stroke
_FAINTEST = 20.0  # grey levels between ink and paper: less is a crease, or what JPEG leaves
_CLEAR = 5.0  # standard deviations of the paper's noise by which ink stands out
_FRINGE = 0.12  # of the ink: the palest that counts as a stroke's soft edge
_FILLED = 0.7  # of its box: so much a sheet of paper fills, with a digit on it
_EDGE = 0.06  # of its box, on each side: what may be a sheet's crooked edge
_DIM = 32.0  # grey levels: a ground that is much darker tells nothing of the light
_NORMAL = 0.6745  # the median distance from the mean of a normal distribution, in standard deviations

_ADVICE = "Send one digit, in ink that differs clearly from a plain ground, and larger than a twentieth of the picture."


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
    return _centred(_fitted(find_ink(image)))


# Find: how much of each pixel is ink.


def find_ink(image: Image.Image) -> Floats:
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
    digit = pick_digit(ink > level / 2, ink)
    if _is_sheet(digit):
        with contextlib.suppress(NoInk):
            return _found(pixels[_box(digit, inset=_EDGE)])
    ink *= _grown(_grown(digit)) & (ink > max(_FRINGE * level, 2 * noise))
    return (ink[_box(ink)] / np.quantile(ink[digit], 0.6)).clip(0, 1)


def _is_sheet(digit: Mask) -> bool:
    """Return whether this is a sheet of paper that lies on something: large, and filling its box to the corners."""
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
    dark = mean > 127.5 and np.median(cover[border_mask(cover.shape)]) < 0.5  # noqa: PLR2004 - the middles of their ranges
    ground = np.float32(0 if dark else 255)
    return ground + (colours - ground) * cover


def _contrast(pixels: Floats) -> tuple[Floats, float]:
    """Return how far each pixel is from the ground on the ink's side of it, and the ground's noise, in grey levels.

    The light is divided out, so that ink in the shade counts as much as ink in the sun.
    """
    ground = _ground(pixels)
    light = (ground @ np.full(3, 1 / 3, np.float32)).clip(0) + _DIM
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
    border = border_mask(small.shape, 2)
    ground = np.broadcast_to(np.median(small[border], axis=0), small.shape)
    for degree, where in ((1, border), (2, np.ones_like(border))):
        basis = _basis(small.shape, degree)
        for scale in (64, 24, 12):
            weights = where / (1 + _squared(small - ground) / scale**2) ** 2
            terms = _least_squares(basis.reshape(-1, basis.shape[-1]), small.reshape(-1, 3), weights.reshape(-1, 1))
            ground = basis @ terms
    return np.stack([_enlarged(ground[..., colour], pixels.shape) for colour in range(3)], axis=2)


def _squared(colours: Floats) -> Floats:
    """Take the mean of the squares over (height, width, colour)."""
    squared: Floats = np.einsum("ijk,ijk->ij", colours, colours) / 3
    return squared


def _basis(shape: tuple[int, ...], degree: int) -> Floats:
    y, x = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in shape[:2]), indexing="ij")
    return np.stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)], axis=-1)


def _least_squares(basis: Floats, values: Floats, weights: NDArray[np.floating]) -> Floats:
    weighted = (basis * weights).T
    matrix = weighted @ basis
    little = 1e-5 * np.trace(matrix) * np.eye(len(matrix))  # a picture of one row has no slope down
    return np.linalg.solve(matrix + little, weighted @ values).astype(np.float32)


def _shadows(ink: Floats) -> Floats:
    """Keep what is broad in both directions and reaches the border: a shadow's edge is no stroke."""
    small = _shrunk(ink[..., None])[..., 0]
    size = round(_BROAD * max(small.shape)) // 2 * 2 + 1
    broad = _slid(_slid(small, size, np.min, np.inf), size, np.max, -np.inf)
    names = label_pieces(broad > _FAINTEST / 4)
    at_border = np.isin(names, names[border_mask(names.shape)])
    return _enlarged(np.where(at_border, broad, 0), ink.shape)


def _slid(values: Floats, size: int, best: Callable[..., Floats], outside: float) -> Floats:
    """Take the smallest, or the largest, of the square of so many pixels around each."""
    for _ in range(2):
        padded = np.pad(values, ((size // 2, size // 2), (0, 0)), constant_values=outside)
        values = best(sliding_window_view(padded, size, axis=0), axis=-1).T
    return values


def _level(ink: Floats) -> float:
    """Return how strong ink is, in grey levels: the mean of the upper of two classes.

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


# Pick: which pixels hang together, and which pieces are the digit, not a line or a speck.
_SPECK = 0.12  # of the longer side of the piece with the most ink: shorter is a speck, longer may be a broken stroke's
_FAR = 1.0  # times the same: a piece that is farther away has to be _LARGE
_LARGE = 0.2  # of the most ink
_SMALLEST = 0.04  # of the picture's longer side: a digit is larger
_TALL = 0.1  # of the picture's longer side: something so tall may be a digit
_ALONG = 0.08  # of the border: what touches so much of it leans on it, as shadows and tables do


class _Boxes(NamedTuple):
    """The first and the last row and column of each piece, by its number."""

    top: Whole
    bottom: Whole
    left: Whole
    right: Whole

    @property
    def height(self) -> Whole:
        return self.bottom - self.top + 1

    @property
    def width(self) -> Whole:
        return self.right - self.left + 1

    @property
    def longer(self) -> Whole:
        longer: Whole = np.maximum(self.height, self.width)
        return longer

    def gap(self, one: int) -> Whole:
        """Count the rows or columns between each piece and a certain one; negative where they overlap."""
        rows = np.maximum(self.top - self.bottom[one], self.top[one] - self.bottom)
        gap: Whole = np.maximum(rows, np.maximum(self.left - self.right[one], self.left[one] - self.right))
        return gap


def pick_digit(mask: Mask, ink: Floats) -> Mask:
    """Choose among the pieces of `mask` (height, width) those that are the digit's, by how much `ink` each has.

    They are the piece with the most ink, and those beside it that are no specks. Lines and shadows that reach from the
    border are left out where something as tall as a digit stands clear of it.

    Raises:
        NoInk: what is left is too small for a digit.
    """
    names = label_pieces(mask)
    amounts = np.bincount(names.ravel(), ink.ravel())
    amounts[0] = 0  # what is not in the mask
    boxes = _boxes(names, len(amounts))
    touching = np.bincount(names[border_mask(mask.shape)], minlength=len(amounts))
    if ((touching == 0) & (boxes.height > _TALL * max(mask.shape)) & (amounts > 0)).any():
        across = (boxes.height == mask.shape[0]) | (boxes.width == mask.shape[1])
        amounts[(touching > 0) & (across | (touching > _ALONG * 2 * sum(mask.shape)))] = 0
    kept = _together(boxes, amounts)
    if boxes.longer[kept].max() < _SMALLEST * max(mask.shape):
        raise NoInk("The picture shows nothing larger than a speck. Draw the digit larger, or cut the picture to it.")
    return kept[names]


def _together(boxes: _Boxes, amounts: NDArray[np.number]) -> Mask:
    """Choose the piece with the most ink, and those that may be of the same digit."""
    main = int(amounts.argmax())
    far = boxes.gap(main) > _FAR * boxes.longer[main]
    large, long = amounts > _LARGE * amounts[main], boxes.longer > _SPECK * boxes.longer[main]
    kept: Mask = (amounts > 0) & np.where(far, large, long)
    return kept


def _boxes(names: Whole, count: int) -> _Boxes:
    places = np.nonzero(names)
    ends = []
    for place in places:
        first, last = np.full(count, names.size), np.full(count, -1)
        np.minimum.at(first, names[places], place)
        np.maximum.at(last, names[places], place)
        ends += [first, last]
    return _Boxes(*ends)


def label_pieces(mask: Mask) -> Whole:
    """Number the pieces that hang together by sides or corners: (height, width), from 1; 0 is what is not in the mask.

    The runs of each row are joined to the runs that they touch in the row below.
    """
    width = mask.shape[1] + 1  # an empty column keeps the rows apart
    flat = np.pad(mask, ((0, 0), (0, 1))).ravel()
    starts, ends = np.flatnonzero(np.diff(flat, prepend=False, append=False)).reshape(-1, 2).T
    first = np.searchsorted(ends, starts + width - 1, "right")
    counts = np.maximum(np.searchsorted(starts, ends + width + 1, "left") - first, 0)
    above = np.repeat(np.arange(len(starts)), counts)
    below = np.arange(len(above)) + np.repeat(first - counts.cumsum() + counts, counts)
    names = np.zeros(flat.size, np.intp)
    names[flat] = np.repeat(_joined(len(starts), above, below) + 1, ends - starts)
    return names.reshape(-1, width)[:, :-1]


def _joined(count: int, one: Whole, other: Whole) -> Whole:
    """Number `count` things from 0: those that a chain of pairs (one, other) joins get the same number."""
    names, before = np.arange(count), None
    while before is None or (names != before).any():
        before = names.copy()
        lowest = np.minimum(names[one], names[other])
        for ends in (one, other, before[one], before[other]):
            np.minimum.at(names, ends, lowest)
        names = names[names]
    return np.unique(names, return_inverse=True)[1]


def border_mask(shape: tuple[int, ...], thick: int = 1) -> Mask:
    """Mark the pixels at the border of a picture (height, width)."""
    marked = np.ones(shape[:2], np.bool_)
    marked[thick:-thick, thick:-thick] = False
    return marked


# Normalise: the digit in the size and place of MNIST.
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


def _conventional(pixels: NDArray[np.uint8]) -> bool:
    """Return whether a grey image (28, 28) has a dark border, and light ink of MNIST's size in MNIST's place."""
    light = np.argwhere(pixels > _LIGHT)
    if pixels[border_mask(pixels.shape)].mean() > _DARK or not len(light):
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
