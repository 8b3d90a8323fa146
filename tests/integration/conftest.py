"""What tests with TensorFlow share: VGG16's layout filled from a seed, and the service as a process of its own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from live import Serve

from vision.random_weights import write_random
from vision.vgg import VGG16_LAYERS


@pytest.fixture(scope="session")
def random_weights() -> Iterator[Path]:
    """Write half a gigabyte of seeded weights in the official layout, once; pytest would keep it for three runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.h5"
        write_random(path, VGG16_LAYERS, seed=0)
        yield path


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start API processes in a folder of their own."""
    return Serve(tmp_path)
