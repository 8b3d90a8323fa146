from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from support.weights_files import SMALL
from vision.networks import keras_h5
from vision.networks.keras_h5 import LayoutError
from vision.networks.random_weights import draw, write_random
from vision.networks.weights import WeightsError

TESTS = Path(__file__).parents[1]
# What a second process runs: for a while the disk takes no more of a file than so many bytes.
SCRIPT = """
import pathlib, resource, sys
sys.path.insert(0, sys.argv[3])
from support.weights_files import SMALL
from vision.networks.random_weights import write_random
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), before[1]))
try:
    write_random(pathlib.Path(sys.argv[1]), SMALL, 0)
finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
"""


def test_file_has_what_is_drawn(tmp_path: Path) -> None:
    """A file of random weights holds the numbers that its seed gives, in the layout, marked, and alone."""
    path = tmp_path / "random.h5"
    write_random(path, SMALL, 5)
    for read, drawn in zip(keras_h5.read(path, SMALL), draw(SMALL, 5), strict=True):
        assert (read.layer, list(read.arrays)) == (drawn.layer, list(drawn.arrays))
        for name, array in read.arrays.items():
            np.testing.assert_array_equal(array, drawn.arrays[name])
    assert keras_h5.seed_of(path) == 5
    assert list(tmp_path.iterdir()) == [path]


def test_layers_are_independent() -> None:
    """A layer's numbers come from the seed and its place alone, and another seed gives others."""
    every, first_two = list(draw(SMALL, 1)), list(draw(SMALL[:2], 1))
    np.testing.assert_array_equal(every[0].arrays["kernel"], first_two[0].arrays["kernel"])
    assert not np.array_equal(every[0].arrays["kernel"], next(draw(SMALL, 2)).arrays["kernel"])


def test_a_seed_gives_the_same_numbers_everywhere() -> None:
    """The numbers of a seed are those of earlier versions: models that were trained on such weights are known by it."""
    drawn = b"".join(array.tobytes() for layer in draw(SMALL, 0) for array in layer.arrays.values())
    assert hashlib.sha256(drawn).hexdigest() == "cf2f73a5954dedd159d8669eb730dc898f18fad4617172af035bc869c6ce848f"


def test_no_overwriting(tmp_path: Path) -> None:
    """An existing file is left alone unless its replacement is asked for."""
    path = tmp_path / "random.h5"
    path.write_bytes(b"precious")
    with pytest.raises(WeightsError, match="exists already"):
        write_random(path, SMALL, 0)
    assert path.read_bytes() == b"precious"
    write_random(path, SMALL, 0, force=True)
    assert keras_h5.seed_of(path) == 0


@pytest.mark.parametrize("room", [1, 100, 9_000, 20_000, 27_000])
def test_full_disk(tmp_path: Path, room: int) -> None:
    """A disk that takes no more is reported in one line and leaves nothing behind."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "random.h5"), str(room), str(TESTS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "random.h5: cannot be written (File too large). Name another" in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A folder that does not exist is reported."""
    with pytest.raises(WeightsError, match="No such file or directory"):
        write_random(tmp_path / "nowhere" / "random.h5", SMALL, 0)


def test_read_checks_first(tmp_path: Path) -> None:
    """A file is never read into a network that it does not fit."""
    path = tmp_path / "random.h5"
    write_random(path, SMALL, 0)
    with pytest.raises(LayoutError, match="4 layers with weights where 3 are expected"):
        next(keras_h5.read(path, SMALL[:3]))
