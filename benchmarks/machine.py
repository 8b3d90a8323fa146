"""The machine that numbers belong to: numbers of two of them are never put side by side."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.problems import Refused
from vision.hardware import cores

_CPUINFO = Path("/proc/cpuinfo")
# What oneDNN and Eigen choose their kernels by.
_FLAGS = {"avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_bf16", "amx_int8"}
_TENSORFLOW = ("tensorflow", "tensorflow-cpu")
_PACKAGES = ("bestguess", "keras", "numpy", "pillow", "fastapi", "starlette", "uvicorn", "locust", "litserve")


def machine() -> dict[str, Any]:
    """Say what decides how fast numbers come: two runs may be compared only where all of this is the same."""
    about = _processor(_CPUINFO)
    return {
        "processor": " ".join(about.get(key, "") for key in ("model name", "cpu family", "model", "stepping")).strip()
        or platform.processor()
        or platform.machine(),
        "flags": sorted(_FLAGS & set(about.get("flags", "").split())),
        "cores": cores(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "tensorflow": next((f"{name} {found}" for name in _TENSORFLOW if (found := _version(name))), None),
        "gpus": _gpus(),
    }


def versions() -> dict[str, str | None]:
    """Name the versions of what is measured, and of what measures; these may differ between two runs."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def refuse_other(theirs: dict[str, Any], ours: dict[str, Any], whose: str) -> None:
    """Refuse numbers of another machine.

    Raises:
        Refused: naming each difference.
    """
    keys = [key for key in ours if theirs.get(key) != ours[key]]
    if keys:
        differences = "; ".join(f"{key} {theirs.get(key)!r} there, {ours[key]!r} here" for key in keys)
        raise Refused(f"{whose}: from another machine ({differences}). Ratios say something within one machine only.")


def _processor(cpuinfo: Path) -> dict[str, str]:
    """Read what Linux says of the first core."""
    try:
        lines = cpuinfo.read_text(errors="replace").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _gpus() -> list[str]:
    """List what NVIDIA's driver sees; without importing TensorFlow."""
    program = shutil.which("nvidia-smi")
    if not program:
        return []
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [] if done.returncode else [line.strip() for line in done.stdout.splitlines() if line.strip()]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
