from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bestguess.schemas.job_params import MnistParams
from bestguess.schemas.report import REPORT_FILE, Report
from vision.pictures.report import draw
from worker.checkpoint import Checkpoint
from worker.errors import Stopped
from worker.mnist.data import Digits, read
from worker.mnist.evaluation import accuracy, logits, part_right
from worker.mnist.report import describe, make_report, write_report
from worker.mnist.synthetic import synthetic_digits
from worker.mnist.training import Result, train

if TYPE_CHECKING:
    from numpy.typing import NDArray

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"
PARAMS = MnistParams(steps=40, report_every=10, seed=3, dataset="synthetic-digits")


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Draw a few hundred digits."""
    return synthetic_digits(seed=0, train=600, test=1200)


@pytest.fixture(scope="module")
def trained(digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Train a network that still makes mistakes."""
    return train(PARAMS, digits, lambda _: None, lambda: False, Checkpoint(tmp_path_factory.mktemp("job")))


@pytest.fixture(scope="module")
def said(trained: Result, digits: Digits) -> NDArray[np.float32]:
    """Ask the network about all test images."""
    return logits(trained.model, digits.x_test, lambda _: None)


def test_logits_are_the_networks(trained: Result, digits: Digits, said: NDArray[np.float32]) -> None:
    """The logits of the test images are what the network says to each, the last batch included."""
    assert (said.shape, said.dtype) == ((1200, 10), np.float32)
    last = trained.model(digits.x_test[1190:, ..., None] / np.float32(255), training=False)
    np.testing.assert_allclose(said[1190:], last, atol=1e-4)
    assert part_right(said, digits.y_test) == trained.test_accuracy
    assert accuracy(trained.model, digits.x_test, digits.y_test, lambda _: None) == trained.test_accuracy


def test_evaluation_can_be_ended(trained: Result, digits: Digits) -> None:
    """Before each thousand images somebody is heard, and can end it."""
    heard: list[int] = []

    def until_the_second(done: int) -> None:
        heard.append(done)
        if done:
            raise Stopped

    with pytest.raises(Stopped):
        logits(trained.model, digits.x_test, until_the_second)
    assert heard == [0, 1000]


def test_report_of_a_training(trained: Result, digits: Digits, said: NDArray[np.float32], tmp_path: Path) -> None:
    """The report says what the training said, is written as JSON, and is drawn from what was written."""
    report = make_report("job_1", PARAMS.model_dump(), digits, trained.history, said)
    assert report.accuracy == trained.test_accuracy
    assert [point.step for point in report.learning_curve] == [10, 20, 30, 40]
    assert sum(map(sum, report.confusion_matrix)) == report.test_images == 1200
    assert [each.support for each in report.per_class] == [120] * 10
    for mistake in report.worst_mistakes:
        assert mistake.label == str(digits.y_test[mistake.index]) != mistake.predicted
        assert mistake.score >= mistake.true_score
    write_report(tmp_path, report)
    written = json.loads((tmp_path / REPORT_FILE).read_text())
    assert (written["params"]["seed"], written["dataset"]["name"]) == (3, "synthetic-digits")
    assert draw(Report.model_validate(written), "svg") == draw(report, "svg")
    assert b"drawn by a program" in draw(report, "svg")


def test_descriptions(digits: Digits) -> None:
    """Drawn digits are called drawn, and an mnist.npz of other images is not called MNIST."""
    assert "drawn by a program" in describe(digits).description
    assert describe(digits).official is None
    arrays = {name: getattr(digits, name) for name in digits.sha256}
    other = describe(Digits.of("mnist", arrays))
    assert (other.description, other.official) == ("an mnist.npz that is not the official one", False)


def test_official_mnist() -> None:
    """The real MNIST is called so."""
    if not MNIST.exists():
        pytest.skip(f"MNIST is not at {MNIST}")
    found = describe(read(MNIST))
    assert (found.description, found.official, found.train_images) == ("MNIST, handwritten digits", True, 60_000)
