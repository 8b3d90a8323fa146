"""How far scores are from those of float32."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.precision import CROPS, GENERATED, differences, images
from benchmarks.processes import UsageError
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


def test_there_are_200_images_beside_the_photographs(tmp_path: Path) -> None:
    """Whatever else lies in the folder, its photographs, crops of them and generated images are compared."""
    assert CROPS + GENERATED == 200
    (tmp_path / "a.jpg").write_bytes(encoded(noise((60, 40)), "JPEG"))
    (tmp_path / "b.png").write_bytes(encoded(noise((40, 60)), "PNG"))
    (tmp_path / "README.md").write_text("no picture")
    (tmp_path / "folder").mkdir()
    found = [image.size for image in images(tmp_path, crops=3, generated=2)]
    assert found[:2] == [(60, 40), (40, 60)]
    assert len(found) == 2 + 3 + 2
    assert len(list(images(None, crops=3, generated=2))) == 3 + 2


@pytest.mark.parametrize("name", ["empty", "absent"])
def test_a_folder_without_photographs_is_refused(tmp_path: Path, name: str) -> None:
    """A folder that is not there, or has no picture, is refused before anything is measured."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=name):
        next(images(tmp_path / name))
