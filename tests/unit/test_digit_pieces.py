import numpy as np
import pytest

from vision.digits import preprocess
from vision.errors import NoInk


@pytest.mark.parametrize("density", [0.0, 0.1, 0.4, 0.6, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (40, 25)])
def test_pieces(density: float, shape: tuple[int, int]) -> None:
    """Two pixels have the same number just when a path of neighbours, also over corners, joins them."""
    mask = np.random.default_rng(0).random(shape) < density
    names, seen = preprocess.label_pieces(mask), np.zeros(shape, np.intp)
    for number, start in enumerate(np.argwhere(mask).tolist(), 1):
        waiting = [tuple(start)] if not seen[*start] else []
        while waiting:
            row, column = waiting.pop()
            if 0 <= row < shape[0] and 0 <= column < shape[1] and mask[row, column] and not seen[row, column]:
                seen[row, column] = number
                waiting += [(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    pairs = set(zip(names.ravel().tolist(), seen.ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(names)) == len(np.unique(seen))
    assert ((names == 0) == ~mask).all()


def test_spiral_is_one_piece() -> None:
    """A long winding line is one piece."""
    mask = np.zeros((101, 101), np.bool_)
    for turn in range(0, 50, 2):
        mask[turn, turn : 101 - turn] = mask[turn : 101 - turn, 100 - turn] = True
        mask[100 - turn, turn : 101 - turn] = mask[turn + 2 : 101 - turn, turn] = True
        mask[turn + 2, turn : turn + 3] = True
    assert preprocess.label_pieces(mask).max() == 1


def test_a_line_is_left_out_only_beside_a_digit() -> None:
    """A line across the picture is left out where something stands clear of it, and only there."""
    mask = np.zeros((100, 100), np.bool_)
    mask[:, 10:14] = True
    assert (preprocess.pick_digit(mask, mask.astype(np.float32)) == mask).all()
    digit = np.zeros_like(mask)
    digit[40:60, 50:54] = True
    assert (preprocess.pick_digit(mask | digit, (mask | digit).astype(np.float32)) == digit).all()


def test_specks() -> None:
    """A small piece counts near a large one, not far from it; a middling one counts anywhere; alone it is too small."""
    ink = np.zeros((200, 200), np.float32)
    ink[80:120, 90:100] = 1
    near, far, middling = ((85, 104), (3, 3), (190, 190))
    ink[near[0] : near[0] + 5, near[1] : near[1] + 5] = 1
    ink[far[0] : far[0] + 5, far[1] : far[1] + 5] = 1
    ink[middling[0] : middling[0] + 10, middling[1] : middling[1] + 10] = 1
    kept = preprocess.pick_digit(ink > 0, ink)
    assert (kept[near], kept[far], kept[middling]) == (True, False, True)
    speck = np.zeros_like(ink)
    speck[3:8, 3:8] = 1
    with pytest.raises(NoInk, match="larger"):
        preprocess.pick_digit(speck > 0, speck)
