"""A backbone that is in memory once, and the heads of fine-tuned models behind it, in one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.inference.heads import Backbone, ForHead, Head, between
from support.finetuned_models import Made, base
from support.small_vgg import SIDE, SMALL_VGG
from vision.engines.base import NotFinite
from vision.engines.tensorflow import TensorFlowEngine
from vision.networks.transfer_learning import cut_of, finetuned

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    from numpy.typing import NDArray

FREEZES = (0, 2, 10, 11, 15, 13)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Make the base in plain Keras."""
    return base()


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """Load the base as the service does."""
    return Backbone(TensorFlowEngine(SMALL_VGG, None, "float32", sizes=(1, 4, 8)))


@pytest.fixture(scope="module")
def made(model: keras.Model) -> list[Made]:
    """Fine-tune the base a little for each number of frozen layers, and twice for one."""
    return [Made(model, freeze, seed) for seed, freeze in enumerate((*FREEZES, 13))]


@pytest.fixture(scope="module")
def heads(backbone: Backbone, made: list[Made]) -> list[Head]:
    """Load each."""
    return [attached(backbone, one) for one in made]


def attached(backbone: Backbone, made: Made) -> Head:
    """Load one."""
    return backbone.attach(made.head, made.cut, finetuned("job_1", SMALL_VGG, made.classes))


def pictures(count: int) -> list[NDArray[np.uint8]]:
    """Draw noise."""
    return list(np.random.default_rng(5).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8))


def test_scores_are_those_of_the_trained_model(backbone: Backbone, made: list[Made], heads: list[Head]) -> None:
    """Wherever a model parts from its base, its scores are those of the trained one, in batches of every size."""
    pixels = pictures(3)
    for one, head in zip(made, heads, strict=True):
        answers = [
            *backbone.run([ForHead(pixels[0], head)]),
            *backbone.run([ForHead(picture, head) for picture in pixels[1:]]),
        ]
        np.testing.assert_allclose(np.stack(answers), one.said(pixels), atol=1e-6)


def test_one_batch_for_all(backbone: Backbone, made: list[Made], heads: list[Head]) -> None:
    """In a batch for the base and for models that part from it at several places each picture gets its own scores."""
    pixels = pictures(8)
    wanted = [made[2], None, *made[3:], made[4], made[0]]
    own = {id(one): head for one, head in zip(made, heads, strict=True)}
    mixed = [ForHead(picture, own[id(one)]) if one else picture for picture, one in zip(pixels, wanted, strict=False)]
    answers = backbone.run(mixed)
    alone = backbone.run([pixels[1]])[0]
    for item, one, scores in zip(mixed, wanted, answers, strict=True):
        expected = one.said([item.pixels])[0] if one and isinstance(item, ForHead) else alone
        np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_one_that_shares_nothing(model: keras.Model) -> None:
    """A model that has trained all layers shares its base's queue alone, and a batch for both is answered."""
    backbone, made, (one, other) = (
        Backbone(TensorFlowEngine(SMALL_VGG, None, "float32", sizes=(2,))),
        Made(model, 0, 1),
        pictures(2),
    )
    answers = backbone.run([one, ForHead(other, attached(backbone, made))])
    np.testing.assert_allclose(answers[0], backbone.run([one])[0], atol=1e-6)
    np.testing.assert_allclose(answers[1], made.said([other])[0], atol=1e-6)


class Counted:
    """Counts the runs of a function."""

    def __init__(self, function: Callable[[object], object]) -> None:
        self.function, self.runs = function, 0

    def __call__(self, features: object) -> object:
        """Run it."""
        self.runs += 1
        return self.function(features)


def test_what_is_shared_is_run_once(backbone: Backbone, heads: list[Head]) -> None:
    """For a batch of several models each part of the base runs once, and not beyond where the last of them parts."""
    counted = {}
    for segment in backbone._chain:
        segment.function = counted[segment.end.layer if segment.end else "scores"] = Counted(segment.function)
    backbone.run(
        [ForHead(picture, head) for picture, head in zip(pictures(4), (*heads[2:4], *heads[2:4]), strict=True)]
    )
    for segment in backbone._chain:
        segment.function = segment.function.function
    runs = {end: function.runs for end, function in counted.items()}
    assert runs == {"block1_pool": 1, "block4_pool": 1, "block5_conv1": 1, "block5_pool": 0, "fc2": 0, "scores": 0}


def test_nothing_is_held_twice(backbone: Backbone, heads: list[Head]) -> None:
    """What runs before a model parts from its base are the base's own numbers in memory, not a copy of them."""
    ours = {id(variable.value) for variable in backbone.engine.model.variables}
    for segment in backbone._chain:
        assert all(id(variable) in ours for variable in segment.function.variables)
    assert sum(len(segment.function.variables) for segment in backbone._chain) == len(ours)
    first, last = cut_of(SMALL_VGG, 2), cut_of(SMALL_VGG, 13)
    assert all(id(variable.value) in ours for variable in between(backbone.engine.model, first, last).variables)
    own = {id(variable) for head in heads for variable in head.function.variables}
    assert not own & ours


def test_a_head_that_breaks(backbone: Backbone, model: keras.Model, heads: list[Head], made: list[Made]) -> None:
    """What breaks one model is the error of its own pictures, and the others of the batch get their scores."""
    broken = attached(backbone, Made(model, 13, seed=9))
    broken.function = None
    pixels = pictures(2)
    answers = backbone.run([ForHead(pixels[0], broken), ForHead(pixels[1], heads[4])])
    assert isinstance(answers[0], Exception)
    np.testing.assert_allclose(answers[1], made[4].said(pixels[1:])[0], atol=1e-6)


def test_a_head_without_numbers(backbone: Backbone, model: keras.Model) -> None:
    """A model whose scores are no numbers is not loaded."""
    made = Made(model, 13, seed=9)
    made.head.layers[-1].set_weights([np.full_like(array, np.nan) for array in made.head.layers[-1].get_weights()])
    with pytest.raises(NotFinite, match="Small VGG fine-tuned, job_1's scores are not finite"):
        attached(backbone, made)
