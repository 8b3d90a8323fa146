"""Which batch sizes pay."""

import pytest

from vision.engines.base import too_long, worthwhile

# Images a second that were measured for VGG16 on two cores, at batch 1, 2, 4 and so on.
AMX_BFLOAT16 = {1: 29.0, 2: 30.0, 4: 50.0, 8: 66.0, 16: 78.0, 32: 84.0}
AVX2_FLOAT32 = {1: 4.86, 2: 5.0, 4: 4.7}


@pytest.mark.parametrize(
    ("rates", "sizes"),
    [
        (AMX_BFLOAT16, (1, 2, 4, 8, 16, 32)),
        (AVX2_FLOAT32, (1,)),
        ({1: 55.0, 2: 70.0, 4: 85.0, 8: 65.0, 16: 67.0, 32: 62.0}, (1, 2, 4)),
        ({1: 10.0, 2: 10.0, 4: 10.4, 8: 10.4}, (1,)),
        ({1: 3.0}, (1,)),
    ],
)
def test_batches_grow_while_they_pay(rates: dict[int, float], sizes: tuple[int, ...]) -> None:
    """The largest is the smallest that is as good as the best, and all smaller ones are there to be padded to."""
    assert worthwhile(rates) == sizes


def test_nobody_waits_long_for_a_batch() -> None:
    """A size that would take more than a second is not even tried; the first one always is."""
    assert not too_long(1, {})
    assert not too_long(4, AVX2_FLOAT32)
    assert too_long(8, AVX2_FLOAT32)
    assert not too_long(32, AMX_BFLOAT16)
