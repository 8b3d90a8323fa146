from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from bestguess.schemas.job_params import MnistParams
from support import drawn_digits
from support.drawn_digits import BLACK, WHITE, Sheet
from vision.digits.preprocess import normalise
from worker.checkpoint import Checkpoint
from worker.mnist.data import Digits, read
from worker.mnist.evaluation import logits, part_right
from worker.mnist.synthetic import synthetic_digits
from worker.mnist.training import train

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    from numpy.random import Generator

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"
KINDS: dict[str, Callable[[Generator], Sheet]] = {
    "dark on light": lambda _: Sheet(),
    "light on dark": lambda _: Sheet(ink=WHITE, paper=BLACK),
    "off centre": drawn_digits.off_centre,
    "half size": lambda _: Sheet(size=0.5),
    "double size": lambda _: Sheet(size=2),
    "coloured": drawn_digits.coloured,
    "JPEG": lambda _: Sheet(quality=20),
    "thin pen": lambda _: Sheet(size=2, pen=2),
    "photographed": drawn_digits.photographed,
}


class Accuracies(NamedTuple):
    """Parts, 0 to 1, of the digits that a network names: as they are, and redrawn, with and without normalisation."""

    plain: float
    normalised: float
    resized: float


class Trained(NamedTuple):
    """A network and the digits that it has not seen."""

    network: keras.Model
    digits: Digits

    def accuracies(self, kind: Callable[[Generator], Sheet], count: int) -> Accuracies:
        """Redraw the first so many test images in a certain way, and see how often it is right."""
        random = np.random.default_rng(0)
        images = self.digits.x_test[:count]
        pictures = [drawn_digits.draw(image, kind(random), random) for image in images]
        ways = (
            images,
            [normalise(picture) for picture in pictures],
            [drawn_digits.resized(picture) for picture in pictures],
        )
        said = np.split(logits(self.network, np.concatenate(ways), lambda _: None), len(ways))
        return Accuracies(*(part_right(way, self.digits.y_test[:count]) for way in said))


def trained(digits: Digits, steps: int, folder: Path) -> Trained:
    """Train a network."""
    params = MnistParams(steps=steps, seed=0)
    return Trained(train(params, digits, lambda _: None, lambda: False, Checkpoint(folder)).model, digits)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train on a part of MNIST, once."""
    if not MNIST.exists():
        pytest.skip(f"MNIST is not at {MNIST}")
    real = read(MNIST)
    short = {key: getattr(real, key)[: 10_000 if key.endswith("train") else 1000] for key in real.sha256}
    return trained(Digits.of("mnist", short), 250, tmp_path_factory.mktemp("mnist"))


def test_all_at_once(mnist: Trained) -> None:
    """MNIST's digits of other sizes, places and colours, as JPEG, are named as well as plain ones, within one point."""
    found = mnist.accuracies(drawn_digits.all_at_once, 1000)
    assert found.plain > 0.94
    assert found.normalised > found.plain - 0.01
    assert found.resized < 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_each_way(mnist: Trained, kind: str) -> None:
    """Each way of drawing by itself costs next to nothing, and much without normalisation."""
    found = mnist.accuracies(KINDS[kind], 100)
    assert found.normalised > found.plain - 0.03
    assert found.resized < found.normalised - 0.2


def test_without_mnist(tmp_path: Path) -> None:
    """The same holds for digits that this program draws, though they were not fitted and centred when learned."""
    found = trained(synthetic_digits(seed=0, train=2000, test=200), 100, tmp_path).accuracies(
        drawn_digits.all_at_once, 200
    )
    assert found.normalised > found.plain - 0.1
    assert found.resized < found.normalised - 0.3
