from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bestguess.cli.weights import app
from support.file_server import Answer, FileServer
from support.waiting import wait_until
from support.weights_files import SMALL, write_official
from vision.networks.vgg import VGG16_WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

COMMAND = [sys.executable, "-c", "from bestguess.cli.weights import app; app()"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the service a data folder and a cache of Keras's of its own; name the file that it looks for."""
    for name in [name for name in os.environ if name.startswith("BESTGUESS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BESTGUESS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "data" / "weights" / VGG16_WEIGHTS.name


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def _wrong(place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.write_bytes(b"<html>")


def test_status_of_nothing(place: Path, tmp_path: Path) -> None:
    """Without weights, status lists both places, the command that gets them, and the way without a network."""
    result = _run("status")
    url = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/" + VGG16_WEIGHTS.name
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "BESTGUESS_WEIGHTS=imagenet",
        f"  {place}: not there",
        f"  {tmp_path / 'keras' / 'models' / VGG16_WEIGHTS.name}: not there",
        "Next: bestguess weights fetch",
        f"Without a network here: bring {url} to {place}",
    ]


def test_status_of_a_part(place: Path) -> None:
    """A download that was begun is counted."""
    place.parent.mkdir(parents=True)
    place.with_name(f"{place.name}.part").write_bytes(bytes(1000))
    assert f"{place}: not there, 1,000 of 553,467,096 bytes received" in _run("status").stdout


def test_status_of_a_wrong_file(place: Path) -> None:
    """A wrong file is reported with what is wrong, and the command that replaces it."""
    _wrong(place)
    output = _run("status").stdout
    assert f"{place}: 6 bytes where 553,467,096 are expected; not an HDF5 file" in output
    assert "Next: bestguess weights fetch\n" in output


def test_status_of_random_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights are ready, and called what they are."""
    monkeypatch.setenv("BESTGUESS_WEIGHTS", "random")
    assert "Ready: `bestguess up` uses random weights, which nobody trained.\n" in _run("status").stdout


def test_status_of_a_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file of another network at the given path is reported, and the way back to the official weights."""
    write_official(tmp_path / "other.h5", SMALL)
    monkeypatch.setenv("BESTGUESS_WEIGHTS", str(tmp_path / "other.h5"))
    output = _run("status").stdout
    assert "other.h5: 4 layers with weights where 16 are expected: block1_conv1, " in output
    assert "Next: unset BESTGUESS_WEIGHTS; bestguess weights fetch\n" in output


def test_fetch_from_a_mirror_without_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror that lacks the file ends the command with one line on standard error and exit code 1."""
    with FileServer(b"", Answer(status=404)) as server:
        monkeypatch.setenv("BESTGUESS_MIRROR", f"{server.url}/keras")
        result = _run("fetch")
    url = f"{server.url}/keras/keras-applications/vgg16/{VGG16_WEIGHTS.name}"
    assert result.exit_code == 1
    assert result.stderr == f"bestguess: {url}: the server answers 404 Not Found.\n"
    assert result.stdout == ""
    assert not place.exists()


def test_fetch_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is busy is waited for, and the wait is told on a line of standard error."""
    with FileServer(b"", Answer(status=503), Answer(status=403)) as server:
        monkeypatch.setenv("BESTGUESS_MIRROR", server.url)
        lines = _run("fetch").stderr.splitlines()
    assert len(lines) == 2
    assert "answers 503 Service Unavailable. Trying again in 1 s." in lines[0]
    assert "answers 403 Forbidden." in lines[1]


def test_fetch_and_ctrl_c(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a download, keeps what was received and says how to go on."""
    begun = threading.Event()
    # The answer's size is the file's; its first bytes come, and no more.
    sized = {"Content-Length": str(VGG16_WEIGHTS.size)}
    answer = Answer(body=bytes(200_000), sized=False, headers=sized, cut=200_000, hold=begun)
    with FileServer(b"", answer) as server:
        monkeypatch.setenv("BESTGUESS_MIRROR", server.url)
        with subprocess.Popen([*COMMAND, "fetch"], stderr=subprocess.PIPE, text=True) as process:
            part = place.with_name(f"{place.name}.part")
            wait_until(lambda: part.exists() and part.stat().st_size > 100_000, 120)
            process.send_signal(signal.SIGINT)
            error = process.communicate(timeout=120)[1]
        begun.set()
    assert process.returncode == 130
    assert error.splitlines()[-1].startswith(
        f"bestguess: Stopped; {part.stat().st_size:,} of 553,467,096 bytes are kept."
    )
    assert "`bestguess weights fetch` goes on from there." in error


def test_verify_nothing(place: Path) -> None:
    """Without weights verify fails, with the command that gets them."""
    result = _run("verify")
    message = f"bestguess: {place}: not there, nor in Keras's cache. Run `bestguess weights fetch`.\n"
    assert (result.exit_code, result.stderr) == (1, message)


def test_verify_a_wrong_file(place: Path) -> None:
    """A wrong file, in its place or named, fails with what is wrong with it."""
    _wrong(place)
    for result in (_run("verify"), _run("verify", str(place))):
        assert result.exit_code == 1
        assert result.stderr.startswith(
            f"bestguess: {place}: 6 bytes where 553,467,096 are expected; not an HDF5 file."
        )
        assert result.stderr.count("\n") == 1


def test_verify_random_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights are never verified."""
    monkeypatch.setenv("BESTGUESS_WEIGHTS", "random")
    result = _run("verify")
    assert result.exit_code == 1
    assert result.stderr == "bestguess: In memory: random weights, which nobody trained, not the official file.\n"


def test_random_does_not_overwrite(tmp_path: Path) -> None:
    """A file that exists is not replaced with random weights unless that is asked for."""
    path = tmp_path / "precious.h5"
    path.write_bytes(b"precious")
    result = _run("random", str(path))
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert path.read_bytes() == b"precious"


def test_random_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of random weights is written, and the service knows it for what it is."""
    path = tmp_path / "random.h5"
    result = _run("random", str(path), "--seed", "3")
    monkeypatch.setenv("BESTGUESS_WEIGHTS", str(path))
    status = _run("status").stdout
    path.unlink()
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"BESTGUESS_WEIGHTS={path} uses them" in result.stdout
    assert f"{path}: random weights, which nobody trained\n" in status


@pytest.mark.parametrize(
    "arguments", [("random",), ("random", "x.h5", "--seed", "-1"), ("verify", "a", "b"), ("nothing",)]
)
def test_usage(arguments: tuple[str, ...]) -> None:
    """A command that makes no sense ends with exit code 2."""
    assert _run(*arguments).exit_code == 2


def test_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that cannot be used is named in one line, with exit code 2."""
    monkeypatch.setenv("BESTGUESS_PORT", "many")
    result = _run("status")
    assert result.exit_code == 2
    assert result.stderr.startswith("bestguess: BESTGUESS_PORT='many': ")
    assert result.stderr.count("\n") == 1
