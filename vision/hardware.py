"""What this machine's processor can do; nobody has to import TensorFlow to ask."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}  # without these a processor only emulates it, many times slower
_CPUINFO = Path("/proc/cpuinfo")
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")  # a container's share: microseconds of processor time, and of the clock


# NVIDIA, "CUDA C++ Programming Guide", arithmetic throughput: half precision is twice as fast or more from 7.0 on
# (Volta), and bfloat16 as fast as that from 8.0 on (Ampere). Older cards have either at a fraction of float32's speed.
_FAST_BFLOAT16 = (8, 0)
_FAST_FLOAT16 = (7, 0)


def fastest(gpu: Mapping[str, Any] | None, *, gains_from_16_bits: bool) -> str:
    """Name the number format in which a network computes fastest, on the processor or on a GPU.

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


def features(cpuinfo: Path = _CPUINFO) -> set[str]:
    """Name what the processor can do, as Linux writes it; nothing where there is no Linux."""
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith(("flags", "Features"))), "").split())


def cores(cpu_max: Path = _CPU_MAX) -> int:
    """Count the processor cores that this process may use: those it is bound to, within its container's share.

    At least 1. Where the machine does not say (macOS has no binding), all of them.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(bound, _share(cpu_max))))


def _share(cpu_max: Path) -> float:
    try:
        quota, period = cpu_max.read_text().split()
        return float(quota) / float(period)
    except (OSError, ValueError):  # no such file, or the word "max"
        return math.inf
