"""Checks of the machine: processor, memory, open files, GPU and TensorFlow, without importing TensorFlow."""

from __future__ import annotations

import platform
import resource
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bestguess.checks import ok, warning, wrong
from vision.machine import cores, features, has_bfloat16
from vision.networks.registry import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.settings import Settings
    from bestguess.checks import CheckResult
    from jobs.settings import WorkerSettings

GIB = 1024**3
LOADED, PEAK = 1.4 * GIB, 2.4 * GIB  # README.md: with both networks loaded, and while they are being loaded
GROWN = 2.4  # memory of a further loaded network, in sizes of its weights; measured with VGG-19
OPEN_FILES = 1024  # each connection is one, also that of a job's event stream
CUDA = {"nvidia-cuda-runtime-cu12": 525, "nvidia-cuda-runtime": 580}  # and the oldest driver that supports it
NVIDIA = ("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits")


def check_processor(settings: Settings) -> Iterator[CheckResult]:
    """Check the processor's instructions, and count the cores that we may use."""
    about = "processor"
    flags, count = features(), cores()
    if platform.machine() in {"x86_64", "AMD64"} and flags and "avx" not in flags:
        yield wrong(about, "no AVX, which TensorFlow's packages need", "Use another machine: it ends at once here.")
        return
    if flags and "avx2" not in flags and "asimd" not in flags:
        yield warning(about, f"{count} cores, no AVX2", "It works, at a fraction of the speed.")
        return
    number = "bfloat16" if has_bfloat16() else "no bfloat16, so VGG16 computes in float32"
    yield ok(about, f"{count} cores, {number}; {settings.decode_processes or count} decode processes")


def check_tensorflow(module: str = "tensorflow") -> Iterator[CheckResult]:
    """Check that TensorFlow is installed, without importing it; yield nothing if it is."""
    if find_spec(module) is None:
        action = 'pip install "bestguess[cpu]", or "bestguess[gpu]" on a machine with an NVIDIA GPU.'
        yield wrong("TensorFlow", "not installed: neither the API nor a worker can start", action)


def check_memory(memory: int | None, listed: Sequence[str] = ("vgg16",)) -> Iterator[CheckResult]:
    """Check that the networks that are loaded at the start fit into `memory`, the bytes that we may use if known."""
    about = "memory"
    if memory is None:
        yield ok(about, "this system does not say")
        return
    more = sum(GROWN * 4 * NETWORKS[name].parameters for name in listed[1:])
    loaded, peak = (f"{(least + more) / GIB:.1f}" for least in (LOADED, PEAK))
    networks = "both networks" if len(listed) == 1 else "all networks"
    found = f"{memory / GIB:.1f} GiB may be used"
    if memory < LOADED + more:
        yield wrong(
            about, found, f"{loaded} GiB are needed, and {peak} at the start; BESTGUESS_STAND_IN=off saves some."
        )
    elif memory < PEAK + more:
        yield warning(about, found, f"{peak} GiB are needed while {networks} are loaded; and some for each training.")
    else:
        yield ok(about, found)


def check_open_files() -> Iterator[CheckResult]:
    """Check the hard limit of open files, to which the service raises its own limit by itself."""
    about, most = "open files", resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < OPEN_FILES:
        yield warning(about, f"at most {most}", f"Raise it (ulimit -Hn {4 * OPEN_FILES}): each connection is one.")
    else:
        yield ok(about, "no limit" if most == resource.RLIM_INFINITY else f"at most {most}")


def check_gpu(worker: WorkerSettings, command: tuple[str, ...] = NVIDIA) -> Iterator[CheckResult]:
    """Check the GPU, its driver, and that the installed TensorFlow can use it."""
    yield from check_cards(_cards(command), _cuda_package(), worker)


def check_cards(
    cards: list[tuple[str, str, str]] | str, cuda: str | None, worker: WorkerSettings
) -> Iterator[CheckResult]:
    """Check the cards (name, driver, MiB), or the error of nvidia-smi, against the CUDA package that is installed."""
    about = "GPU"
    if isinstance(cards, str):
        yield wrong(about, cards, "Install the driver again, or start the container with the GPU (--gpus all).")
    elif not cards:
        yield from _no_gpu(worker, cuda)
    elif cuda is None:
        action = "make serve GPU=1, or the image of the flavour gpu."
        yield warning(about, f"{cards[0][0]}, and a TensorFlow without CUDA", action)
    else:
        for name, driver, memory in cards:
            found = f"{name}, {memory} MiB, driver {driver}"
            old = int(driver.partition(".")[0]) < CUDA[cuda]
            yield wrong(about, found, f"{cuda} needs driver {CUDA[cuda]} or newer.") if old else ok(about, found)


def _no_gpu(worker: WorkerSettings, cuda: str | None) -> Iterator[CheckResult]:
    if worker.worker_device == "gpu":
        yield wrong("GPU", "none, and BESTGUESS_WORKER_DEVICE=gpu", "Set it to auto or cpu: each training fails.")
    elif cuda:
        yield warning("GPU", "none, and a TensorFlow for CUDA", "make serve GPU=0 needs 5 GB less.")
    else:
        yield ok("GPU", "none; the processor computes")


def _cards(command: tuple[str, ...]) -> list[tuple[str, str, str]] | str:
    if shutil.which(command[0]) is None:
        return []
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError) as error:
        words = (getattr(error, "stdout", None) or str(error)).strip()
        return f"nvidia-smi fails: {words.splitlines()[0] if words else 'without a word'}"
    rows = [[part.strip() for part in line.split(",")] for line in output.splitlines() if line.strip()]
    return [(name, driver, memory) for name, driver, memory in rows]


def _cuda_package() -> str | None:
    for package in CUDA:
        try:
            version(package)
        except PackageNotFoundError:
            continue
        return package
    return None
