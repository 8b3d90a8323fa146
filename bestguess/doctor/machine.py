"""Processor, memory, open files and GPU, without a word of TensorFlow's."""

from __future__ import annotations

import platform
import resource
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
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
GROWN = 2.4  # what a further network takes once it is loaded, in sizes of its weights; measured with VGG-19
MEMINFO = Path("/proc/meminfo")
MEMORY_MAX = Path("/sys/fs/cgroup/memory.max")  # a container's share
OPEN_FILES = 1024  # a connection is one, and a follower of a job too
CUDA = {"nvidia-cuda-runtime-cu12": 525, "nvidia-cuda-runtime": 580}  # and the oldest driver that serves it
NVIDIA = ("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits")


def check_processor(settings: Settings) -> Iterator[CheckResult]:
    """See what the processor can do, and how many of its cores are ours."""
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
    """Check that TensorFlow is installed, without importing it; say nothing if it is."""
    if find_spec(module) is None:
        action = 'pip install "bestguess[cpu]", or "bestguess[gpu]" on a machine with an NVIDIA GPU.'
        yield wrong("TensorFlow", "not installed: neither the API nor a worker can start", action)


def check_memory(
    meminfo: Path = MEMINFO, memory_max: Path = MEMORY_MAX, listed: Sequence[str] = ("vgg16",)
) -> Iterator[CheckResult]:
    """See whether the networks that are loaded at the start fit into the memory that we may use."""
    about, bytes_ = "memory", _memory(meminfo, memory_max)
    if bytes_ is None:
        yield ok(about, "this system does not say")
        return
    more = sum(GROWN * 4 * NETWORKS[name].parameters for name in listed[1:])
    loaded, peak = (f"{(least + more) / GIB:.1f}" for least in (LOADED, PEAK))
    networks = "both networks" if len(listed) == 1 else "all networks"
    found = f"{bytes_ / GIB:.1f} GiB may be used"
    if bytes_ < LOADED + more:
        yield wrong(
            about, found, f"{loaded} GiB are needed, and {peak} at the start; BESTGUESS_STAND_IN=off saves some."
        )
    elif bytes_ < PEAK + more:
        yield warning(about, found, f"{peak} GiB are needed while {networks} are loaded; and some for each training.")
    else:
        yield ok(about, found)


def check_open_files() -> Iterator[CheckResult]:
    """See how many connections there can be; the service raises its limit to the hard one by itself."""
    about, most = "open files", resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < OPEN_FILES:
        yield warning(about, f"at most {most}", f"Raise it (ulimit -Hn {4 * OPEN_FILES}): each connection is one.")
    else:
        yield ok(about, "no limit" if most == resource.RLIM_INFINITY else f"at most {most}")


def check_gpu(worker: WorkerSettings, command: tuple[str, ...] = NVIDIA) -> Iterator[CheckResult]:
    """See whether there is a GPU, its driver, and a TensorFlow that knows what to do with it."""
    yield from check_cards(_cards(command), _cuda(), worker)


def check_cards(
    cards: list[tuple[str, str, str]] | str, cuda: str | None, worker: WorkerSettings
) -> Iterator[CheckResult]:
    """Say what is wrong with cards (name, driver, MiB), or with asking for them, and the package of CUDA there is."""
    about = "GPU"
    if isinstance(cards, str):
        yield wrong(about, cards, "Install the driver anew, or start the container with the GPU (--gpus all).")
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
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError) as error:
        words = (getattr(error, "stdout", None) or str(error)).strip()
        return f"nvidia-smi fails: {words.splitlines()[0] if words else 'without a word'}"
    rows = [[part.strip() for part in line.split(",")] for line in told.splitlines() if line.strip()]
    return [(name, driver, memory) for name, driver, memory in rows]


def _cuda() -> str | None:
    for package in CUDA:
        try:
            version(package)
        except PackageNotFoundError:
            continue
        return package
    return None


def _memory(meminfo: Path, memory_max: Path) -> int | None:
    try:
        total = int(meminfo.read_text().split("MemTotal:")[1].split()[0]) * 1024
    except (OSError, LookupError, ValueError):
        return None
    try:
        return min(total, int(memory_max.read_text()))
    except (OSError, ValueError):  # no such file, or the word "max"
        return total
