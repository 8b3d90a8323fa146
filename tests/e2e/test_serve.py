"""The README's blocks, run as a reader would: `make serve`, then curl; the answers are those that it prints."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pictures import PHOTOS
from waiting import wait_until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\$ (make serve|curl .*)$", README, re.MULTILINE)
ANSWERS = re.findall(r"```json\n(.*?)```", README, re.DOTALL)


@dataclass(frozen=True)
class Reader:
    """Somebody who types what the README says."""

    port: int

    def types(self, command: str) -> str:
        """Run a command in the folder with the photographs, and return what it prints."""
        words = [*shlex.split(command.replace("8000", str(self.port))), "--silent"]
        return subprocess.run(words, cwd=PHOTOS, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Start the service as the README says, and stop it with Ctrl-C."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    if not PHOTOS.is_dir():
        pytest.skip(f"the photographs are not at {PHOTOS}")
    folder = tmp_path_factory.mktemp("up")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "BESTGUESS_PORT": str(port),
        "BESTGUESS_DATA_DIR": str(folder / "data"),
        "BESTGUESS_MNIST": str(PHOTOS.parent / "mnist.npz"),
        "BESTGUESS_MIRROR": "http://127.0.0.1:9",
        "KERAS_HOME": str(folder / "keras"),
    }
    with subprocess.Popen(shlex.split(COMMANDS[0]), cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            yield Reader(port)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(10)


def printed(number: int) -> dict[str, Any]:
    """Return an answer that the README prints."""
    answer: dict[str, Any] = json.loads(ANSWERS[number])
    return answer


def test_classify(reader: Reader) -> None:
    """The photo of an espresso is answered as printed, but for times."""
    body = wait_until(lambda: said if "predictions" in (said := reader.types(COMMANDS[1])) else None, 120)
    answer, expected = json.loads(body), printed(0)
    assert answer.keys() == expected.keys()
    for guess, wanted in zip(answer["predictions"], expected["predictions"], strict=True):
        assert guess == wanted | {"score": pytest.approx(wanted["score"], abs=0.002)}
    assert answer["image"] == expected["image"]
    assert answer["timing_ms"].keys() == expected["timing_ms"].keys()
    assert answer["model"] | {"stand_in_reason": ""} == expected["model"] | {"stand_in_reason": ""}
    assert answer["model"]["stand_in_reason"]


def test_train(reader: Reader) -> None:
    """A training is queued as printed, and ends with the printed accuracies, but for a per cent."""
    queued = json.loads(reader.types(COMMANDS[2]))
    own = {"id": "", "created_at": "", "status": "queued", "started_at": None, "attempt": 0}
    assert queued | own == printed(1) | own
    command = re.sub(r"job_\w+", queued["id"], COMMANDS[3])
    wait_until(lambda: json.loads(reader.types(command))["finished_at"], 240)
    job, expected = json.loads(reader.types(command)), printed(2)
    assert job["error"] is None
    assert job["status"] == expected["status"]
    history = {entry["step"]: entry for entry in job["history"]}
    assert list(history) == list(range(100, 1001, 100))
    for entry in expected["history"]:
        assert history[entry["step"]]["train_accuracy"] == pytest.approx(entry["train_accuracy"], abs=0.05)
    for name in ("train_accuracy", "test_accuracy"):
        assert job["result"][name] == pytest.approx(expected["result"][name], abs=0.01)
    assert job["result"]["model_id"] == job["id"]
    assert job["result"]["dataset"]["official"] is True
