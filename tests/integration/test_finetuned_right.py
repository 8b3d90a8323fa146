"""What a training leaves says the same when it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.inference.heads import Backbone, ForHead
from bestguess.schemas.job_params import FinetuneParams
from support.photo_datasets import room, stripes
from support.small_vgg import SMALL_VGG
from vision.decode.images import Limits, View, decode
from vision.engines.tensorflow import TensorFlowEngine
from vision.networks import transfer_learning
from vision.networks.transfer_learning import finetuned
from vision.networks.weights import FoundWeights
from worker.checkpoint import Checkpoint
from worker.finetune.network import Base
from worker.finetune.task import Task
from worker.finetune.telling import Telling
from worker.finetune.training import train

if TYPE_CHECKING:
    from pathlib import Path

MADE_UP = FoundWeights(None, "random", None, verified=False, size=None)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")  # Keras 3.15
@pytest.mark.parametrize("freeze", [0, 13])
def test_scores_are_those_of_the_training(tmp_path: Path, freeze: int) -> None:
    """The photographs that were kept out of a training get, served, the scores that its best epoch gave them."""
    photographs = stripes(3, 6)
    params = FinetuneParams(dataset_id="ds_test", base="vgg16", freeze=freeze, epochs=2, learning_rate=0.01, seed=1)
    task, telling = Task(params, Base(SMALL_VGG, MADE_UP), photographs), Telling(lambda *_: None, lambda: False)
    result = train(task, room(tmp_path), telling, Checkpoint(tmp_path))
    result.head.save(tmp_path / "model.keras")
    backbone = Backbone(TensorFlowEngine(SMALL_VGG, None, "float32", sizes=(1, 4)))
    cut = transfer_learning.cut_named(SMALL_VGG, result.cut.layer)
    own = transfer_learning.head(backbone.engine.model, cut, 3, "float32")
    transfer_learning.load_head(own, tmp_path / "model.keras")
    head = backbone.attach(own, cut, finetuned("job_1", SMALL_VGG, photographs.classes))
    view, limits = View(SMALL_VGG.input_size, "crop", SMALL_VGG.resize, SMALL_VGG.interpolation), Limits(10_000, 100)
    kept_out = result.division.validation.tolist()
    pictures = [decode(photographs.read(place), (view,), limits).views[0] for place in kept_out]
    said = np.stack([backbone.run([ForHead(picture, head)])[0] for picture in pictures])
    trained = np.exp(result.logits - result.logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(said, trained / trained.sum(axis=1, keepdims=True), atol=1e-5)
