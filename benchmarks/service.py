"""Servers under test, on loopback: `bestguess up`, with a training job beside it, and LitServe."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.engine import weights_path
from benchmarks.processes import POLL_SECONDS, Child, child_process, wait_until
from bestguess.supervisor.redis import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vision.networks.registry import Network
    from vision.networks.weights import FoundWeights

START_SECONDS = 300.0  # VGG16 from a slow disk on a slow machine takes one of them
STOP_SECONDS = 8.0  # `bestguess up` promises five
DISCARD_URL = "http://127.0.0.1:9"  # the discard port: connections are refused at once
UP = [sys.executable, "-m", "bestguess", "up"]
API_MODULE, DECODER_MODULE = "app.serve", "vision.decode.decoder"
# LitServe's examples have 0.01 to 0.1 seconds; the shortest costs it least here.
LITSERVE_BATCH_SECONDS = 0.01
# As long as the service runs; synthetic digits need no download.
TRAINING_JOB = {"steps": 60_000, "batch_size": 50, "report_every": 20, "dataset": "synthetic-digits", "seed": 0}
FIRST_REPORT_SECONDS = 180.0  # a process that imports TensorFlow, and 60,000 digits to draw
CANCEL_SECONDS = 30.0
_PROC = Path("/proc")
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)  # proc(5): peak resident set size


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers: `path` classifies; `ready_seconds` passed from its start until it was ready."""

    host: str
    path: str
    ready_seconds: float
    child: Child


@dataclass(frozen=True, slots=True)
class Service(Server):
    """The service: `model` as an answer describes it, and the process id of the API."""

    model: dict[str, Any]
    api: int

    def peak_memory(self) -> dict[str, Any]:
        """Return the peak memory of the API and of its decode processes.

        Raises:
            BenchmarkError: the API was started again meanwhile, so that the numbers belong to two processes.
        """
        if find_api(self.child) != self.api:
            raise self.child.failure("The API ended while it was measured.")
        return peak_memory(self.api)


@contextmanager
def run_service(network: Network, weights: FoundWeights, folder: Path, photo: bytes) -> Iterator[Service]:
    """Start the service, and wait until every network is loaded and the wanted one answers.

    Raises:
        BenchmarkError: it does not become ready.
    """
    port, path = free_port(), f"/classify?model={network.id}"
    host = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    with (
        child_process(UP, service_environment(network, weights, folder, port), STOP_SECONDS) as child,
        httpx.Client(base_url=host, timeout=60) as client,
    ):
        what = "The service did not become ready"
        wait_until(lambda: _get(client, "/readyz"), START_SECONDS, child, what)
        ready_seconds = time.perf_counter() - started
        wait_until(lambda: _all_loaded(client), START_SECONDS, child, what)
        model = _classify(client, path, photo, child)["model"]
        api = find_api(child)
        if model["id"] != network.id or api is None:
            raise child.failure(f"{model['id']} answered where {network.id} was asked.")
        yield Service(host, path, ready_seconds, child, model, api)


@contextmanager
def run_litserve(parameters: Mapping[str, Any], photo: bytes) -> Iterator[Server]:
    """Start LitServe with the parameters of `benchmarks.litserve_server`, and wait until it has classified a photo.

    Raises:
        BenchmarkError: it does not become ready.
    """
    port, path = free_port(), "/predict"
    host = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "benchmarks.litserve_server", json.dumps({**parameters, "port": port})]
    started = time.perf_counter()
    with (
        child_process(command, os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}) as child,
        httpx.Client(base_url=host, timeout=60) as client,
    ):
        wait_until(lambda: _get(client, "/health"), START_SECONDS, child, "LitServe did not become ready")
        ready_seconds = time.perf_counter() - started
        _classify(client, path, photo, child)
        yield Server(host, path, ready_seconds, child)


def service_environment(network: Network, weights: FoundWeights, folder: Path, port: int) -> dict[str, str]:
    """Return the environment of the service: our own, except for the address, the data folder, models and weights.

    Weights are set, so that nothing is downloaded meanwhile. A network whose weights are part of a package is measured
    without VGG16 beside it: VGG16's weights are neither in the data folder nor in what is set as Keras's cache.
    """
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "DATA_DIR": str(folder / "data"), "REDIS_URL": ""}
    settings |= {"ARTIFACTS_URL": ""}  # models that are trained meanwhile do not belong into the operator's bucket
    settings |= {"KEYS_FILE": "", "ANONYMOUS_RATE": "unlimited"}  # rate limits are not what is measured
    settings |= {"MIRROR": DISCARD_URL, "WEIGHTS": weights_path(weights) or "random"}
    if network.carried:
        settings |= {"WEIGHTS": "imagenet", "STAND_IN": "on"}
    environment = os.environ | {f"BESTGUESS_{name}": value for name, value in settings.items()}
    return environment | ({"KERAS_HOME": str(folder / "keras")} if network.carried else {})


def _get(client: httpx.Client, path: str) -> httpx.Response | None:
    """Return a successful answer, else None."""
    try:
        answer = client.get(path)
    except httpx.TransportError:
        return None
    return answer if answer.is_success else None


def _all_loaded(client: httpx.Client) -> bool:
    """Return whether no network is being loaded any more, which would slow down what is measured."""
    answer = _get(client, "/readyz")
    return answer is not None and all(model["state"] not in {"waiting", "loading"} for model in answer.json()["models"])


def _classify(client: httpx.Client, path: str, photo: bytes, child: Child) -> dict[str, Any]:
    answer = client.post(path, files={"file": ("photo.jpg", photo, "image/jpeg")})
    if not answer.is_success:
        raise child.failure(f"The server cannot classify the first photo: {answer.text}")
    result: dict[str, Any] = answer.json()
    return result


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A training job that is running; `client` talks to its service."""

    client: httpx.Client
    url: str
    child: Child

    def get(self) -> dict[str, Any]:
        """Return the job."""
        job: dict[str, Any] = self.client.get(self.url).raise_for_status().json()
        return job

    def images_per_second(self) -> float:
        """Return how fast the job is training.

        Raises:
            BenchmarkError: it is not running any more.
        """
        job = self.get()
        if job["status"] != "running":
            raise self.child.failure(f"The training beside the service is {job['status']}: {job['error']}")
        return float(job["progress"]["images_per_second"])


@contextmanager
def run_training(service: Service) -> Iterator[TrainingJob]:
    """Submit a training job, and wait for its first report; cancel it after the block.

    Raises:
        BenchmarkError: the job was refused or failed.
    """
    child = service.child
    with httpx.Client(base_url=service.host, timeout=30) as client:
        answer = client.post("/jobs/mnist-train", json=TRAINING_JOB)
        if not answer.is_success:
            raise child.failure(f"The training beside the service was refused: {answer.text}")
        job = TrainingJob(client, answer.headers["Location"], child)
        what = "The training beside the service did not begin"
        wait_until(lambda: _has_begun(job), FIRST_REPORT_SECONDS, child, what)
        try:
            yield job
        finally:
            _cancel(job)


def _has_begun(job: TrainingJob) -> bool:
    record = job.get()
    if record["error"]:
        raise job.child.failure(f"The training beside the service failed: {record['error']['detail']}")
    return record["progress"]["images_per_second"] is not None


def _cancel(job: TrainingJob) -> None:
    """Cancel the job, and wait until it has ended; where the service is gone, so is the job."""
    end = time.monotonic() + CANCEL_SECONDS
    with suppress(httpx.HTTPError):
        job.client.post(f"{job.url}/cancel")
        while job.get()["status"] in {"running", "cancelling"} and time.monotonic() < end:
            time.sleep(POLL_SECONDS)


def find_api(child: Child) -> int | None:
    """Return the process id of the API below `bestguess up`; None while there is none."""
    return next(iter(_pids_of(API_MODULE, child.process.pid)), None)


def peak_memory(api: int, proc: Path = _PROC) -> dict[str, Any]:
    """Return the peak memory of the API and of its decode processes, in MiB; None where there is no /proc."""
    decoders = [_peak(proc, pid) for pid in _pids_of(DECODER_MODULE, api)]
    known = [peak for peak in decoders if peak is not None]
    return {
        "api_mib": _peak(proc, api),
        "decode_processes": len(decoders),
        "decode_mib": sum(known) if known else None,
        "largest_decode_mib": max(known, default=None),
    }


def _pids_of(module: str, pid: int) -> list[int]:
    """Return the descendants of `pid` that run a module."""
    import psutil  # type: ignore[import-untyped]  # noqa: PLC0415 - the other benchmarks run without it

    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            arguments = child.cmdline()
        except psutil.Error:  # it has ended since
            continue
        if arguments[1:3] == ["-m", module]:
            found.append(child.pid)
    return found


def _peak(proc: Path, pid: int) -> float | None:
    try:
        found = _PEAK.search((proc / str(pid) / "status").read_text())
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None
