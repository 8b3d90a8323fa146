"""VGG-19 is Keras's, number by number; what it shares with VGG16 is shown there."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from support.images import encoded, noise
from support.weights_files import write_official
from vision.decode.images import Limits, View, decode
from vision.engines.tensorflow import TensorFlowEngine
from vision.networks.vgg import VGG19


@pytest.fixture(scope="module")
def weights() -> Any:  # noqa: ANN401 - a generator of one path
    """Write half a gigabyte in the official layout; pytest would keep it for three runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vgg19.h5"
        write_official(path, VGG19.table.stored)
        yield path


def test_scores_are_those_of_keras(weights: Path) -> None:
    """With one file of weights, scores equal those of Keras's own VGG-19 to 1e-5, in the same order."""
    engine = TensorFlowEngine(VGG19, weights, "float32", sizes=(1, 2))
    files = [encoded(noise(size, "RGB", seed), "PNG") for seed, size in enumerate([(224, 224), (333, 257), (31, 640)])]
    pictures = [decode(data, (View(224, "crop"),), Limits(64_000_000, 100)).views[0] for data in files]
    ours = np.stack([*engine.run(pictures[:2]), *engine.run(pictures[2:])])
    reference = keras.applications.VGG19(weights=str(weights))
    ready = keras.applications.vgg19.preprocess_input(np.stack(pictures).astype(np.float32))
    theirs = reference.predict_on_batch(ready)
    assert np.abs(ours - theirs).max() < 1e-5
    assert (np.argsort(-ours, kind="stable")[:, :10] == np.argsort(-theirs, kind="stable")[:, :10]).all()
    assert 0.01 < ours.max() < 0.99
    layers = [layer for layer in reference.layers if layer.weights]
    found = [(each.name, tuple(each.kernel.shape), each.output.shape[1:], each.count_params()) for each in layers]
    assert found == [(layer.name, layer.kernel, layer.output, layer.parameters) for layer in VGG19.layers]
