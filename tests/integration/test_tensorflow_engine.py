"""A network in memory: its batch sizes, its number format, and what it makes of numbers that are none."""

import gc
import logging
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.images import noise
from support.small_vgg import SIDE, SMALL_VGG
from vision.engines import base
from vision.engines.base import NotFinite
from vision.engines.tensorflow import Hardware, TensorFlowEngine, collector_paused, import_tensorflow
from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.registry import Network

PICTURES = [np.asarray(noise((SIDE, SIDE), seed=seed)) for seed in range(5)]


def lite0(network: Network, precision: str = "float32", **more: Any) -> TensorFlowEngine:  # noqa: ANN401
    """Load the stand-in: the ReLU of the small network makes zeros of what is no number."""
    assert LITE0.carried
    return TensorFlowEngine(network, LITE0.carried().path, precision, **more)


def small(network: Network = SMALL_VGG, precision: str = "float32", **more: Any) -> TensorFlowEngine:  # noqa: ANN401
    """Load a network that is quick to build and to trace, with random weights."""
    return TensorFlowEngine(network, None, precision, **more)


def test_it_keeps_the_sizes_that_pay() -> None:
    """Without being told, a network keeps sizes from 1 on that double, and answers alike in each."""
    engine = small()
    assert engine.sizes == base.SIZES[: len(engine.sizes)]
    assert engine.largest == engine.sizes[-1]
    assert engine.hardware == Hardware("cpu", "float32")
    alone = [engine.run([picture])[0] for picture in PICTURES[: engine.largest]]
    for one, other in zip(alone, engine.run(PICTURES[: engine.largest]), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_chosen_precision_is_used(precision: str) -> None:
    """The network computes in what was chosen, its scores stay float32 and add up to 1, near those of float32."""
    engine = small(precision=precision, sizes=(1,))
    assert engine.hardware.precision == precision
    scores, exact = engine.run(PICTURES[:1])[0], small(sizes=(1,)).run(PICTURES[:1])[0]
    assert not isinstance(scores, NotFinite)
    assert scores.dtype == np.float32
    assert scores.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(scores, exact, atol=0.05)


def test_one_image_without_numbers_fails_alone() -> None:
    """Scores that are not finite are that image's error, and its neighbours keep theirs."""
    tf = import_tensorflow()

    def preprocess(pixels: Any) -> Any:  # noqa: ANN401 - a TensorFlow tensor
        infinite = tf.reduce_max(pixels, axis=(1, 2, 3), keepdims=True) == 7
        return LITE0.preprocess(tf.where(infinite, np.float32(np.nan), pixels))

    engine = lite0(replace(LITE0, preprocess=preprocess), sizes=(4,))
    good, bad = np.asarray(noise((224, 224))), np.full((224, 224, 3), 7, np.uint8)
    answers = engine.run([good, bad, good])
    assert [type(answer) for answer in answers] == [np.ndarray, NotFinite, np.ndarray]


def test_weights_that_overflow_are_refused() -> None:
    """A network that cannot answer its trial pictures is not served."""
    tf = import_tensorflow()
    broken = replace(LITE0, preprocess=lambda pixels: LITE0.preprocess(pixels) * tf.constant(np.inf))
    with pytest.raises(NotFinite, match="not finite in float32: its weights are damaged"):
        lite0(broken, sizes=(1,))
    with pytest.raises(NotFinite, match="BESTGUESS_PRECISION=float32"):
        lite0(broken, precision="bfloat16", sizes=(1,))


def test_a_compiled_function_answers_alike(caplog: pytest.LogCaptureFixture) -> None:
    """What XLA makes of the network, as on a GPU, gives the same scores; it is kept only where it is faster."""
    engine = small(sizes=(2,))
    before = engine.run(PICTURES[:2])
    with caplog.at_level(logging.INFO):
        engine._compile(2)
    [gain] = [record.args[1] for record in caplog.records if "times as fast" in record.msg]
    assert (2 in engine._compiled) == (gain >= base.GAIN)
    engine._compiled[2] = engine._trace(2, compiled=True)
    for one, other in zip(before, engine.run(PICTURES[:2]), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_closed_engine_gives_its_memory_back() -> None:
    """Nothing refers to a network any more that was closed."""
    engine = small(sizes=(1,))
    model = weakref.ref(engine.model)
    engine.close()
    gc.collect()
    assert model() is None


def test_the_collector_rests_for_an_import() -> None:
    """The garbage collector is off during the import, and on again after it, also where it failed."""

    def fail() -> None:
        with collector_paused():
            assert not gc.isenabled()
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert gc.isenabled()


def test_a_collector_that_is_off() -> None:
    """Whoever has turned the garbage collector off finds it so afterwards."""
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
