"""That what a network has learned from others helps: thirty photographs a class, and the same untrained beside it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from math import prod, sqrt
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bestguess.schemas.job_params import FinetuneParams
from support.photo_datasets import photographs, room
from vision.networks.efficientnet_lite0 import LITE0
from worker.checkpoint import Checkpoint
from worker.finetune.network import Base
from worker.finetune.task import Task
from worker.finetune.telling import Telling
from worker.finetune.textures import NAMES, jpeg
from worker.finetune.training import train
from worker.finetune.weights import MADE_UP
from worker.mnist.synthetic import synthetic_digits

if TYPE_CHECKING:
    from pathlib import Path

    from keras import Model

    from jobs.datasets.photographs import Photographs
    from worker.finetune.task import Result

EACH = 30
DIGITS = range(3)


def _folders() -> Photographs:
    """Draw a folder for each of four textures and three digits, of thirty photographs each."""
    files = {
        name: [jpeg(label, np.random.default_rng((label, number))) for number in range(EACH)]
        for label, name in enumerate(NAMES[:4])
    }
    digits = synthetic_digits(seed=0, train=len(DIGITS) * EACH * 5, test=10)
    for digit in DIGITS:
        images = digits.x_train[digits.y_train == digit][:EACH]
        files[f"digit {digit}"] = [_png(Image.fromarray(image).resize((112, 112))) for image in images]
    return photographs(files)


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _untrained(model: Model, seed: int) -> None:
    """Draw kernels that keep the size of features from layer to layer (He et al. 2015)."""
    for index, layer in enumerate(LITE0.layers):
        kernel, *rest = model.get_layer(layer.name).get_weights()
        inputs = prod(layer.kernel[:2]) if layer.kind.startswith("depthwise") else prod(layer.kernel[:-1])
        drawn = np.random.default_rng((seed, index)).standard_normal(kernel.shape) * sqrt(2 / inputs)
        model.get_layer(layer.name).set_weights([drawn.astype(np.float32), *rest])


def _tuned(base: Base, data: Photographs, folder: Path) -> Result:
    params = FinetuneParams(dataset_id="ds_test", base=base.root.id, freeze=49, epochs=15, learning_rate=0.01, seed=1)
    telling = Telling(lambda *_: None, lambda: False)
    return train(Task(params, base, data), room(folder), telling, Checkpoint(folder))


def test_what_was_learned_from_others_helps(tmp_path: Path) -> None:
    """From ImageNet's weights the classes are nearly always told apart; from an untrained base much less often."""
    data = _folders()
    learned = _tuned(Base(LITE0, LITE0.carried()), data, tmp_path / "learned") if LITE0.carried else None
    assert learned
    blank = replace(LITE0, id="untrained", carried=None, randomise=_untrained, own_table=LITE0.table)
    untrained = _tuned(Base(blank, MADE_UP), data, tmp_path / "untrained")
    assert len(learned.division.validation) == 7 * EACH // 5
    good, poor = (max(entry.validation_accuracy or 0 for entry in each.history) for each in (learned, untrained))
    print(f"validation accuracy {good:.3f}, from an untrained base {poor:.3f}")  # noqa: T201 - pytest shows it with -s
    assert good > 0.9
    assert good > poor + 0.1
