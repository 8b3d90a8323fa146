from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.training import tutorial_network
from bestguess.schemas.job_params import MnistParams
from vision.digits import network
from worker.checkpoint import Checkpoint
from worker.errors import LARGEST_LOSS, Diverged, Stopped
from worker.mnist.batches import Batches, rates
from worker.mnist.stepping import Stepper
from worker.mnist.synthetic import synthetic_digits
from worker.mnist.training import Report, Result, train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from numpy.typing import NDArray

    from worker.mnist.data import Digits


@pytest.fixture(scope="module")
def keras() -> ModuleType:
    """Import Keras when the first of these tests runs, not when they are collected."""
    return importlib.import_module("keras")


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Draw a few hundred digits."""
    return synthetic_digits(seed=0, train=600, test=200)


@pytest.fixture(scope="module")
def trained(digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, list[Report]]:
    """Train a network once, for whatever only looks at it."""
    reports: list[Report] = []
    params = MnistParams(steps=65, report_every=20, seed=5)
    return train(params, digits, reports.append, lambda: False, Checkpoint(tmp_path_factory.mktemp("job"))), reports


def _quiet(_: Report) -> None:
    """Hear of a report and do nothing."""


def _losses(digits: Digits, precision: str) -> NDArray[np.float32]:
    params = MnistParams(dropout=0)
    stepper = Stepper(params, digits, 1, precision)
    return stepper(Batches(len(digits.x_train), 50, 1).take(0, 10), rates(0.001, 0, 10, 1000), 0)[0]


def test_learns(trained: tuple[Result, list[Report]]) -> None:
    """A few steps teach a network most of the digits, and its result says what it did."""
    result, _ = trained
    assert result.train_accuracy > 0.8
    assert result.test_accuracy > 0.7
    assert result.seed == 5
    assert result.seconds > 0


def test_reports_fall_on_their_steps(trained: tuple[Result, list[Report]]) -> None:
    """The history has an entry every `report_every` steps and one at the end; progress in between never goes back."""
    result, reports = trained
    entries = [report.entry for report in reports if report.entry]
    assert [entry.step for entry in entries] == [20, 40, 60, 65]
    assert tuple(entries) == result.history
    assert entries[0].loss > entries[-1].loss
    steps = [report.progress.step for report in reports]
    assert steps == sorted(steps)
    assert steps[0] == 0
    assert {report.progress.total_steps for report in reports} == {65}


def test_progress_has_the_last_entry(trained: tuple[Result, list[Report]]) -> None:
    """Progress shows the last entry's numbers, images a second and the time left, which covers the evaluation."""
    for progress, entry in trained[1]:
        if entry:
            assert (progress.step, progress.train_accuracy, progress.loss) == (
                entry.step,
                entry.train_accuracy,
                entry.loss,
            )
            assert progress.images_per_second is not None
            assert progress.images_per_second > 0
            assert progress.eta_seconds is not None
            assert progress.eta_seconds > 0


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")  # Keras 3.15
def test_saved_model(trained: tuple[Result, list[Report]], digits: Digits, tmp_path: Path, keras: ModuleType) -> None:
    """The network is saved and loaded as plain float32 Keras, and is as right as its training said."""
    result, _ = trained
    result.model.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    logits = model.predict(digits.x_test[..., None] / np.float32(255), verbose=0)
    assert (logits.shape, logits.dtype) == ((200, 10), np.float32)
    assert (logits.argmax(axis=1) == digits.y_test).mean() == pytest.approx(result.test_accuracy, abs=0.005)


def test_network_is_the_tutorials(digits: Digits) -> None:
    """Pooling before the rectifier gives the very answers of the tutorial's order, with the same weights."""
    ours, tutorial = network.build(0.5, seed=1), tutorial_network(0.5)
    tutorial.set_weights(ours.get_weights())
    pixels = digits.x_test[:20, ..., None] / np.float32(255)
    np.testing.assert_allclose(ours(pixels), tutorial(pixels), atol=1e-5)
    assert ours.count_params() == 3_274_634


def test_bfloat16_learns_like_float32(digits: Digits) -> None:
    """In bfloat16 the losses of the first steps are those of float32 within a few per cent."""
    exact = _losses(digits, network.FLOAT32)
    np.testing.assert_allclose(_losses(digits, network.BFLOAT16), exact, rtol=0.1)
    assert exact[-1] < exact[0]


def test_resumed_training(digits: Digits, tmp_path: Path) -> None:
    """A training that goes on from its checkpoint, inside an interval, has the history of one that never stopped."""
    params = MnistParams(steps=12, report_every=5, batch_size=20, seed=9)
    whole = train(params, digits, _quiet, lambda: False, Checkpoint(tmp_path / "whole"))
    checkpoint, asked = Checkpoint(tmp_path / "broken", every=math.inf), 0

    def stop_after_saving_the_third() -> bool:
        nonlocal asked
        asked += 1
        checkpoint.every = 0 if asked == 3 else math.inf
        return asked > 3

    with pytest.raises(Stopped):
        train(params, digits, _quiet, stop_after_saving_the_third, checkpoint)
    saved = checkpoint.load()
    assert saved is not None
    assert saved[0] == 3
    reports: list[Report] = []
    resumed = train(params, digits, reports.append, lambda: False, checkpoint)
    assert reports[0].progress.step == 3
    assert [entry.step for entry in resumed.history] == [5, 10, 12]
    for after, before in zip(resumed.history, whole.history, strict=True):
        assert after.loss == pytest.approx(before.loss, rel=0.02)
        assert after.train_accuracy == pytest.approx(before.train_accuracy, abs=0.02)


def test_a_resumed_training_tells_all(digits: Digits, tmp_path: Path) -> None:
    """Whoever saved a checkpoint may have been cut off, so that the next one tells of all that is in it once more."""
    params = MnistParams(steps=10, report_every=5, batch_size=20, seed=9)
    checkpoint = Checkpoint(tmp_path, every=0)
    train(params, digits, _quiet, lambda: False, checkpoint)
    reports: list[Report] = []
    train(params, digits, reports.append, lambda: False, checkpoint)
    assert [report.entry.step for report in reports if report.entry] == [5, 10]


def test_resume_without_a_seed(digits: Digits, tmp_path: Path) -> None:
    """A training without a seed draws one, and keeps it when it goes on."""
    params = MnistParams(steps=6, batch_size=10)
    checkpoint = Checkpoint(tmp_path, every=0)
    first = train(params, digits, _quiet, lambda: False, checkpoint)
    assert checkpoint.load() is not None
    assert train(params, digits, _quiet, lambda: False, checkpoint).seed == first.seed


def test_divergence(digits: Digits, tmp_path: Path) -> None:
    """A loss beyond all bounds ends the training at its very step, and the message names step and rate."""
    params = MnistParams(steps=300, optimizer="sgd", learning_rate=50, batch_size=20, seed=2)
    with pytest.raises(Diverged, match="learning rate 50") as caught:
        train(params, digits, _quiet, lambda: False, Checkpoint(tmp_path))
    assert caught.value.code == "diverged"
    assert f"step {caught.value.step} " in str(caught.value)
    stepper, batches = Stepper(params, digits, 2, network.fastest_precision()), Batches(600, 20, 2)
    losses = [stepper(batches.take(i, 1), rates(50, i, 1, 300), i)[0][0] for i in range(caught.value.step)]
    assert [loss < LARGEST_LOSS for loss in losses] == [True] * (caught.value.step - 1) + [False]


def test_answers_that_are_no_numbers(digits: Digits, tmp_path: Path) -> None:
    """A network whose last step has made its answers boundless has diverged, though no loss says so."""
    params = MnistParams(steps=1, optimizer="sgd", batch_size=20, seed=2).model_copy(update={"learning_rate": 1e38})
    with pytest.raises(Diverged, match=r"beyond all bounds at step 1 .* 1e\+38\. Choose a smaller one"):
        train(params, digits, _quiet, lambda: False, Checkpoint(tmp_path))


@pytest.mark.parametrize("rate", [1000, 1e30, math.inf, math.nan])
def test_group_ends_at_divergence(digits: Digits, rate: float) -> None:
    """Steps after one whose loss is beyond all bounds are not taken, though they are in the same call."""
    params = MnistParams(optimizer="sgd", batch_size=20)
    stepper = Stepper(params, digits, 2, network.FLOAT32)
    losses, right = stepper(Batches(600, 20, 2).take(0, 20), np.full(20, rate, np.float32), 0)
    assert len(losses) == len(right) < 20
    assert [bool(loss < LARGEST_LOSS) for loss in losses] == [True] * (len(losses) - 1) + [False]


def _stop_at(step: int) -> tuple[Callable[[Report], None], Callable[[], bool]]:
    at: list[int] = [0]
    return lambda report: at.append(report.progress.step), lambda: at[-1] >= step


@pytest.mark.parametrize("step", [0, 4, 8])
def test_stop(digits: Digits, tmp_path: Path, step: int) -> None:
    """A training stops when it is told to: before its first step, in the middle, and while it is evaluated."""
    report, should_stop = _stop_at(step)
    with pytest.raises(Stopped):
        train(MnistParams(steps=8, report_every=4), digits, report, should_stop, Checkpoint(tmp_path))
