"""How much memory a running service took at most, process by process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)  # proc(5): the peak of what was resident
API, DECODER = "app.serve", "vision.decoder"  # the modules that these processes run


def find_api(pid: int) -> int | None:
    """Find the API's process among the children of `bestguess up`; None while there is none."""
    return next(iter(_running(API, pid)), None)


def peak_memory(api: int, proc: Path = _PROC) -> dict[str, Any]:
    """Say the most memory that the API, and each of its decode processes, has had, in MiB.

    None where the system does not tell a process's peak, as outside Linux.
    """
    decoders = [_peak(proc, pid) for pid in _running(DECODER, api)]
    known = [peak for peak in decoders if peak is not None]
    return {
        "api_mib": _peak(proc, api),
        "decode_processes": len(decoders),
        "decode_mib": sum(known) if known else None,
        "largest_decode_mib": max(known, default=None),
    }


def _running(module: str, pid: int) -> list[int]:
    """List the processes below `pid` that run a module."""
    import psutil  # type: ignore[import-untyped]  # noqa: PLC0415 - of the benchmark's own packages

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
