import numpy as np

from worker.mnist.batches import Batches, rates


def test_every_image_once_an_epoch() -> None:
    """An epoch has every image once, in an order of its own; a batch may lie across two epochs."""
    places = Batches(20, 8, seed=3).take(0, 5).ravel()
    first, second = places[:20], places[20:]
    assert sorted(first) == sorted(second) == list(range(20))
    assert first.tolist() != second.tolist()


def test_batches_depend_on_the_step_alone() -> None:
    """A step gets the same images in whatever groups it is asked for, and others with another seed."""
    together = Batches(30, 7, seed=3).take(0, 12)
    np.testing.assert_array_equal(Batches(30, 7, seed=3).take(5, 4), together[5:9])
    assert (Batches(30, 7, seed=4).take(0, 12) != together).any()


def test_batch_larger_than_the_data() -> None:
    """A batch of more images than there are takes some of them again."""
    places = Batches(10, 25, seed=0).take(0, 2)
    assert np.bincount(places.ravel()).tolist() == [5] * 10


def test_rates() -> None:
    """The rate is the one asked for until seven tenths of the steps, then falls to almost nothing."""
    found = rates(0.1, 0, 1000, 1000)
    assert set(found[:701].tolist()) == {float(np.float32(0.1))}
    assert (np.diff(found[701:]) < 0).all()
    assert 0 < found[-1] < 1e-5
    np.testing.assert_array_equal(rates(0.1, 800, 10, 1000), found[800:810])


def test_rate_of_a_single_step() -> None:
    """A training of one step takes it at the rate asked for."""
    assert rates(0.5, 0, 1, 1).tolist() == [0.5]
