"""What this machine has for us: its processor's instructions, its cores and its memory, asked without TensorFlow."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")  # a container's share of the machine is in its control group
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}  # without these a processor only emulates it, many times slower
# NVIDIA, "CUDA C++ Programming Guide", arithmetic throughput: half precision is twice as fast or more from 7.0 on
# (Volta), and bfloat16 as fast as that from 8.0 on (Ampere). Older cards have either at a fraction of float32's speed.
_FAST_BFLOAT16 = (8, 0)
_FAST_FLOAT16 = (7, 0)


def fastest(gpu: Mapping[str, Any] | None, *, gains_from_16_bits: bool) -> str:
    """Return the number format in which a network computes fastest, on the processor or on a GPU.

    `gpu` is what TensorFlow says of the card, `gains_from_16_bits` what the network's table says of the network.
    """
    if not gains_from_16_bits:
        return "float32"
    if gpu is None:
        return "bfloat16" if has_bfloat16() else "float32"
    capability = gpu.get("compute_capability", (0, 0))  # other makers' cards have none
    if capability >= _FAST_BFLOAT16:
        return "bfloat16"
    return "float16" if capability >= _FAST_FLOAT16 else "float32"


@cache
def has_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16."""
    return not _BFLOAT16_FLAGS.isdisjoint(features())


def features(cpuinfo: Path = PROC / "cpuinfo") -> set[str]:
    """Return what the processor can do, as Linux writes it; nothing where there is no Linux."""
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith(("flags", "Features"))), "").split())


def cores(cpu_max: Path = CGROUPS / "cpu.max") -> int:
    """Count the processor cores that this process may use: those it is bound to, within its container's share.

    At least 1. Where the machine does not say (macOS has no binding), all of them.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(bound, _share(cpu_max))))


def _share(cpu_max: Path) -> float:
    """Return a container's share of the processors: microseconds of processor time over those of the clock."""
    try:
        quota, period = cpu_max.read_text().split()
        return float(quota) / float(period)
    except (OSError, ValueError):  # no such file, or the word "max"
        return math.inf


def available(proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Return how many bytes can be had without swapping; None where the system does not say, as macOS does not.

    What the kernel would give up for it, such as files that it has read, counts as available.
    """
    machine = _field(proc / "meminfo", "MemAvailable:")
    if machine is None:
        return None
    left = [_left(group) for group in _groups(proc, cgroups)]
    return max(0, min([machine * 1024, *(bytes_ for bytes_ in left if bytes_ is not None)]))


def memory_limit(proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Return the bytes that this process may use: the machine's memory, or less where a control group limits it.

    None where the system does not say, as macOS does not.
    """
    machine = _field(proc / "meminfo", "MemTotal:")
    if machine is None:
        return None
    limits = [_number(group / "memory.max") for group in _groups(proc, cgroups)]
    return min([machine * 1024, *(limit for limit in limits if limit is not None)])


def _groups(proc: Path, cgroups: Path) -> list[Path]:
    """Return the folders of our control group (version 2) and of those above it, whose limits hold for us as well.

    A container sees its own group as the root.
    """
    try:
        line = next(line for line in (proc / "self/cgroup").read_text().splitlines() if line.startswith("0::/"))
    except (OSError, StopIteration):
        return []
    group = cgroups / line.removeprefix("0::/")
    return [above for above in (group, *group.parents) if above.is_relative_to(cgroups)]


def _left(group: Path) -> int | None:
    """Return the bytes that are left of a group's limit, None where it has none."""
    limit, used = _number(group / "memory.max"), _number(group / "memory.current")
    if limit is None or used is None:
        return None
    return limit - used + (_field(group / "memory.stat", "inactive_file") or 0)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # a group without a limit has the word "max" for one, or no file
        return None


def _field(path: Path, name: str) -> int | None:
    try:
        rows = (line.split() for line in path.read_text().splitlines())
        return next(int(row[1]) for row in rows if row and row[0] == name)
    except (OSError, StopIteration, ValueError, LookupError):
        return None
