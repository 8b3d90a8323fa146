"""`bestguess digit` and `bestguess models`, against a service with one trained model."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from bestguess.cli import exit_codes
from bestguess.cli.main import run
from support.images import seven
from support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from support.live_server import Live

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.fixture
def here(api: Live, model_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sit down in a folder with a picture of a seven; return the model's id."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BESTGUESS_URL", str(api.client.base_url))
    seven().save("seven.png")
    return model_id


def test_digit(here: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A digit is told by the network that was trained last, and what it saw is drawn."""
    assert run(("digit", "seven.png", "--top-k", "1", "--show-input")) == 0
    out = capsys.readouterr().out
    assert here in out
    assert "@" in out
    assert run(("digit", "seven.png", "--model", here, "--json")) == 0
    assert json.loads(capsys.readouterr().out)["model"]["id"] == here
    assert run(("digit", "seven.png", "--model", "nobody")) == exit_codes.FAILED


def test_models(here: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Models are listed, shown, reported on, downloaded and named; what cannot be done has its exit code."""
    assert run(("models", "list", "--sort", "test_accuracy")) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(f"{here}  best, latest  ready ")
    assert run(("models", "show", "latest")) == 0
    assert "convolution1: convolution 5 x 5 x 1 x 32, 832" in capsys.readouterr().out
    assert run(("models", "report", "best", "--save", str(tmp_path / "report.svg"))) == 0
    assert "test images are right" in capsys.readouterr().out
    assert (tmp_path / "report.svg").read_text().startswith("<svg")
    assert run(("models", "download", "best", str(tmp_path))) == 0
    assert capsys.readouterr().out == f"{tmp_path}/{here}.keras\n"
    assert run(("models", "download", "vgg16")) == exit_codes.USAGE
    assert run(("models", "alias", "mine", "latest")) == 0
    assert run(("models", "alias", "--drop", "mine")) == 0
    assert run(("models", "alias", "latest", here)) == exit_codes.FAILED
    assert run(("models", "remove", "nobody", "--yes")) == exit_codes.FAILED


def test_removal(api: Live, here: str) -> None:
    """A model is removed when a person says yes, and not before."""
    command = [sys.executable, "-m", "bestguess", "models", "remove", here]
    for answer, left in (("\n", 200), ("y\n", 404)):
        with Terminal(command, os.environ) as terminal:
            terminal.shows(f"Remove {here} for good?")
            terminal.types(answer)
            terminal.ended()
        assert api.client.get(f"/models/{here}").status_code == left
