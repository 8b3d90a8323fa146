import numpy as np
import pytest

from worker.mnist.data import Digits
from worker.mnist.strokes import DRAWINGS, curve, strokes
from worker.mnist.synthetic import synthetic_digits


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Draw a few hundred."""
    return synthetic_digits(seed=1, train=400, test=200)


def test_form_of_mnist(digits: Digits) -> None:
    """They have MNIST's shapes, types and ranges, as many of each digit, and are never taken for it."""
    assert (digits.x_train.shape, digits.x_train.dtype, digits.x_test.shape) == ((400, 28, 28), np.uint8, (200, 28, 28))
    assert np.bincount(digits.y_train).tolist() == [40] * 10
    assert np.bincount(digits.y_test).tolist() == [20] * 10
    assert (digits.name, digits.official) == ("synthetic-digits", False)


def test_seed(digits: Digits) -> None:
    """The same seed draws the same images, another draws others."""
    assert synthetic_digits(seed=1, train=400, test=200).sha256 == digits.sha256
    assert not set(synthetic_digits(seed=2, train=400, test=200).sha256.values()) & set(digits.sha256.values())


def test_no_image_twice(digits: Digits) -> None:
    """No two images are the same, in particular none to test with is one to train with."""
    pictures = [image.tobytes() for image in (*digits.x_train, *digits.x_test)]
    assert len(set(pictures)) == 600


def test_ink_on_black(digits: Digits) -> None:
    """Each image has bright ink near its middle, and its corners are dark but for noise."""
    assert digits.x_train[:, 6:22, 6:22].max(axis=(1, 2)).min() > 120
    assert digits.x_train[:, :2, :2].mean() < 20


def test_they_look_like_digits(digits: Digits) -> None:
    """Most test images have the label of the training image nearest to them: the labels fit the drawings."""
    train, test = (images.reshape(len(images), -1).astype(np.float32) for images in (digits.x_train, digits.x_test))
    nearest = ((test[:, None] - train) ** 2).sum(axis=2).argmin(axis=1)
    assert (digits.y_train[nearest] == digits.y_test).mean() > 0.5


def test_drawings() -> None:
    """Every digit has drawings, whose points lie in their box."""
    assert sorted(DRAWINGS) == list(range(10))
    points = [point for forms in DRAWINGS.values() for form in forms for stroke in strokes(form) for point in stroke]
    assert 0 <= np.min(points) <= np.max(points) <= 100


def test_curve_goes_through_its_points() -> None:
    """A smooth line passes through each of the points it was made from; two points make a straight one."""
    points = np.array([[0.0, 0.0], [10.0, 5.0], [3.0, 20.0]])
    line = curve(points)
    assert len(line) > len(points)
    assert all(np.abs(line - point).sum(axis=1).min() < 1e-9 for point in points)
    np.testing.assert_array_equal(curve(points[:2]), points[:2])
