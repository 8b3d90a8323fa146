from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from support.images import encoded
from vision.decode.images import Limits, View, decode
from vision.networks import efficientnet_lite0

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

LIMITS = Limits(max_pixels=64_000_000, max_scans=100)
CROP, STRETCH = View(224, "crop", 256, "bicubic"), View(224, "stretch", 256, "bicubic")
# Measured over the cases below, against the whole decoded: pixels differ by 0.17 of 255 on average and by 3 at most,
# scores by 0.0113, and two guesses change places only where their scores are within 0.0011.
MEAN, MOST, SCORE, TIE = 0.25, 4, 0.02, 0.0025


@pytest.fixture(scope="module")
def scores() -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Return what EfficientNet-Lite0 thinks of pixels, with its real weights."""
    model = efficientnet_lite0.build("float32")
    efficientnet_lite0.load(model, None)

    def softmax(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits = np.asarray(
            model(efficientnet_lite0.preprocess(pixels[None].astype(np.float32)), training=False), np.float32
        )[0]
        exponentials = np.exp(logits - logits.max())
        return exponentials / exponentials.sum()

    return softmax


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("astronaut.png", 4),
        ("astronaut.png", 8),
        ("chelsea.png", 8),
        ("coffee.png", 8),
        ("rocket.jpg", 5),
        ("rocket.jpg", 8),
    ],
)
def test_the_guesses_stay(
    photos: Path, scores: Callable[[NDArray[np.uint8]], NDArray[np.float32]], name: str, times: int
) -> None:
    """A large JPEG that is decoded smaller gets the ten guesses of the whole, in their order, ties aside."""
    with Image.open(photos / name) as photo:
        data = encoded(photo.convert("RGB").resize((photo.width * times, photo.height * times)), "JPEG", quality=90)
    with Image.open(io.BytesIO(data)) as large:
        whole = decode(encoded(large, "BMP"), (CROP, STRETCH), LIMITS)
    smaller = decode(data, (CROP, STRETCH), LIMITS)
    assert (smaller.width, smaller.height) == (whole.width, whole.height)
    for found, expected in zip(smaller.views, whole.views, strict=True):
        difference = np.abs(found.astype(int) - expected.astype(int))
        assert difference.max() > 0  # it was decoded smaller
        assert difference.mean() < MEAN
        assert difference.max() <= MOST
        assert_same_guesses(scores(found), scores(expected))


def assert_same_guesses(found: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    """Compare scores, and the classes in each of the first ten places, which only near ties may share out anew."""
    assert np.abs(found - expected).max() < SCORE
    for one, other in zip(found.argsort()[:-11:-1], expected.argsort()[:-11:-1], strict=True):
        assert one == other or abs(expected[one] - expected[other]) < TIE
