"""How much memory there is, and how much of it is left."""

from pathlib import Path

import pytest

from vision import machine

MEMINFO = "MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    8000 kB\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Make what Linux says of a machine with 8,000 KiB, to a process in the group /a/b."""
    folder = tmp_path / "proc"
    (folder / "self").mkdir(parents=True)
    (folder / "meminfo").write_text(MEMINFO)
    (folder / "self" / "cgroup").write_text("0::/a/b\n")
    return folder


def group(folder: Path, limit: str, used: int, files: int) -> None:
    """Make what Linux says of a control group."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {files}\n")


def test_of_a_machine(proc: Path, tmp_path: Path) -> None:
    """Without groups it is what the kernel says is available."""
    assert machine.available(proc, tmp_path / "none") == 8000 * 1024


def test_of_a_container(proc: Path, tmp_path: Path) -> None:
    """The least that any group above leaves is what can be had; files that were read are given up for it."""
    group(tmp_path / "cgroup", "max", 1, 0)
    group(tmp_path / "cgroup/a", "5000000", 4_000_000, 500_000)
    group(tmp_path / "cgroup/a/b", "max", 1_000_000, 0)
    assert machine.available(proc, tmp_path / "cgroup") == 1_500_000


def test_of_a_container_that_sees_its_own_group_as_the_root(proc: Path, tmp_path: Path) -> None:
    """A limit of the root holds, whatever path the process has elsewhere."""
    group(tmp_path / "cgroup", "2000000", 1_900_000, 0)
    assert machine.available(proc, tmp_path / "cgroup") == 100_000


def test_more_than_its_limit(proc: Path, tmp_path: Path) -> None:
    """A group that uses more than it may leaves nothing, not less than that."""
    group(tmp_path / "cgroup/a/b", "1000", 2000, 0)
    assert machine.available(proc, tmp_path / "cgroup") == 0


def test_of_another_system(tmp_path: Path) -> None:
    """A system without /proc does not say."""
    assert machine.available(tmp_path / "none", tmp_path / "none") is None


def test_the_limit_of_a_machine(proc: Path, tmp_path: Path) -> None:
    """Without groups the limit is the machine's memory."""
    assert machine.memory_limit(proc, tmp_path / "none") == 16000 * 1024


@pytest.mark.parametrize(
    ("above", "own", "limit"), [("max", "5000", 5000), ("4000", "5000", 4000), ("max", "", 16384000)]
)
def test_the_limit_of_a_container(proc: Path, tmp_path: Path, above: str, own: str, limit: int) -> None:
    """The least limit of our group and of those above it counts, where there is one, else the machine's memory."""
    group(tmp_path / "cgroup", above, 1, 0)
    group(tmp_path / "cgroup/a/b", own, 1, 0)
    assert machine.memory_limit(proc, tmp_path / "cgroup") == limit


def test_no_limit_is_known(tmp_path: Path) -> None:
    """A system without /proc does not say."""
    assert machine.memory_limit(tmp_path / "none", tmp_path / "none") is None


def test_of_this_machine() -> None:
    """What this machine says is a number that can be, or nothing."""
    there = machine.available()
    assert there is None or 0 <= there < 2**50
