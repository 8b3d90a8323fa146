from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from support.images import encoded, noise
from support.small_vgg import SIDE, SMALL_VGG
from vision.decode.images import Limits, View, decode
from vision.engines.tensorflow import TensorFlowEngine
from vision.networks.vgg import VGG16

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
def engine(random_weights: Path) -> TensorFlowEngine:
    """Load VGG16 as the service does."""
    return TensorFlowEngine(VGG16, random_weights, "float32", sizes=(1, 4))


@pytest.fixture(scope="module")
def reference(random_weights: Path) -> Any:  # noqa: ANN401 - Keras has no types
    """Load VGG16 as Keras's own documentation does."""
    return keras.applications.VGG16(weights=str(random_weights))


def pixels(data: bytes, fit: str) -> NDArray[np.uint8]:
    """Decode as the service does."""
    return decode(data, (View(224, fit),), Limits(64_000_000, 100)).views[0]  # type: ignore[arg-type]


def scores(engine: TensorFlowEngine, pictures: Sequence[NDArray[np.uint8]]) -> Scores:
    """Score in batches of 1, 2 and 4, of which those of 2 are padded."""
    found: Scores = []
    for size in [1, 2, *[4] * len(pictures)]:
        if batch := pictures[len(found) : len(found) + size]:
            found += engine.run(batch)
    return found


def test_preprocessing() -> None:
    """52 pictures of every accepted mode and of odd sizes reach the network with the numbers that Keras gives it."""
    files = [
        encoded(noise(size, mode, seed), kind)
        for seed, (size, (mode, kind)) in enumerate((size, kind) for size in SIZES for kind in KINDS)
    ]
    pictures = np.stack([pixels(data, ("crop", "stretch")[number % 2]) for number, data in enumerate(files)])
    assert pictures.shape == (52, 224, 224, 3)
    ready = np.asarray(VGG16.preprocess(pictures.astype(np.float32)))
    np.testing.assert_array_equal(ready, keras.applications.vgg16.preprocess_input(pictures.astype(np.float32)))


def test_scores(engine: TensorFlowEngine, reference: Any, photos: Path) -> None:  # noqa: ANN401 - Keras has no types
    """On the four photographs, cropped and stretched, and on noise, scores equal Keras's to 1e-5, in the same order."""
    files = [path.read_bytes() for path in sorted(photos.iterdir())]
    pictures = [pixels(data, fit) for data in files for fit in ("crop", "stretch")]
    pictures += [np.asarray(noise((224, 224), seed=seed)) for seed in range(3)]
    ready = keras.applications.vgg16.preprocess_input(np.stack(pictures).astype(np.float32))
    for mine, other in zip(scores(engine, pictures), reference.predict_on_batch(ready), strict=True):
        assert np.abs(mine - other).max() < 1e-5
        assert (np.argsort(-mine, kind="stable")[:10] == np.argsort(-other, kind="stable")[:10]).all()


def test_never_traced_again() -> None:
    """The network is traced once, whatever its batch sizes, and no batch makes TensorFlow trace it again."""
    traces = []

    def preprocess(pixels: Any) -> Any:  # noqa: ANN401 - a TensorFlow tensor
        traces.append(pixels)
        return SMALL_VGG.preprocess(pixels)

    network = replace(SMALL_VGG, preprocess=preprocess)
    engine = TensorFlowEngine(network, None, "float32", sizes=(1, 2, 4, 8))
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    for size in range(1, engine.largest + 1):
        assert len(engine.run([picture] * size)) == size
    assert len(traces) == 1
