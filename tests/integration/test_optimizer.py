"""How weights follow the gradient: as in Keras, of which a step takes many small calls."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from worker import optimizer

if TYPE_CHECKING:
    from types import ModuleType


@pytest.fixture(scope="module")
def keras() -> ModuleType:
    """Load Keras when a test needs it."""
    return importlib.import_module("keras")


def test_adam_is_that_of_keras(keras: ModuleType) -> None:
    """The fused Adam changes weights as Keras's does."""
    tf = importlib.import_module("tensorflow")
    random = np.random.default_rng(0)
    ours, theirs = tf.Variable([1.0, -2.0, 3.0]), keras.Variable([1.0, -2.0, 3.0])
    mine, reference = optimizer.choose("adam", [ours]), keras.optimizers.Adam(0.01)
    for step in range(1, 6):
        gradient = tf.constant(random.normal(size=3), tf.float32)
        mine.apply([gradient], tf.constant(0.01), tf.constant(step, tf.float32))
        reference.apply([gradient], [theirs])
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4)


def test_momentum_is_that_of_keras(keras: ModuleType) -> None:
    """Gradient descent with momentum changes weights as Keras's does."""
    tf = importlib.import_module("tensorflow")
    random = np.random.default_rng(0)
    ours, theirs = tf.Variable([1.0, -2.0, 3.0]), keras.Variable([1.0, -2.0, 3.0])
    mine, reference = optimizer.choose("sgd", [ours], 0.9), keras.optimizers.SGD(0.01, momentum=0.9)
    for step in range(1, 6):
        gradient = tf.constant(random.normal(size=3), tf.float32)
        mine.apply([gradient], tf.constant(0.01), tf.constant(step, tf.float32))
        reference.apply([gradient], [theirs])
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-6)


def test_gradient_descent() -> None:
    """Plain gradient descent takes the rate's share of the gradient off, and remembers nothing."""
    tf = importlib.import_module("tensorflow")
    variable = tf.Variable([1.0, 2.0])
    descent = optimizer.choose("sgd", [variable])
    descent.apply([tf.constant([10.0, -10.0])], tf.constant(0.1), tf.constant(1.0))
    assert (variable.numpy().tolist(), descent.state) == ([0.0, 3.0], [])
