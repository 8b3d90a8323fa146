"""What the processor can do."""

import os
from pathlib import Path

import pytest

from vision import machine


@pytest.mark.parametrize(
    ("share", "cores"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("", None), (None, None)]
)
def test_a_container_gets_no_more_cores_than_its_share(tmp_path: Path, share: str | None, cores: int | None) -> None:
    """A quota counts, rounded up; without one it is what the process is bound to."""
    cpu_max = tmp_path / "cpu.max"
    if share is not None:
        cpu_max.write_text(share)
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert machine.cores(cpu_max) == (cores or bound)


def test_a_process_bound_to_one_core_counts_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the scheduler would never give is not counted."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert machine.cores(tmp_path / "none") == 1


@pytest.mark.parametrize(
    ("text", "flags"),
    [("processor : 0\nflags\t\t: fpu avx2 avx512_bf16\n", {"fpu", "avx2", "avx512_bf16"}), ("processor : 0\n", set())],
)
def test_flags_are_those_of_the_kernel(tmp_path: Path, text: str, flags: set[str]) -> None:
    """They stand behind a colon, on the line of the first core."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(text)
    assert flags <= machine.features(cpuinfo)


def test_a_system_without_cpuinfo_has_no_flags(tmp_path: Path) -> None:
    """MacOS has none, and no bfloat16 is taken for granted there."""
    assert machine.features(tmp_path / "none") == set()
