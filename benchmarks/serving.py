"""A whole benchmark of serving, part after part, and the JSON that it comes to."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import chosen
from benchmarks.asked import RIVAL_CONNECTIONS
from benchmarks.compare import FORMAT
from benchmarks.load import Loads
from benchmarks.machine import machine, versions
from benchmarks.photos import Photos, gather
from benchmarks.processes import measured
from benchmarks.ratios import ratios
from benchmarks.rivals import rival
from benchmarks.service import served
from benchmarks.weights import described, weights_for
from vision.hardware import cores
from vision.networks import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.settings import Settings
    from benchmarks.asked import Plan
    from vision.networks import Network
    from vision.weights import FoundWeights

# What is chosen for the service anew each time, or is a secret.
_OWN = {"redis_url", "artifacts_url", "data_dir", "mirror", "host", "port", "weights"}
_THREADS = ("TF_", "OMP_")  # variables that TensorFlow and its libraries read


@dataclass(frozen=True, slots=True)
class Bench:
    """What all parts of one run share; `say` tells a person what is being done."""

    plan: Plan
    settings: Settings
    network: Network
    weights: FoundWeights
    photos: Photos
    folder: Path
    say: Callable[[str], None]

    def asked(self) -> dict[str, Any]:
        """Say what a part in a process of its own has to know."""
        return {
            "model": self.network.id,
            "weights": str(self.weights.path.absolute()) if self.weights.path else None,
            "precision": self.settings.precision,
            "photos": str(self.folder / "photos"),
            "seconds": self.plan.seconds,
            "processes": self.settings.decode_processes or cores(),
        }


def measure_serving(plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure everything, one after the other.

    Raises:
        BenchError: a part failed; Refused before anything was measured.
    """
    began = _now()
    with _prepared(plan, say) as bench:
        told: dict[str, Any] = {"kind": "serving", "format": FORMAT, "started_at": began}
        told |= {"machine": machine(), "versions": versions(), "settings": _settings(bench)}
        say(f"{bench.network.title} alone, at each batch size")
        told["engine"] = {"at": _now(), **measured("benchmarks.engine", bench.asked(), bench.folder)}
        say("decoding alone")
        told["decode"] = {"at": _now(), **measured("benchmarks.decode", bench.asked(), bench.folder)}
        told["service"] = _service(bench)
        told["litserve"] = _rival(bench, told["engine"]) if plan.against else None
        return {**told, "ratios": ratios(told), "finished_at": _now()}


@contextmanager
def _prepared(plan: Plan, say: Callable[[str], None]) -> Iterator[Bench]:
    settings = chosen.settings()
    network = NETWORKS[plan.model]
    weights = weights_for(network, settings)
    with tempfile.TemporaryDirectory(prefix="bestguess-bench-") as name:
        say("preparing the photos")
        photos = gather(plan.photos)
        photos.write(Path(name) / "photos")
        yield Bench(plan, settings, network, weights, photos, Path(name), say)


def _service(bench: Bench) -> dict[str, Any]:
    bench.say("starting the service")
    with served(bench.network, bench.weights, bench.folder, bench.photos.files[0]) as service:
        loads = Loads(service.host, service.path, bench.folder, bench.plan.seconds, bench.settings, bench.say)
        rows = [loads.at(connections) for connections in bench.plan.connections]
        peak = max(row["images_per_second"] for row in rows)
        if not peak:
            raise service.running.failure("Not one photo was classified.")
        return {
            "model": service.model,
            "ready_seconds": service.ready_seconds,
            "level": bench.plan.level,
            "loads": rows,
            "overload": loads.overload(peak),
            "beside": loads.beside(bench.plan.level, service.running) if bench.plan.beside else None,
            "memory": service.peak_memory(),
        }


def _rival(bench: Bench, engine: dict[str, Any]) -> dict[str, Any]:
    """Measure LitServe with the precision, and the largest batch, that were best for the bare engine."""
    bench.say("starting LitServe")
    precision, batch = engine["precision"], max(engine["rows"], key=lambda row: row["images_per_second"])["batch"]
    asked = {**bench.asked(), "precision": precision, "timeout": bench.settings.deadline_seconds}
    with rival(asked, batch, bench.folder, bench.photos.files[0]) as server:
        loads = Loads(server.host, server.path, bench.folder, bench.plan.seconds, bench.settings, bench.say)
        rows = [loads.at(connections) for connections in RIVAL_CONNECTIONS]
    return {"settings": server.settings, "precision": precision, "ready_seconds": server.ready_seconds, "loads": rows}


def _settings(bench: Bench) -> dict[str, Any]:
    weights = {"origin": bench.weights.origin, "hash": bench.weights.hash, "described": described(bench.weights)}
    return {
        "model": bench.network.id,
        "weights": weights,
        "seconds": bench.plan.seconds,
        "connections": list(bench.plan.connections),
        "photos": bench.photos.about(),
        "photos_described": bench.photos.said(),
        "service": bench.settings.model_dump(mode="json", exclude=_OWN),
        "environment": {name: value for name, value in os.environ.items() if name.startswith(_THREADS)},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
