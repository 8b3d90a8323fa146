"""How a fine-tuning goes on, ends, and what it keeps; on a small VGG, whose weights nobody has trained."""

from __future__ import annotations

import errno
import math
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bestguess.schemas.job_params import FinetuneParams
from jobs.artifacts import ArtifactsUnavailable
from support.photo_datasets import photographs, png, room, stripes
from support.small_vgg import SMALL_VGG
from vision.decode.images import Limits, View, decode
from vision.networks import transfer_learning
from vision.networks.weights import FoundWeights
from worker.checkpoint import Checkpoint
from worker.errors import Diverged, Stopped
from worker.finetune.division import DatasetUnfit
from worker.finetune.evaluation import part_right
from worker.finetune.network import Base, Parent
from worker.finetune.task import Task
from worker.finetune.telling import Telling
from worker.finetune.training import train

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bestguess.schemas.jobs import EpochEntry, Progress
    from jobs.datasets.photographs import Photographs
    from worker.finetune.task import Result

MADE_UP = FoundWeights(None, "random", None, verified=False, size=None)
BASE = Base(SMALL_VGG, MADE_UP)


@dataclass
class Trial:
    """A training of the small network on stripes, and what is heard of it."""

    folder: Path
    data: Photographs = field(default_factory=lambda: stripes(3, 12))
    base: Base = BASE
    most_bytes: int = 1 << 30
    reports: list[tuple[Progress, EpochEntry | None]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    stopped: bool = False

    def run(self, checkpoint: Checkpoint | None = None, **asked: object) -> Result:
        """Train with what is asked for."""
        chosen = {"dataset_id": "ds_test", "batch_size": 8, "epochs": 3, "seed": 1} | asked
        task = Task(FinetuneParams.model_validate(chosen), self.base, self.data)
        telling = Telling(lambda *report: self.reports.append(report), lambda: self.stopped)
        place = room(self.folder, most_bytes=self.most_bytes)
        return train(task, place, telling, checkpoint or Checkpoint(self.folder), self.heard)

    def heard(self, losses: Sequence[float]) -> None:
        """Take note of the steps' losses."""
        self.losses.extend(losses)


@dataclass
class Broken(Trial):
    """One that is stopped once its state was saved, after its fifth step."""

    def __post_init__(self) -> None:
        self.checkpoint = Checkpoint(self.folder, every=math.inf, saved=self._saved)

    def heard(self, losses: Sequence[float]) -> None:
        """Have the state saved after the fifth step."""
        super().heard(losses)
        self.checkpoint.every = 0 if len(self.losses) > 4 else math.inf

    def _saved(self, _: Path) -> None:
        self.stopped = True


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Trial]:
    """Fine-tune once, for whatever only looks at it."""
    trial = Trial(tmp_path_factory.mktemp("learned"))
    return trial.run(freeze=13, learning_rate=0.003, epochs=8), trial


def test_it_learns(learned: tuple[Result, Trial]) -> None:
    """What is told of every epoch is the history; it learns, and the best epoch's weights are what is kept."""
    result, trial = learned
    entries = [entry for _, entry in trial.reports if entry]
    assert tuple(entries) == result.history
    assert [entry.epoch for entry in entries] == [*range(1, 9)]
    assert [entry.step for entry in entries] == [*range(4, 33, 4)]
    assert entries[-1].loss < entries[0].loss
    best = max(entries, key=lambda entry: (entry.validation_accuracy or 0, -(entry.validation_loss or 0)))
    assert result.best_epoch == best.epoch
    labels = np.repeat(np.arange(3, dtype=np.int32), 12)[result.division.validation]
    assert part_right(result.logits, labels) == best.validation_accuracy
    assert result.cached
    assert result.cut == transfer_learning.cut_of(SMALL_VGG, 13)


def test_progress(learned: tuple[Result, Trial]) -> None:
    """Progress never goes back, and has epochs and the last epoch's numbers."""
    result, trial = learned
    steps = [progress.step for progress, _ in trial.reports]
    assert steps == sorted(steps)
    assert {progress.total_steps for progress, _ in trial.reports} == {32}
    last = trial.reports[-1][0]
    assert (last.epoch, last.total_epochs) == (8, 8)
    assert last.validation_accuracy == result.history[-1].validation_accuracy


def test_what_it_says_is_what_is_served(learned: tuple[Result, Trial], tmp_path: Path) -> None:
    """A head that is saved, and loaded behind the network's own layers, gives the very scores of the training."""
    result, trial = learned
    path = tmp_path / "model.keras"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Keras 3.15's, of NumPy
        result.head.save(path)
    root = SMALL_VGG.build("float32")
    assert SMALL_VGG.randomise
    SMALL_VGG.randomise(root, 0)
    cut = transfer_learning.cut_named(SMALL_VGG, result.cut.layer)
    head = transfer_learning.head(root, cut, 3, "float32")
    transfer_learning.load_head(head, path)
    view = View(SMALL_VGG.input_size, "crop", SMALL_VGG.resize, SMALL_VGG.interpolation)
    for place, said in zip(result.division.validation.tolist(), result.logits, strict=True):
        pixels = decode(trial.data.read(place), (view,), Limits(1_000_000, 100)).views[0][None]
        served = head(transfer_learning.backbone(root, cut)(SMALL_VGG.preprocess(pixels.astype(np.float32))))
        np.testing.assert_allclose(served[0], said, atol=1e-5)


def test_the_cache_is_used(tmp_path: Path) -> None:
    """A second training of the same photographs and the same frozen layers computes no frozen layer again."""
    first, second = Trial(tmp_path), Trial(tmp_path)
    first.run(Checkpoint(tmp_path / "first"), freeze=10, epochs=1)  # one of the folder would be the second's, too
    kept = {path.name: path.stat().st_ino for path in (tmp_path / "features").glob("*/rows.npy")}
    second.run(Checkpoint(tmp_path / "second"), freeze=10, epochs=1)
    assert first.losses == second.losses
    assert {path.name: path.stat().st_ino for path in (tmp_path / "features").glob("*/rows.npy")} == kept


def test_without_room_for_the_cache_it_is_the_same(tmp_path: Path) -> None:
    """Photographs that go through the frozen layers each time, in slices, teach what their kept outputs teach."""
    kept, little = Trial(tmp_path / "kept"), Trial(tmp_path / "little", most_bytes=36 * SMALL_VGG.input_size**2 * 3)
    asked = {"freeze": 1, "epochs": 2, "batch_size": 20}
    assert kept.run(**asked).cached
    assert not little.run(**asked).cached
    np.testing.assert_allclose(little.losses, kept.losses, atol=1e-5)


@pytest.mark.parametrize("augment", [[], ["flip", "crop", "colour"]])
def test_resumed_training(tmp_path: Path, augment: list[str]) -> None:
    """A training that goes on from its checkpoint has the history of one that never stopped, to the same end."""
    asked = {"freeze": 12, "augment": augment, "epochs": 2, "batch_size": 3}
    whole = Trial(tmp_path / "whole").run(**asked)
    broken, resumed = Broken(tmp_path / "broken"), Trial(tmp_path / "broken")
    with pytest.raises(Stopped):
        broken.run(broken.checkpoint, **asked)
    done = len(broken.losses)
    assert 5 <= done < 20
    result = resumed.run(**asked)
    assert done + len(resumed.losses) == 20
    assert resumed.reports[0][0].step == done
    assert [entry.step for entry in result.history] == [10, 20]
    for after, before in zip(result.history, whole.history, strict=True):
        assert after.loss == pytest.approx(before.loss, abs=1e-3)
        assert after.validation_loss == pytest.approx(before.validation_loss, abs=1e-3)


def test_patience(tmp_path: Path) -> None:
    """It ends when so many epochs in a row were no better, and the best before them is what is kept."""
    trial = Trial(tmp_path)
    result = trial.run(freeze=15, learning_rate=1e-9, patience=2, epochs=50)
    assert len(result.history) == result.best_epoch + 2 < 50


def test_a_loss_beyond_all_bounds(tmp_path: Path) -> None:
    """A training that diverges ends, and the learning rate is named."""
    with pytest.raises(Diverged, match="with the learning rate 900") as caught:
        Trial(tmp_path).run(freeze=10, learning_rate=900, epochs=20)
    assert caught.value.code == "diverged"


def test_class_weights(tmp_path: Path) -> None:
    """A class that counts more is what an otherwise undecided network comes to say."""
    heavy = Trial(tmp_path).run(freeze=15, class_weights={"class 1": 1000}, learning_rate=0.01)
    assert (heavy.logits.argmax(axis=1) == 1).all()
    with pytest.raises(DatasetUnfit, match="names 'cat'; the classes are class 0, class 1, class 2"):
        Trial(tmp_path).run(class_weights={"cat": 2})


def test_it_goes_on_from_a_model_of_its_own(learned: tuple[Result, Trial], tmp_path: Path) -> None:
    """From a model fine-tuned here, with the same classes, it goes on where that was, also with more layers frozen."""
    result, _ = learned
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as above
        result.head.save(tmp_path / "model.keras")
    classes = ("class 0", "class 1", "class 2")
    base = Base(SMALL_VGG, MADE_UP, Parent("job_0", tmp_path / "model.keras", result.cut, classes))
    again = Trial(tmp_path, base=base)
    second = again.run(freeze=15, epochs=1, learning_rate=1e-6)
    assert second.cut == result.cut
    assert again.losses[0] < result.history[0].loss
    for layer in ("fc1", "fc2"):
        for kept, before in zip(
            second.head.get_layer(layer).get_weights(), result.head.get_layer(layer).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(kept, before)


def test_files_that_are_away_when_they_are_read(tmp_path: Path) -> None:
    """Photographs or a base that were there and cannot be read now are unavailable, and not damaged."""

    def read(_: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(ArtifactsUnavailable, match=r"photographs cannot be read: Input/output error") as photos:
        Trial(tmp_path, replace(stripes(3, 12), read=read)).run(freeze=15)
    gone = Parent("job_0", tmp_path / "gone.keras", BASE.cut(15), ("a", "b"))
    with pytest.raises(ArtifactsUnavailable, match=r"base cannot be read: No such file") as base:
        Trial(tmp_path, base=Base(SMALL_VGG, MADE_UP, gone)).run(freeze=15)
    assert photos.value.passing
    assert base.value.passing


def test_data_that_is_no_choice(tmp_path: Path) -> None:
    """One class only, or classes of nothing but the same photograph, are told of with what to do."""
    with pytest.raises(DatasetUnfit, match="one class only"):
        Trial(tmp_path, stripes(1, 5)).run()
    same = photographs({"a": [png(0, 0)] * 3, "b": [png(1, 0)]})
    with pytest.raises(DatasetUnfit, match="set validation_split to 0"):
        Trial(tmp_path, same).run()
    result = Trial(tmp_path, same).run(validation_split=0, freeze=15)
    assert result.best_epoch == 3
    assert result.logits.shape == (0, 2)
