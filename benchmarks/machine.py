"""Machine description: processor, memory, GPUs, TensorFlow, and versions of packages."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vision.machine import cores

_CPUINFO = Path("/proc/cpuinfo")
# oneDNN and Eigen choose their kernels by these.
_FLAGS = {"avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_bf16", "amx_int8"}
_TENSORFLOW = ("tensorflow", "tensorflow-cpu")
_PACKAGES = ("bestguess", "keras", "numpy", "pillow", "fastapi", "starlette", "uvicorn", "locust", "litserve")


def describe_machine() -> dict[str, Any]:
    """Return what decides the speed: two runs may be compared only where all of this is equal."""
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
    """Return the versions of Python and of packages; these may differ between two runs that are compared."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def _processor(cpuinfo: Path) -> dict[str, str]:
    """Return what /proc/cpuinfo has for the first core; empty outside Linux."""
    try:
        lines = cpuinfo.read_text(errors="replace").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _gpus() -> list[str]:
    """Return the names of the NVIDIA GPUs, without importing TensorFlow."""
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
