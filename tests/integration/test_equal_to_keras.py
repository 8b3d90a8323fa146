from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from pictures import encoded, noise
from small_vgg import SIDE, SMALL_VGG

from app.inference.runner import Runner
from vision.images import Limits, View, decode
from vision.networks import VGG16

SIZES = [(1, 1), (1, 5000), (8000, 3), (333, 257)]
KINDS = [
    ("RGB", "JPEG"),
    ("L", "JPEG"),
    ("CMYK", "JPEG"),
    ("RGB", "PNG"),
    ("RGBA", "PNG"),
    ("LA", "PNG"),
    ("I;16", "PNG"),
    ("1", "PNG"),
    ("P", "PNG"),
    ("P", "GIF"),
    ("RGB", "WEBP"),
    ("RGBA", "WEBP"),
    ("RGB", "BMP"),
]

Scores = list[NDArray[np.float32]]


@pytest.fixture(scope="module")
def runner(random_weights: Path) -> Runner:
    """Load VGG16 as the service does."""
    return Runner(VGG16, random_weights, "float32", sizes=(1, 2, 4, 8))


@pytest.fixture(scope="module")
def reference(random_weights: Path) -> Any:  # noqa: ANN401 - Keras has no types
    """Load VGG16 as Keras's own documentation does."""
    return keras.applications.VGG16(weights=str(random_weights))


def pixels(data: bytes, fit: str) -> NDArray[np.uint8]:
    """Decode as the service does."""
    return decode(data, (View(224, fit),), Limits(64_000_000, 100)).views[0]  # type: ignore[arg-type]


def ours(runner: Runner, pictures: Sequence[NDArray[np.uint8]]) -> Scores:
    """Score in batches of every size that is traced."""
    scores: Scores = []
    for size in [1, 2, 3, 5, *[8] * (len(pictures) // 8 + 1)]:
        if batch := pictures[len(scores) : len(scores) + size]:
            scores += runner(batch)
    return scores


def theirs(reference: Any, pictures: Sequence[NDArray[np.uint8]]) -> Scores:  # noqa: ANN401
    """Score the same pixels with Keras's own preprocessing and network."""
    ready = keras.applications.vgg16.preprocess_input(np.stack(pictures).astype(np.float32))
    return [
        scores for start in range(0, len(ready), 8) for scores in reference.predict_on_batch(ready[start : start + 8])
    ]


def assert_equal(mine: Scores, reference: Scores) -> None:
    """Compare scores and the order of the ten best."""
    assert len(mine) == len(reference)
    for one, other in zip(mine, reference, strict=True):
        assert np.abs(one - other).max() < 1e-5
        assert (np.argsort(-one, kind="stable")[:10] == np.argsort(-other, kind="stable")[:10]).all()


def test_generated_pictures(runner: Runner, reference: Any) -> None:  # noqa: ANN401
    """On 52 pictures of every accepted mode and odd size, scores equal Keras's to 1e-5, in the same order."""
    files = [
        encoded(noise(size, mode, seed), kind)
        for seed, (size, (mode, kind)) in enumerate((size, kind) for size in SIZES for kind in KINDS)
    ]
    pictures = [pixels(data, ("crop", "stretch")[number % 2]) for number, data in enumerate(files)]
    assert len(pictures) >= 50
    assert_equal(ours(runner, pictures), theirs(reference, pictures))


def test_photographs(runner: Runner, reference: Any, photos: Path) -> None:  # noqa: ANN401
    """On the four photographs, cropped and stretched, likewise."""
    files = [path.read_bytes() for path in sorted(photos.iterdir())]
    pictures = [pixels(data, fit) for data in files for fit in ("crop", "stretch")]
    assert_equal(ours(runner, pictures), theirs(reference, pictures))


def test_never_traced_again() -> None:
    """After warm-up no batch size makes TensorFlow trace: the functions are fixed."""
    runner = Runner(SMALL_VGG, None, "float32", made_up=True, sizes=(1, 2, 4, 8))
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    before = [function.name for function in runner._functions.values()]
    for size in range(1, runner.largest + 1):
        assert len(runner([picture] * size)) == size
    assert [function.name for function in runner._functions.values()] == before
