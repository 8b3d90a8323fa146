"""A run of the serving benchmark: environment, machine, ratios, report, and comparison with an earlier run."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.settings import Settings
from benchmarks.compare import changes, check_same_machine, compare, read_earlier_run
from benchmarks.engine import RANDOM_WEIGHTS
from benchmarks.machine import describe_machine, versions
from benchmarks.processes import UsageError
from benchmarks.report import serving_report
from benchmarks.service import service_environment
from benchmarks.serving import GOALS, UNREPORTED_SETTINGS, ratios
from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.registry import Network
from vision.networks.vgg import VGG16


def _row(connections: int, rate: float, p50: float, **more: object) -> dict[str, Any]:
    times = {"p50_ms": p50, "p95_ms": 2 * p50, "p99_ms": 3 * p50}
    return {
        "connections": connections,
        "offered_per_second": rate,
        "images_per_second": rate,
        "refused_per_second": 0.0,
        "answered": {"count": 100, **times},
        "refused": {"count": 0, "p50_ms": None, "p95_ms": None, "p99_ms": None},
        "errors": {},
        "load": {"cpu_ms_per_request": 1.5, "share_of_machine": 0.02},
        **more,
    }


def _engine(batch: int, rate: float) -> dict[str, Any]:
    rates = {"images_per_second": rate, "best_images_per_second": rate * 1.1}
    return {"batch": batch, "runs": 9, "ms": 1000 * batch / rate, **rates}


@pytest.fixture
def told() -> dict[str, Any]:
    """Make up a run, on this machine."""
    refused = {"count": 60, "p50_ms": 5.0, "p95_ms": 9.0, "p99_ms": 12.0}
    run: dict[str, Any] = {
        "kind": "serving",
        "format": 1,
        "started_at": "2026-01-02T03:04:05.678+00:00",
        "machine": describe_machine(),
        "versions": {"python": "3.11.7"},
        "settings": {"model": "vgg16", "weights": {"described": "random weights"}, "photos_described": "20 drawn"},
        "engine": {"device": "cpu", "precision": "float32", "rows": [_engine(1, 25), _engine(8, 100)]},
        "decode": {"processes": 2, "ms": 10.0, "photos_per_second": 200.0},
        "service": {
            "ready_seconds": 12.0,
            "level": 32,
            "loads": [_row(1, 20, 60), _row(32, 90, 300)],
            "overload": _row(192, 81, 1500, refused=refused, refused_per_second=279.0, wanted_per_second=360.0),
            "beside": _row(32, 72, 400, training_images_per_second=500.0, errors={"504": 2}),
            "memory": {"api_mib": 2048.0, "decode_processes": 2, "decode_mib": 70.0, "largest_decode_mib": 36.0},
        },
        "litserve": {"loads": [_row(32, 60, 500)]},
    }
    return {**run, "ratios": ratios(run)}


def _printed(told: dict[str, Any], before: dict[str, Any] | None = None) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        for part in serving_report(told, before):
            console.print(part, soft_wrap=True, highlight=False)
    return capture.get()


def test_ratios(told: dict[str, Any]) -> None:
    """Each ratio is the quotient that its name promises."""
    assert told["ratios"] == pytest.approx(
        {
            "throughput": 90 / 100,
            "latency": 60 / (1000 / 25 + 10),
            "overload": 81 / 90,
            "beside": 72 / 90,
            "litserve": 90 / 60,
            "memory_gib": 2.0,
            "ready_seconds": 12.0,
        }
    )
    assert all(goal.is_reached(told["ratios"][name]) for name, goal in GOALS.items())


def test_what_was_not_measured_has_no_ratio(told: dict[str, Any]) -> None:
    """A part that was left out, or that had no answer, gives null instead of a number."""
    told["service"] |= {"beside": None, "loads": [_row(32, 0, 1)]}
    told["service"]["memory"]["api_mib"] = None
    told["litserve"] = None
    assert [name for name, value in ratios(told).items() if value is None] == [
        "latency",
        "overload",
        "beside",
        "litserve",
        "memory_gib",
    ]
    told["ratios"] = ratios(told)
    assert "not known on this system" in _printed(told)


def test_the_report_says_everything(told: dict[str, Any]) -> None:
    """Within 80 columns: the machine, the weights, every load with what was refused, errors, the load's cost, goals."""
    printed = _printed(told)
    assert "vgg16 with random weights. Photos: 20 drawn." in printed
    assert "429 at 192 overload: after p50 5.00, p95 9.00, p99 12.0 ms." in printed
    assert "Errors at 32 training: 2 504." in printed
    assert "The load itself took 2.0% to 2.0% of the machine's processor time" in printed
    assert "Peak memory: 2,048 MiB for the API; 70 MiB for 2 decode processes." in printed
    assert [line.split()[-3:] for line in printed.splitlines() if "LitServe's" in line] == [["least", "1.25", "yes"]]
    assert "…" not in printed


def test_an_earlier_run_is_set_in_ratio(told: dict[str, Any], tmp_path: Path) -> None:
    """Each number of both runs is printed with its ratio, and what else has changed is named."""
    before = copy.deepcopy(told)
    before["decode"]["ms"] = 20.0
    before["versions"]["python"] = "3.12.0"
    (tmp_path / "before.json").write_text(json.dumps(before))
    read = read_earlier_run(tmp_path / "before.json", "vgg16")
    assert {row.name: row.ratio for row in compare(read, told)}["decode: ms"] == 0.5
    assert changes(read, told) == ["versions.python: 3.12.0, now 3.11.7"]
    assert "Changed: versions.python: 3.12.0, now 3.11.7" in _printed(told, read)


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "training"}'])
def test_a_file_that_is_no_benchmark_is_refused(text: str, tmp_path: Path) -> None:
    """A file that `--out` did not write is refused with its name."""
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UsageError, match=r"x\.json"):
        read_earlier_run(tmp_path / "x.json", "vgg16")


def test_another_network_is_refused(told: dict[str, Any], tmp_path: Path) -> None:
    """Numbers of two networks are not compared."""
    (tmp_path / "x.json").write_text(json.dumps(told))
    with pytest.raises(UsageError, match="of vgg16, and efficientnet-lite0 is measured"):
        read_earlier_run(tmp_path / "x.json", "efficientnet-lite0")


def test_a_machine_is_the_same_as_itself() -> None:
    """What is said of this machine outlives JSON, says what decides its speed, and is not refused."""
    here = describe_machine()
    assert here["cores"] >= 1
    assert here["memory_gib"] > 0
    assert here["processor"]
    assert here["tensorflow"].startswith("tensorflow")
    check_same_machine(json.loads(json.dumps(here)), describe_machine(), "bench.json")


@pytest.mark.parametrize("key", ["processor", "flags", "cores", "memory_gib", "tensorflow", "gpus"])
def test_another_machine_is_refused(key: str) -> None:
    """Numbers from another processor, memory, TensorFlow or GPU are refused in one line that says which."""
    with pytest.raises(UsageError, match=f"bench.json: from another machine \\({key} 'another' there") as refusal:
        check_same_machine({**describe_machine(), key: "another"}, describe_machine(), "bench.json")
    assert refusal.value.exit_code == 2
    assert "\n" not in str(refusal.value)


def test_versions_are_told() -> None:
    """What measures, and what is measured, is told with its version."""
    told = versions()
    assert {"python", "bestguess", "uvicorn", "locust", "litserve"} <= set(told)
    assert told["keras"]


@pytest.mark.parametrize("network", [VGG16, LITE0])
def test_the_operators_store_and_redis_are_left_alone(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The private service writes neither into the operator's bucket nor into the operator's Redis."""
    for name, value in (("ARTIFACTS_URL", "s3://operator/models"), ("REDIS_URL", "redis://x"), ("QUEUE_SIZE", "7")):
        monkeypatch.setenv(f"BESTGUESS_{name}", value)
    for name, value in service_environment(network, RANDOM_WEIGHTS, tmp_path, 4711).items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert (settings.artifacts_url, settings.redis_url, settings.queue_size) == (None, None, 7)
    assert settings.data_dir == tmp_path / "data"


def test_results_hold_no_places_or_secrets() -> None:
    """Addresses, folders and whatever may hold a key are left out of the numbers' file."""
    assert {"artifacts_url", "redis_url", "data_dir", "mirror", "weights"} <= UNREPORTED_SETTINGS
    told = Settings(artifacts_url="/srv/secret").model_dump(mode="json", exclude=UNREPORTED_SETTINGS)
    assert "secret" not in str(told)
