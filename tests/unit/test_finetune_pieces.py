"""The small parts of a fine-tuning: its plan, its ledger, its changes of photographs, its numbers."""

import numpy as np
import pytest

from support.photo_datasets import stripes
from vision.decode.images import Limits
from vision.decode.sandbox import Cost
from vision.errors import DecodersUnavailable
from vision.networks.vgg import VGG16
from worker.finetune.augment import changed
from worker.finetune.evaluation import cross_entropy, part_right
from worker.finetune.ledger import Ledger
from worker.finetune.photos import Photos
from worker.finetune.plan import Plan


def test_an_epoch_is_gone_through_in_groups() -> None:
    """A group ends with the full batches of its epoch, what is left is alone, and an epoch has every image once."""
    plan = Plan(images=10, batch_size=3, epochs=2, seed=4)
    assert (plan.epoch_steps, plan.steps) == (4, 8)
    first, rest = plan.group(0, most=9), plan.group(3, most=9)
    assert (first.shape, rest.shape) == ((3, 3), (1, 1))
    assert sorted([*first.ravel(), *rest.ravel()]) == [*range(10)]
    assert (plan.group(1, most=1) == first[1]).all()
    assert not (plan.group(4, most=3) == first).all()


def test_a_batch_larger_than_everything() -> None:
    """Fewer images than a batch are one batch."""
    assert Plan(images=5, batch_size=32, epochs=1, seed=0).group(0, most=4).shape == (1, 5)


def test_the_best_epoch() -> None:
    """The best has the highest validation accuracy, of equals the lowest loss, of those the first."""
    ledger = Ledger()
    for step, (accuracy, loss) in enumerate([(0.5, 1.0), (0.75, 2.0), (0.75, 1.5), (0.75, 1.5), (0.7, 0.1)], start=1):
        ledger.add([1.0, 2.0], [1, 2], size=2)
        ledger.close(step, accuracy, loss)
    assert (ledger.best, ledger.waited) == (3, 2)
    assert (ledger.history[0].train_accuracy, ledger.history[0].loss) == (0.75, 1.5)
    assert Ledger.parse(ledger.dump()) == ledger
    later = ledger.dump().replace('"step"', '"x": 1, "step"').replace('"best"', '"from_a_later_version": {}, "best"')
    assert Ledger.parse(later) == ledger


def test_without_validation_the_last_epoch_is_the_best() -> None:
    """There is nothing else to choose by."""
    ledger = Ledger()
    for step in (1, 2):
        ledger.add([1.0], [1], size=2)
        ledger.close(step, None, None)
    assert ledger.best == 2


@pytest.mark.parametrize("change", ["flip", "crop", "colour"])
def test_changes(change: str) -> None:
    """A change depends on what is drawn, keeps the size, and is not always the same."""
    pixels = np.random.default_rng(0).integers(0, 255, (20, 20, 3)).astype(np.uint8)
    found = [changed(pixels, [change], np.random.default_rng(seed)) for seed in range(8)]
    assert {(each.shape, each.dtype.name) for each in found} == {((20, 20, 3), "uint8")}
    assert len({each.tobytes() for each in found}) > 1
    assert (changed(pixels, [change], np.random.default_rng(5)) == found[5]).all()
    assert (changed(pixels, [], np.random.default_rng(5)) == pixels).all()
    if change == "flip":
        assert {each.tobytes() for each in found} == {pixels.tobytes(), np.ascontiguousarray(pixels[:, ::-1]).tobytes()}


def test_numbers_of_a_validation() -> None:
    """Accuracy is the part of largest logits at the label, cross-entropy the mean of -log softmax there."""
    logits, labels = np.asarray([[2.0, 0.0], [1000.0, 0.0]], np.float32), np.asarray([0, 1], np.int32)
    assert part_right(logits, labels) == 0.5
    assert cross_entropy(logits, labels) == pytest.approx((np.log(1 + np.exp(-2)) + 1000) / 2)


def test_a_photograph_that_no_process_could_decode() -> None:
    """Where no decode process could take a photograph, it is decoded again after a while, and not called broken."""
    data = stripes(1, 1)
    with Photos(data, VGG16, Cost(30, 512 * 1024 * 1024), Limits(1_000_000, 100)) as photos:
        (decoder,), (content,) = photos._sandbox._decoders, photos.contents([0])
        decoder.program = ("-c", "raise SystemExit(1)")
        decoder._process.kill()
        future = photos._sandbox.decode(data.read(0), (photos._view,))
        with pytest.raises(DecodersUnavailable):
            photos._decoded(content, future, ())
        del decoder.program
        assert photos._decoded(content, future, (0.0,)).shape == photos.shape
