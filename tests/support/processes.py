"""Process groups as seen from outside."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def lives(group: int) -> bool:
    """Whether a process group has a member that is no zombie (of which not every container's first process is rid)."""
    if sys.platform == "linux":
        return any(_belongs(stat, group) for stat in Path("/proc").glob("[0-9]*/stat"))
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, 0)
        return True
    return False


def _belongs(stat: Path, group: int) -> bool:
    with suppress(OSError):
        state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        return int(its_group) == group and state not in "ZX"
    return False
