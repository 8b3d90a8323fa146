"""`bestguess datasets` and `bestguess finetune`, against one real service with a real worker."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from bestguess.cli import exit_codes
from bestguess.cli.main import run
from support.images import encoded, noise

if TYPE_CHECKING:
    from support.command_line import Desk

FINETUNE = ("finetune", "--base", "efficientnet-lite0", "--epochs", "2", "--freeze", "50")


@pytest.fixture(autouse=True)
def _here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sit down at the desk."""
    monkeypatch.chdir(desk.folder)
    monkeypatch.setenv("BESTGUESS_URL", desk.environment["BESTGUESS_URL"])


def created(capsys: pytest.CaptureFixture[str]) -> str:
    """Make a data set, and return its id."""
    assert run(("datasets", "create", "pets", "--json")) == 0
    return str(json.loads(capsys.readouterr().out)["id"])


def test_data_sets(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder is sent, shown with what was rejected, added to and deleted; what cannot be done has its exit code."""
    dataset_id = created(capsys)
    assert run(("datasets", "list")) == 0
    assert f"{dataset_id}  pets  10           cats, dogs  1 " in capsys.readouterr().out
    assert run(("datasets", "list", "--json", "--all")) == 0
    assert dataset_id in [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]
    assert run(("datasets", "show", dataset_id)) == 0
    out = capsys.readouterr().out
    assert f"{dataset_id}: pets, 10 photographs of 2 classes" in out
    assert "cats   5            40 x 40" in out.splitlines()
    assert "pets/cats/notes.txt" not in out
    assert "  cats/notes.txt: " in out
    (desk.folder / "bird.png").write_bytes(encoded(noise((30, 30), seed=7), "PNG"))
    assert run(("datasets", "add", dataset_id, "birds", "bird.png", "pets/cats")) == 0
    assert capsys.readouterr().out.startswith("6 added, 0 were there already\n")
    assert run(("datasets", "delete", dataset_id)) == exit_codes.USAGE
    assert run(("datasets", "delete", dataset_id, "--yes")) == 0
    assert run(("datasets", "show", dataset_id)) == exit_codes.FAILED
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("finetune", "nowhere"), exit_codes.USAGE, "no folder, no archive and no data set nowhere"),
        (("finetune", "ds_nobody"), exit_codes.FAILED, "There is no data set ds_nobody"),
        (("finetune", "ds_nobody", "--name", "x"), exit_codes.USAGE, "has its name already"),
        (("finetune", "pets", "--class-weights", "cats"), exit_codes.USAGE, "balanced, or CLASS=NUMBER"),
        (("datasets", "create", "photo.jpg"), exit_codes.USAGE, "no zip, tar or tar.gz"),
        (("datasets", "create", "pets/cats"), exit_codes.FAILED, "an archive with a folder for each class"),
        ((*FINETUNE, "pets", "--class-weights", "birds=2"), exit_codes.FAILED, "no class 'birds'"),
    ],
)
def test_what_cannot_be_done(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    """What makes no sense, and what the service refuses, is a line and an exit code."""
    assert run(arguments) == code
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_from_a_folder_to_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder is taught and watched, epoch by epoch; then its network is asked as was said, and is described."""
    assert run((*FINETUNE, "pets", "--watch", "--seed", "1")) == 0
    out, err = capsys.readouterr()
    assert re.match(r"bestguess: ds_\w+: pets, 10 photographs of 2 classes; 1 file was rejected", err)
    job_id, *lines = out.splitlines()
    rows = [line.split()[0] for line in lines if re.match(r" +\d", line)]
    assert rows == ["1/2", "2/2"]
    assert re.fullmatch(rf"{job_id} succeeded: \d+\.\d\d % of the photographs of pets that .*", lines[-2])
    asked = lines[-1].removeprefix("Ask it: bestguess ").split()
    assert run(asked) == 0
    assert re.search(r"^(cats|dogs) ", capsys.readouterr().out, re.MULTILINE)
    assert run(("jobs", "show", job_id)) == 0
    assert "epoch 2: " in capsys.readouterr().out
    assert run(("models", "show", job_id)) == 0
    assert "tells apart cats, dogs" in capsys.readouterr().out
    assert run(("models", "list")) == 0
    assert "pets, " in capsys.readouterr().out
