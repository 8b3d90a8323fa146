"""Random weights of networks with shortcuts."""

from __future__ import annotations

import keras
import numpy as np
from PIL import Image

from benchmarks.photos import generate
from vision.networks import applications
from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.graph import residual_norms

# Measured: the best score is 0.08 to 0.19, the entropy 3.6 to 4.7 nats; where all scores are the same it is 6.9.
MOST, LEAST_ENTROPY, MOST_ENTROPY = 0.5, 2.5, 6.0


def test_resnet_is_neither_sure_nor_blind() -> None:
    """ResNet50 with random weights gives photographs scores that spread: none is nearly one, nor are all the same."""
    model = applications.builder("ResNet50")("float32")
    pictures = np.stack([np.asarray(generate(seed).resize((224, 224), Image.Resampling.BILINEAR)) for seed in range(4)])
    prepared = applications.caffe(keras.ops.cast(pictures, "float32"))
    for seed in (0, 1):
        applications.randomise(model, seed)
        scores = keras.ops.convert_to_numpy(keras.ops.softmax(model(prepared)))
        entropy = -(scores * np.log(np.maximum(scores, 1e-30))).sum(axis=1)
        assert scores.max() < MOST
        assert entropy.min() > LEAST_ENTROPY
        assert entropy.max() < MOST_ENTROPY


def test_which_norms_end_a_branch() -> None:
    """The batch normalisation last on the longer way to an Add does, also before a dropout; a projection's does not."""
    layers = keras.layers
    pixels = keras.Input((8, 8, 3))
    stem = layers.ReLU()(layers.BatchNormalization(name="stem")(layers.Conv2D(4, 3, padding="same")(pixels)))
    long = layers.BatchNormalization(name="inner")(layers.Conv2D(4, 3, padding="same")(stem))
    long = layers.BatchNormalization(name="last")(layers.Conv2D(6, 3, padding="same")(layers.ReLU()(long)))
    short = layers.BatchNormalization(name="projection")(layers.Conv2D(6, 1)(stem))
    joined = layers.Add()([layers.Dropout(0.1)(long), short])
    second = layers.BatchNormalization(name="second")(layers.Conv2D(6, 3, padding="same")(joined))
    found = layers.Add()([joined, second])
    assert residual_norms(keras.Model(pixels, found)) == {"last", "second"}
    assert sum(layer.residual for layer in LITE0.table.stored) == 9  # one for each repeat of a block
