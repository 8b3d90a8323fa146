import json

import pytest

from benchmarks.machine import machine, refuse_other, versions
from benchmarks.problems import Refused, require


def test_a_machine_is_the_same_as_itself() -> None:
    """What is said of this machine outlives JSON, says what decides its speed, and is not refused."""
    here = machine()
    assert here["cores"] >= 1
    assert here["memory_gib"] > 0
    assert here["processor"]
    assert here["tensorflow"].startswith("tensorflow")
    refuse_other(json.loads(json.dumps(here)), machine(), "bench.json")


@pytest.mark.parametrize("key", ["processor", "flags", "cores", "memory_gib", "tensorflow", "gpus"])
def test_another_machine_is_refused(key: str) -> None:
    """Numbers from another processor, memory, TensorFlow or GPU are refused in one line that says which."""
    with pytest.raises(Refused, match=f"bench.json: from another machine \\({key} 'another' there") as refusal:
        refuse_other({**machine(), key: "another"}, machine(), "bench.json")
    assert refusal.value.exit_code == 2
    assert "\n" not in str(refusal.value)


def test_versions_are_told() -> None:
    """What measures, and what is measured, is told with its version."""
    told = versions()
    assert {"python", "bestguess", "uvicorn", "locust", "litserve"} <= set(told)
    assert told["keras"]


def test_what_is_not_installed_is_named() -> None:
    """A missing package of the benchmark is one line that says what to install."""
    require("json")
    with pytest.raises(Refused, match=r"needs no_such_load: pip install 'bestguess\[bench\]'"):
        require("json", "no_such_load")
