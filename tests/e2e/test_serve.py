"""The README's one block, run as a reader would: `make serve`, then curl."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def printed_answer() -> dict[str, Any]:
    """Return the answer that the README prints."""
    answer: dict[str, Any] = json.loads(README.split("```json\n")[1].split("```")[0])
    return answer


def said(command: list[str], folder: Path) -> str:
    """Run a command in a folder, and return what it prints."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_the_block_gives_the_printed_answer(photos: Path, tmp_path: Path) -> None:
    """`make serve` and the README's curl line give the answer that it prints, but for times; Ctrl-C ends all of it."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    serve, curl = re.findall(r"^\$ (make serve|curl .*)$", README, re.MULTILINE)[:2]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    environment = os.environ | {
        "BESTGUESS_PORT": port,
        "BESTGUESS_DATA_DIR": str(tmp_path / "data"),
        "BESTGUESS_MIRROR": "http://127.0.0.1:9",
        "KERAS_HOME": str(tmp_path / "keras"),
    }
    with subprocess.Popen(serve.split(), cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            command = [*shlex.split(curl.replace("8000", port)), "--silent"]
            body = wait_until(lambda: answer if "predictions" in (answer := said(command, photos)) else None, 120)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(10)
    answer, printed = json.loads(body), printed_answer()
    assert answer.keys() == printed.keys()
    for guess, expected in zip(answer["predictions"], printed["predictions"], strict=True):
        assert guess == expected | {"score": pytest.approx(expected["score"], abs=0.002)}
    assert answer["image"] == printed["image"]
    assert answer["timing_ms"].keys() == printed["timing_ms"].keys()
    assert answer["model"].keys() == printed["model"].keys()
    assert answer["model"] | {"stand_in_reason": ""} == printed["model"] | {"stand_in_reason": ""}
