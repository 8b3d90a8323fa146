"""Serving benchmark: engine and decoding alone, the running service under load, LitServe, and their ratios."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from app.settings import Settings, load_settings
from benchmarks.engine import describe_weights, weights_for, weights_path
from benchmarks.load import LoadGenerator
from benchmarks.machine import describe_machine, versions
from benchmarks.photos import Photos, gather
from benchmarks.processes import run_module
from benchmarks.service import LITSERVE_BATCH_SECONDS, Server, run_litserve, run_service, run_training
from vision.machine import cores
from vision.networks.registry import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vision.networks.registry import Network
    from vision.networks.weights import FoundWeights

FORMAT = 1  # of the JSON
RATIO_CONNECTIONS = 32  # at which the ratios are taken
LITSERVE_CONNECTIONS = (16, 32, 64)
# Settings that are secret, or that the benchmark sets itself: not written to the results.
UNREPORTED_SETTINGS = {"redis_url", "artifacts_url", "data_dir", "mirror", "host", "port", "weights"}
_THREAD_VARIABLES = ("TF_", "OMP_")  # environment variables that TensorFlow and its libraries read


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: `seconds` for each measurement, `connections` for each load on the service."""

    model: str
    seconds: float
    connections: tuple[int, ...]
    photos: Path | None
    with_training: bool
    with_litserve: bool

    @property
    def ratio_connections(self) -> int:
        """The connections at which ratios are taken: the usual ones, or else the most that are measured."""
        return RATIO_CONNECTIONS if RATIO_CONNECTIONS in self.connections else self.connections[-1]


@dataclass(frozen=True, slots=True)
class Setup:
    """What all measurements of one run share; the photos lie in `folder / "photos"`."""

    plan: Plan
    settings: Settings
    network: Network
    weights: FoundWeights
    photos: Photos
    folder: Path
    progress: Callable[[str], None]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of a measurement in a process of its own."""
        return {
            "model": self.network.id,
            "weights": weights_path(self.weights),
            "precision": self.settings.precision,
            "photos": str(self.folder / "photos"),
            "seconds": self.plan.seconds,
            "processes": self.settings.decode_processes or cores(),
        }

    def load_on(self, server: Server) -> LoadGenerator:
        """Return a load generator for a server."""
        photos = self.folder / "photos"
        return LoadGenerator(server.host, server.path, photos, self.plan.seconds, self.settings, self.progress)


def measure_serving(plan: Plan, progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure everything, one after the other.

    Raises:
        BenchmarkError: a measurement failed.
        SettingsError: an environment variable cannot be used; nothing was measured.
        WeightsError: the weights file cannot be used; nothing was measured.
    """
    started_at = _now()
    with _prepare(plan, progress) as setup:
        result: dict[str, Any] = {"kind": "serving", "format": FORMAT, "started_at": started_at}
        result |= {"machine": describe_machine(), "versions": versions(), "settings": _settings(setup)}
        progress(f"{setup.network.title} alone, at each batch size")
        result["engine"] = {"at": _now(), **run_module("benchmarks.engine", setup.parameters)}
        progress("decoding alone")
        result["decode"] = {"at": _now(), **run_module("benchmarks.decode", setup.parameters)}
        result["service"] = _measure_service(setup)
        result["litserve"] = _measure_litserve(setup, result["engine"]) if plan.with_litserve else None
        return {**result, "ratios": ratios(result), "finished_at": _now()}


@contextmanager
def _prepare(plan: Plan, progress: Callable[[str], None]) -> Iterator[Setup]:
    settings, network = load_settings(), NETWORKS[plan.model]
    weights = weights_for(network, settings)
    with tempfile.TemporaryDirectory(prefix="bestguess-bench-") as name:
        progress("preparing the photos")
        photos = gather(plan.photos)
        photos.write(Path(name) / "photos")
        yield Setup(plan, settings, network, weights, photos, Path(name), progress)


def _measure_service(setup: Setup) -> dict[str, Any]:
    plan = setup.plan
    setup.progress("starting the service")
    with run_service(setup.network, setup.weights, setup.folder, setup.photos.files[0]) as service:
        load = setup.load_on(service)
        rows = [load.closed_loop(connections) for connections in plan.connections]
        peak = max(row["images_per_second"] for row in rows)
        if not peak:
            raise service.child.failure("Not one photo was classified.")
        overload, beside = load.overload(peak), None
        if plan.with_training:
            setup.progress("starting a training beside")
            with run_training(service) as job:
                row = load.closed_loop(plan.ratio_connections, " beside a training")
                beside = {**row, "training_images_per_second": job.images_per_second()}
        return {
            "model": service.model,
            "ready_seconds": service.ready_seconds,
            "level": plan.ratio_connections,
            "loads": rows,
            "overload": overload,
            "beside": beside,
            "memory": service.peak_memory(),
        }


def _measure_litserve(setup: Setup, engine: dict[str, Any]) -> dict[str, Any]:
    """Measure LitServe with the precision of the bare engine, and with its best batch size."""
    setup.progress("starting LitServe")
    best = max(engine["rows"], key=lambda row: row["images_per_second"])
    batching = {"max_batch_size": best["batch"], "batch_timeout": LITSERVE_BATCH_SECONDS}
    chosen = {"precision": engine["precision"], "timeout": setup.settings.deadline_seconds}
    with run_litserve({**setup.parameters, **chosen, **batching}, setup.photos.files[0]) as server:
        load = setup.load_on(server)
        rows = [load.closed_loop(connections) for connections in LITSERVE_CONNECTIONS]
        ready_seconds = server.ready_seconds
    return {"settings": batching, "precision": engine["precision"], "ready_seconds": ready_seconds, "loads": rows}


def _settings(setup: Setup) -> dict[str, Any]:
    weights = setup.weights
    return {
        "model": setup.network.id,
        "weights": {"origin": weights.origin, "hash": weights.hash, "described": describe_weights(weights)},
        "seconds": setup.plan.seconds,
        "connections": list(setup.plan.connections),
        "photos": setup.photos.counts(),
        "photos_described": setup.photos.description(),
        "service": setup.settings.model_dump(mode="json", exclude=UNREPORTED_SETTINGS),
        "environment": {name: value for name, value in os.environ.items() if name.startswith(_THREAD_VARIABLES)},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Goal(NamedTuple):
    """What a ratio means, and the value to reach."""

    meaning: str
    value: float
    at_least: bool

    def is_reached(self, value: float) -> bool:
        """Return whether a value reaches the goal."""
        return value >= self.value if self.at_least else value <= self.value

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.value:g}"


GOALS = {
    "throughput": Goal("images/s at {level} connections / the bare engine's best batch", 0.8, at_least=True),
    "latency": Goal("p50 at 1 connection / (bare batch of 1 + decoding one)", 1.25, at_least=False),
    "overload": Goal("images/s at four times overload / the best of the loads", 0.9, at_least=True),
    "beside": Goal("images/s at {level} connections beside a training / without", 0.7, at_least=True),
    "litserve": Goal("images/s at {level} connections / LitServe's", 1.25, at_least=True),
    "memory_gib": Goal("peak memory of the API, GiB", 2.5, at_least=False),
    "ready_seconds": Goal("seconds from start to ready", 15, at_least=False),
}


def ratios(result: dict[str, Any]) -> dict[str, float | None]:
    """Return the ratios of the parts of one run; None where a part was not measured."""
    service, engine = result["service"], {row["batch"]: row for row in result["engine"]["rows"]}
    level, rows = service["level"], {row["connections"]: row for row in service["loads"]}
    litserve = {row["connections"]: row for row in result["litserve"]["loads"]} if result["litserve"] else {}
    rate = _rate(rows.get(level))
    single = rows[1]["answered"]["p50_ms"] if 1 in rows else None
    memory = service["memory"]["api_mib"]
    return {
        "throughput": _ratio(rate, max(row["images_per_second"] for row in engine.values())),
        "latency": _ratio(single, engine[1]["ms"] + result["decode"]["ms"]),
        "overload": _ratio(_rate(service["overload"]), max(row["images_per_second"] for row in rows.values())),
        "beside": _ratio(_rate(service["beside"]), rate),
        "litserve": _ratio(rate, _rate(litserve.get(level))),
        "memory_gib": memory / 1024 if memory else None,
        "ready_seconds": service["ready_seconds"],
    }


def _rate(row: dict[str, Any] | None) -> float | None:
    return row["images_per_second"] if row else None


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None
