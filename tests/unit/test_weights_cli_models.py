"""`bestguess weights` for a network that is named, and for all that the service loads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bestguess.cli.weights import app
from support.file_server import Answer, FileServer
from support.weights_files import SMALL, write_official
from vision.networks.vgg import VGG16_WEIGHTS, VGG19_WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the service a data folder and a cache of Keras's of its own; name the one with the weights."""
    for name in [name for name in os.environ if name.startswith("BESTGUESS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BESTGUESS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "data" / "weights"


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_status_of_one(folder: Path) -> None:
    """A network that is named is looked for by its own name, and its own command is what comes next."""
    lines = _run("status", "--model", "vgg19").stdout.splitlines()
    assert lines[1] == f"  {folder / VGG19_WEIGHTS.name}: not there"
    assert lines[3] == "Next: bestguess weights fetch --model vgg19"
    assert f"/vgg19/{VGG19_WEIGHTS.name} to {folder}" in lines[4]


def test_status_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name each network that the service loads at its start is told of."""
    monkeypatch.setenv("BESTGUESS_MODELS", "vgg16, vgg19")
    output = _run("status").stdout
    assert [line for line in output.splitlines() if line.endswith(":")] == ["vgg16:", "vgg19:"]
    assert VGG16_WEIGHTS.name in output
    assert VGG19_WEIGHTS.name in output


def test_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that is fetched is that of the network that is named."""
    with FileServer(b"", Answer(status=404)) as server:
        monkeypatch.setenv("BESTGUESS_MIRROR", server.url)
        result = _run("fetch", "--model", "vgg19")
    assert result.exit_code == 1
    assert f"{server.url}/keras-applications/vgg19/{VGG19_WEIGHTS.name}: the server answers 404" in result.stderr


def test_verify(folder: Path) -> None:
    """Each network has a size and an MD5 of its own."""
    path = folder / VGG19_WEIGHTS.name
    write_official(path, SMALL)
    for result in (_run("verify", "--model", "vgg19"), _run("verify", str(path), "--model", "vgg19")):
        assert result.exit_code == 1
        assert "bytes where 574,710,816 are expected; 4 layers with weights where 19 are expected" in result.stderr


def test_no_other_network() -> None:
    """A network whose weights come with a package, or that nobody knows, is a mistake of use."""
    assert _run("status", "--model", "efficientnet-lite0").exit_code == 2
