"""How far scores are from those of float32."""

from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from benchmarks import precision
from benchmarks.__main__ import bench
from benchmarks.precision import differences, pictures
from benchmarks.problems import Refused
from support.images import encoded, noise


def test_the_same_scores_differ_in_nothing() -> None:
    """Scores compared with themselves are the same in every respect."""
    scores = np.random.default_rng(0).dirichlet(np.ones(30), 4).astype(np.float32)
    row = differences("bfloat16", scores, scores.copy())
    assert row["largest_difference"] == row["mean_difference_of_best"] == 0
    assert row["same_best"] == row["same_ten"] == row["same_order"] == 1
    assert row["of_ten"] == 10


def test_what_changed_places_is_counted() -> None:
    """Of two images one keeps its scores, and in the other the best two change places and the tenth leaves the ten."""
    exact = np.tile(np.linspace(1, 0, 12, dtype=np.float32), (2, 1))
    other = exact.copy()
    other[1, [0, 1, 9, 10]] = exact[1, [1, 0, 10, 9]]
    row = differences("float16", exact, other)
    assert row["largest_difference"] == pytest.approx(1 / 11)
    assert row["mean_difference_of_best"] == pytest.approx(0.5 / 11)
    assert (row["same_best"], row["same_ten"], row["same_order"], row["of_ten"]) == (0.5, 0.5, 0.5, 9.5)


def test_there_are_200_pictures_beside_the_photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else lies in the folder, its photographs, crops of them and drawn pictures are compared."""
    assert precision.CROPS + precision.DRAWN == 200
    monkeypatch.setattr(precision, "CROPS", 3)
    monkeypatch.setattr(precision, "DRAWN", 2)  # drawing a hundred takes seconds
    (tmp_path / "a.jpg").write_bytes(encoded(noise((60, 40)), "JPEG"))
    (tmp_path / "b.png").write_bytes(encoded(noise((40, 60)), "PNG"))
    (tmp_path / "README.md").write_text("no picture")
    (tmp_path / "folder").mkdir()
    found = [picture.size for picture in pictures(tmp_path)]
    assert found[:2] == [(60, 40), (40, 60)]
    assert len(found) == 2 + 3 + 2
    assert len(list(pictures(None))) == 3 + 2


@pytest.mark.parametrize("name", ["empty", "absent"])
def test_a_folder_without_photographs_is_refused(tmp_path: Path, name: str) -> None:
    """A folder that is not there, or has no picture, is refused before anything is measured."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refused, match=name):
        next(pictures(tmp_path / name))
    result = _run("--precision", "--photos", str(tmp_path / name))
    assert (result.exit_code, name in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "unused"),
    [
        (["--precision", "--seconds", "15"], "--seconds"),
        (["--precision", "--no-beside", "--against", "litserve"], "--beside, --against"),
        (["--precision", "--steps", "10"], "--steps"),
        (["--training", "--precision"], "--precision"),
        (["--training", "--model", "vgg16"], "--model"),
        (["--training", "--compare", "x.json"], "--compare"),
        (["--steps", "10"], "--steps"),
    ],
)
def test_options_without_a_use_are_refused(arguments: list[str], unused: str) -> None:
    """An option that the measurement makes no use of is refused by name, even where it was given its default."""
    result = _run(*arguments)
    assert result.exit_code == 2
    assert f"makes no use of {unused}. " in result.stderr


def test_a_wrong_setting_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with a value that cannot be used is named, without a traceback."""
    monkeypatch.setenv("BESTGUESS_PORT", "80000")
    result = _run("--precision", "--model", "efficientnet-lite0")
    assert (result.exit_code, result.stderr.strip().count("\n")) == (2, 0)
    assert "BESTGUESS_PORT" in result.stderr


def _run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(bench)
    return CliRunner().invoke(app, arguments)
