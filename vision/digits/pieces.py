"""The pieces of what may be ink: which pixels hang together, and which pieces are the digit, not a line or a speck."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vision.errors import NoInk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Whole = NDArray[np.intp]

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


def of_digit(mask: Mask, ink: Floats) -> Mask:
    """Choose among the pieces of `mask` (height, width) those that are the digit's, by how much `ink` each has.

    They are the piece with the most ink, and those beside it that are no specks. Lines and shadows that reach from the
    border are left out where something as tall as a digit stands clear of it.

    Raises:
        NoInk: what is left is too small for a digit.
    """
    names = named(mask)
    amounts = np.bincount(names.ravel(), ink.ravel())
    amounts[0] = 0  # what is not in the mask
    boxes = _boxes(names, len(amounts))
    touching = np.bincount(names[rim(mask.shape)], minlength=len(amounts))
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


def named(mask: Mask) -> Whole:
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


def rim(shape: tuple[int, ...], thick: int = 1) -> Mask:
    """Mark the pixels at the border of a picture (height, width)."""
    marked = np.ones(shape[:2], np.bool_)
    marked[thick:-thick, thick:-thick] = False
    return marked
