"""The service under measurement: `bestguess up` on loopback with a data folder of its own, until the block ends."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from app.up.redis_server import free_port
from benchmarks import memory
from benchmarks.problems import BenchError
from benchmarks.processes import Started, started, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vision.networks import Network
    from vision.weights import FoundWeights

START = 300.0  # seconds; VGG16 from a slow disk on a slow machine takes one of them
GRACE = 8.0  # seconds; `bestguess up` promises five
NO_MIRROR = "http://127.0.0.1:9"  # the discard port: refused at once
UP = [sys.executable, "-m", "bestguess", "up"]


@dataclass(frozen=True, slots=True)
class Service:
    """A service that answers: seconds from its start until `/readyz` said so, and `model` as an answer has it."""

    host: str
    path: str
    ready_seconds: float
    model: dict[str, Any]
    running: Started
    api: int

    def peak_memory(self) -> dict[str, Any]:
        """Say the most that its processes took.

        Raises:
            BenchError: the API is another one than at the start, so that the numbers are of two.
        """
        if memory.find_api(self.running.process.pid) != self.api:
            raise self.running.failure("The API ended while it was measured.")
        return memory.peak_memory(self.api)


@contextmanager
def served(network: Network, weights: FoundWeights, folder: Path, photo: bytes) -> Iterator[Service]:
    """Start the service as a person would, and wait until every network is loaded and the wanted one answers.

    Raises:
        BenchError: it does not come up.
    """
    port, path = free_port(), f"/classify?model={network.id}"
    host = f"http://127.0.0.1:{port}"
    environment = _environment(network, weights, folder, port)
    began = time.perf_counter()
    with started(UP, folder, environment, GRACE) as running, httpx.Client(base_url=host, timeout=60) as client:
        what = "The service did not become ready"
        wait_until(lambda: _ready(client) is not None, START, running, what)
        took = time.perf_counter() - began
        wait_until(lambda: _settled(client), START, running, what)
        model, api = _answered_by(client, path, photo), memory.find_api(running.process.pid)
        if model["id"] != network.id or api is None:
            raise running.failure(f"{model['id']} answered where {network.id} was asked.")
        yield Service(host, path, took, model, running, api)


def _environment(network: Network, weights: FoundWeights, folder: Path, port: int) -> dict[str, str]:
    """Keep the settings of our own environment, but for the address, the data and models, and where weights come from.

    Weights are named, so that nothing is downloaded meanwhile. A network that a package carries is measured without
    VGG16 beside it: that one is neither in the data folder nor in what is said to be Keras's cache.
    """
    chosen = {"HOST": "127.0.0.1", "PORT": str(port), "DATA_DIR": str(folder / "data"), "REDIS_URL": ""}
    chosen |= {"ARTIFACTS_URL": ""}  # what is trained meanwhile is not to lie among the operator's models
    chosen |= {"KEYS_FILE": "", "ANONYMOUS_RATE": "unlimited"}  # it is no client's limit that is measured
    chosen |= {"MIRROR": NO_MIRROR, "WEIGHTS": str(weights.path.absolute()) if weights.path else "random"}
    if network.carried:
        chosen |= {"WEIGHTS": "imagenet", "STAND_IN": "on"}
    environment = os.environ | {f"BESTGUESS_{name}": value for name, value in chosen.items()}
    return environment | ({"KERAS_HOME": str(folder / "keras")} if network.carried else {})


def _ready(client: httpx.Client) -> dict[str, Any] | None:
    try:
        answer = client.get("/readyz")
    except httpx.TransportError:
        return None
    told: dict[str, Any] = answer.json()
    return told if answer.is_success else None


def _settled(client: httpx.Client) -> bool:
    """Whether no network is being loaded any more: that would take from what is measured."""
    told = _ready(client)
    return told is not None and all(model["state"] not in {"waiting", "loading"} for model in told["models"])


def _answered_by(client: httpx.Client, path: str, photo: bytes) -> dict[str, Any]:
    answer = client.post(path, files={"file": ("photo.jpg", photo, "image/jpeg")})
    if not answer.is_success:
        raise BenchError(f"The service cannot classify the first photo: {answer.text}")
    model: dict[str, Any] = answer.json()["model"]
    return model
