"""The README's blocks, run as a reader would: `make serve`, then curl; the answers are those that it prints."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.images import PHOTOS
from support.ports import free_port
from support.waiting import COSTLY, wait_until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
STORY = re.findall(r"^\$ (.*drawn textures|bestguess (?:finetune|classify) .*textures.*)$", README, re.MULTILINE)
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

    def tells(self, command: str, folder: Path) -> str:
        """Run a command of the environment in a folder of the reader's own, and return all that it prints."""
        words = shlex.split(command.replace(".venv/bin/", ""))
        environment = os.environ | {"BESTGUESS_URL": f"http://127.0.0.1:{self.port}", "PYTHONPATH": str(ROOT)}
        program = Path(sys.executable).parent / words[0]
        out = subprocess.PIPE
        return subprocess.run(
            [program, *words[1:]],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        ).stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Start the service as the README says, and stop it with Ctrl-C."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    if not PHOTOS.is_dir():
        pytest.skip(f"the photographs are not at {PHOTOS}")
    folder = tmp_path_factory.mktemp("up")
    port = free_port()
    environment = os.environ | {
        "BESTGUESS_PORT": str(port),
        "BESTGUESS_DATA_DIR": str(folder / "data"),
        "BESTGUESS_MNIST": str(PHOTOS.parent / "mnist.npz"),
        "BESTGUESS_MIRROR": "http://127.0.0.1:9",
        "BESTGUESS_WORKER_NICENESS": "0",  # other tests run beside it, and nobody waits for this service meanwhile
        "TF_NUM_INTRAOP_THREADS": "1",  # threads that spin as they wait for one another
        "KERAS_HOME": str(folder / "keras"),
    }
    with subprocess.Popen(shlex.split(COMMANDS[0]), cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            yield Reader(port)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)


def printed(number: int) -> dict[str, Any]:
    """Return an answer that the README prints."""
    answer: dict[str, Any] = json.loads(ANSWERS[number])
    return answer


def test_classify(reader: Reader) -> None:
    """The photo of an espresso is answered as printed, but for times."""
    body = wait_until(lambda: said if "predictions" in (said := reader.types(COMMANDS[1])) else None, 120, COSTLY)
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
    # A step takes 20 ms to 100 ms by itself, several times as long beside two other tests.
    wait_until(lambda: json.loads(reader.types(command))["finished_at"], 900, COSTLY)
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


def test_use_what_was_trained(reader: Reader) -> None:
    """The network that was just trained sees the seven, and answers in the printed shape."""
    answer, expected = json.loads(reader.types(COMMANDS[4])), printed(3)
    assert answer.keys() == expected.keys()
    assert answer["model"] | {"id": ""} == expected["model"] | {"id": ""}
    assert answer["image"] == expected["image"]
    first, second = answer["predictions"]
    wanted = expected["predictions"][0]
    assert first == wanted | {"score": pytest.approx(wanted["score"], abs=0.02)}
    assert second.keys() == wanted.keys()


def test_your_own_classes(reader: Reader, tmp_path: Path) -> None:
    """The textures are drawn, taught and told apart as printed: the same epochs, and about as many that are right."""
    draw, teach, ask = STORY
    wait_until(lambda: "predictions" in reader.types(COMMANDS[1]), 120, COSTLY)
    reader.tells(draw, tmp_path)
    told, expected = reader.tells(teach, tmp_path).splitlines(), printed_lines("bestguess: ds_")
    same = [re.sub(r"(ds|job)_\w+|[\d.]+ %.*$", "", line) for line in told]
    assert same == [re.sub(r"(ds|job)_\w+|[\d.]+ %.*$", "", line) for line in expected]
    last, wanted = told[-2].split()[2], expected[-2].split()[2]
    assert float(last) >= float(wanted) - 10
    answer, picture = reader.tells(ask, tmp_path).splitlines(), printed_lines("textures/dots")
    assert answer[0] == picture[0]
    assert answer[1].split()[0] == picture[1].split()[0]
    assert len(answer) == len(picture)


def printed_lines(begin: str) -> list[str]:
    """Return the block of the README that begins so."""
    return re.findall(rf"```\n({re.escape(begin)}.*?)```", README, re.DOTALL)[0].splitlines()
