"""What tests with TensorFlow share: VGG16's layout filled from a seed, and the service as a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from live import Serve, answers
from waiting import wait_until

from vision.random_weights import write_random
from vision.vgg import VGG16_LAYERS

NO_MIRROR = "http://127.0.0.1:9"  # the discard port: refused at once


@pytest.fixture(scope="session")
def random_weights() -> Iterator[Path]:
    """Write half a gigabyte of seeded weights in the official layout, once; pytest would keep it for three runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.h5"
        write_random(path, VGG16_LAYERS, seed=0)
        yield path


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start the API process with settings, and end it after the block."""

    @contextlib.contextmanager
    def started(**settings: object) -> Iterator[httpx.Client]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        values = {"data_dir": tmp_path, "port": port, "mirror": NO_MIRROR, "precision": "float32"} | settings
        environment = os.environ | {"KERAS_HOME": str(tmp_path / "keras")}
        environment |= {f"BESTGUESS_{name.upper()}": str(value) for name, value in values.items()}
        process = subprocess.Popen([sys.executable, "-m", "app.serve"], env=environment)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                wait_until(lambda: answers(client), 30)
                yield client
        finally:
            process.terminate()
            process.wait(15)

    return started
