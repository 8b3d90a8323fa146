"""The command line without the service's packages, and beside foreign packages of the same names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from bestguess.cli import requires
from support.images import encoded, noise
from support.light_install import OURS, ROOT, run_light, run_without
from support.scripted_server import DONE, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CPU = 'pip install "bestguess[cpu]", or "bestguess[gpu]" on a machine with an NVIDIA GPU'
ANSWER = {
    "model": {
        "id": "job_1",
        "weights": "trained",
        "precision": "float32",
        "device": "cpu",
        "stand_in_for": None,
    },
    "predictions": [{"label": "seven", "wnid": None, "index": 7, "score": 0.5}],
    "image": {"width": 28, "height": 28, "format": "PNG"},
    "timing_ms": {"decode": 1, "queue": 1, "inference": 1, "total": 3},
    "input": "data:image/png;base64," + b64encode(encoded(noise((28, 28)), "PNG")).decode(),
}
ANSWERS: dict[str, object] = {
    "/models": {"data": [MODEL]},
    "/models/job_1": MODEL,
    "/jobs": {"data": [DONE], "has_more": False},
    "/classify": ANSWER,
}


class Service(BaseHTTPRequestHandler):
    """A service that always answers the same."""

    def answer(self) -> None:
        """Answer what is asked at this path."""
        body = json.dumps(ANSWERS[self.path.partition("?")[0]]).encode()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def service() -> Iterator[str]:
    """Serve until the end of the block; yield the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("command", ["up", "worker", "doctor", "keys create", "weights fetch", "classify"])
def test_help_needs_nothing(command: str) -> None:
    """Every command explains itself, also where it could not run."""
    done = run_light(*command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Usage: bestguess {command} " in done.stdout


def test_commands_of_a_client(tmp_path: Path) -> None:
    """Commands that ask a service need nothing of it; a preview says that it needs Pillow, and the answer stands."""
    (tmp_path / "seven.png").write_bytes(b"\x89PNG")
    with service() as url:
        listed = run_light("models", "list", "--url", url)
        jobs = run_light("jobs", "list", "--url", url)
        digit = run_light("digit", str(tmp_path / "seven.png"), "--show-input", "--url", url)
    for done, sign in ((listed, "job_1"), (jobs, "job_1  succeeded"), (digit, "seven ██")):
        assert done.returncode == 0, done.stderr
        assert sign in done.stdout
    assert (listed.stderr, jobs.stderr) == ("", "")
    assert digit.stderr == "bestguess: to see here what the network saw, install Pillow: pip install pillow\n"


@pytest.mark.parametrize(
    ("command", "install"),
    [
        ("up", CPU),
        ("api", CPU),
        ("worker", CPU),
        ("doctor", 'pip install "bestguess[server]"'),
        ("keys list", 'pip install "bestguess[server]"'),
        ("keys create anna --scope train", 'pip install "bestguess[server]"'),
        ("keys revoke anna", 'pip install "bestguess[server]"'),
        ("weights status", 'pip install "bestguess[server]"'),
        ("weights fetch", 'pip install "bestguess[server]"'),
        ("weights verify", 'pip install "bestguess[server]"'),
        ("weights random x.h5", 'pip install "bestguess[server]"'),
    ],
)
def test_without_the_service(command: str, install: str, tmp_path: Path) -> None:
    """A command of the service says in one line what to install, and does nothing."""
    done = run_light(*command.split(), folder=tmp_path)
    name = " ".join(command.split()[: 2 if command.startswith(("keys", "weights")) else 1])
    line = f"bestguess {name} needs the service, which is not installed: {install}.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["up", "api", "worker"])
def test_without_tensorflow(command: str, tmp_path: Path) -> None:
    """What runs networks needs TensorFlow as well, and says so before anything starts."""
    done = run_without(command, missing=requires.TENSORFLOW, folder=tmp_path)
    line = f"bestguess {command} needs TensorFlow, which is not installed: {CPU}.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)


def test_keys_without_tensorflow(tmp_path: Path) -> None:
    """Keys and weights need the service's packages alone; the doctor does too, and says that TensorFlow is missing."""
    for command in ("keys list", "weights status"):
        done = run_without(*command.split(), missing=requires.TENSORFLOW, folder=tmp_path, KERAS_HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr
    done = run_without("doctor", "--json", missing=requires.TENSORFLOW, folder=tmp_path, KERAS_HOME=str(tmp_path))
    wrong = [each["about"] for each in json.loads(done.stdout)["findings"] if each["verdict"] == "wrong"]
    assert (done.returncode, wrong) == (1, ["TensorFlow"])


def test_asking_loads_no_tensorflow() -> None:
    """Whether TensorFlow is there is found out without loading it."""
    code = (
        "import sys; from bestguess.cli.requires import require_tensorflow as r; r('up'); "
        "print([name for name in ('tensorflow', 'keras', 'celery', 'fastapi') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Make a folder with packages of the same names as the service's, none of which may be imported."""
    for name in OURS - {"bestguess"}:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('a foreign {name}')\n")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "settings", "line"),
    [
        ("keys list", {}, "There are no keys."),
        ("api", {"BESTGUESS_PORT": "x"}, "BESTGUESS_PORT='x': "),
        ("up", {"BESTGUESS_PORT": "x"}, "bestguess: BESTGUESS_PORT='x': "),
        ("worker", {}, "A worker needs Redis: "),
    ],
)
def test_foreign_packages_are_ignored(command: str, settings: dict[str, str], line: str, foreign: Path) -> None:
    """In a folder with an `app` or `jobs` of its own, the service's are imported, by the command and what it starts."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BESTGUESS_")}
    done = subprocess.run(
        [sys.executable, "-m", "bestguess", *command.split()],
        cwd=foreign,
        env=plain | {"PYTHONPATH": str(ROOT)} | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1].startswith(line)
