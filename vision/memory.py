"""How much memory there still is for this process: the machine's, within its container's share."""

from __future__ import annotations

from pathlib import Path

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def available(proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Say how many bytes can be had without swapping; None where the system does not say, as macOS does not.

    What the kernel would give up for it, such as files that it has read, counts as available.
    """
    machine = _field(proc / "meminfo", "MemAvailable:")
    if machine is None:
        return None
    return max(0, min([machine * 1024, *_left_in_groups(proc, cgroups)]))


def _left_in_groups(proc: Path, cgroups: Path) -> list[int]:
    """List what is left of each limit that holds for us: that of our control group, and of those above it (version 2).

    A container sees its own group as the root. A group without a limit has the word "max" for one, or no file.
    """
    try:
        line = next(line for line in (proc / "self/cgroup").read_text().splitlines() if line.startswith("0::/"))
    except (OSError, StopIteration):
        return []
    group = cgroups / line.removeprefix("0::/")
    groups = [above for above in (group, *group.parents) if above.is_relative_to(cgroups)]
    return [left for folder in groups if (left := _left(folder)) is not None]


def _left(group: Path) -> int | None:
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return None
    return limit - used + (_field(group / "memory.stat", "inactive_file") or 0)


def _field(path: Path, name: str) -> int | None:
    try:
        rows = (line.split() for line in path.read_text().splitlines())
        return next(int(row[1]) for row in rows if row and row[0] == name)
    except (OSError, StopIteration, ValueError, LookupError):
        return None
