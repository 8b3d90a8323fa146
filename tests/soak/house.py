"""The whole service as a person starts it, and what its processes take at a moment."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from typing import TYPE_CHECKING

import httpx
import psutil
import redis

from benchmarks.processes import Child, child_process, wait_until
from benchmarks.service import DECODER_MODULE
from support.ports import free_port
from support.worker_processes import small_mnist

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

START = 300.0  # seconds in which it gets ready, on a machine that is slow and busy
STOP = 15.0
MIB = 1024 * 1024
# What is kept is little and short-lived, so that it has its final size long before the second half.
SETTINGS = {
    "BESTGUESS_JOB_RETENTION_SECONDS": "45",
    "BESTGUESS_MAX_MODELS": "4",
    "BESTGUESS_MODELS_IN_MEMORY": "2",
    "BESTGUESS_PRECISION": "float32",
    "BESTGUESS_LOG_LEVEL": "warning",
    "BESTGUESS_MIRROR": "http://127.0.0.1:9",  # refused at once: EfficientNet-Lite0 answers
    "BESTGUESS_WORKER_NICENESS": "0",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


class House:
    """A running `bestguess up`: where its API is, and its processes."""

    def __init__(self, url: str, running: Child, data_dir: Path) -> None:
        self.url = url
        self._supervisor = psutil.Process(running.process.pid)
        self._redis = _redis_of(data_dir)

    def sample(self) -> Mapping[str, float]:
        """Measure every process: memory in MiB, descriptors and threads; and what is in Redis."""
        found: dict[str, float] = {}
        for name, process in {"supervisor": self._supervisor, **self._children()}.items():
            found |= {f"{name}: memory, MiB": process.memory_info().rss / MIB}
            found |= {f"{name}: descriptors": process.num_fds(), f"{name}: threads": process.num_threads()}
        decoders = [child for child in self._children()["API"].children() if DECODER_MODULE in child.cmdline()]
        found["decode processes: memory, MiB"] = sum(child.memory_info().rss for child in decoders) / MIB
        found["decode processes: descriptors"] = sum(child.num_fds() for child in decoders)
        found["Redis: keys"] = self._redis.dbsize()
        found["Redis: its data, MiB"] = self._redis.info("memory")["used_memory"] / MIB
        return found

    def _children(self) -> dict[str, psutil.Process]:
        children = {}
        for child in self._supervisor.children():
            words = " ".join(child.cmdline())
            for name, sign in {"API": "app.serve", "worker": "-m worker", "Redis": "redis.conf"}.items():
                if sign in words or (name == "Redis" and re.search(r"(redis|valkey)-server", words)):
                    children[name] = child
        return children


@contextlib.contextmanager
def house(folder: Path) -> Iterator[House]:
    """Run the service on an empty data folder until the end of the block."""
    data_dir, port = folder / "data", free_port()
    data_dir.mkdir()
    settings = SETTINGS | {
        "BESTGUESS_DATA_DIR": str(data_dir),
        "BESTGUESS_PORT": str(port),
        "BESTGUESS_MNIST": str(small_mnist(folder / "mnist.npz")),
        "KERAS_HOME": str(folder / "keras"),
    }
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | settings
    with child_process([sys.executable, "-m", "bestguess", "up"], environment, STOP) as running:
        wait_until(lambda: _ready(url), START, running, "The service does not get ready")
        yield House(url, running, data_dir)


def _ready(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz").is_success
    time.sleep(0.2)
    return False


def _redis_of(data_dir: Path) -> redis.Redis:
    """Open the private Redis, whose port and password are in its file."""
    words = dict(line.split(" ", 1) for line in (data_dir / "redis" / "redis.conf").read_text().splitlines())
    return redis.Redis(port=int(words["port"]), password=words["requirepass"])
