"""Training gives way to answering."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

AUTOGROUP = Path("/proc/self/autogroup")
SAY = """
import os, pathlib
from worker.priority import give_way
group = pathlib.Path("{}")
print(group.read_text().strip())
give_way(5)
print(os.nice(0))
print(group.read_text().strip())
"""


@pytest.mark.parametrize("leader", [True, False])
def test_a_worker_is_nice(leader: bool) -> None:
    """It lowers its own priority, and its session's where it leads one, as it does under `bestguess up`."""
    ours = os.nice(0)
    code = SAY.format(AUTOGROUP if AUTOGROUP.exists() else "/dev/null")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, start_new_session=leader
    )
    # A process whose control group has its own share of the processor is in no such group, and the file is empty.
    before, niceness, after = done.stdout.splitlines()
    assert int(niceness) == min(ours + 5, 19)
    assert after == (before.rpartition(" ")[0] + " 5" if leader and before else before)
