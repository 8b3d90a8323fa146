"""Which photographs are learned from, and how much each class counts."""

import numpy as np
import pytest

from jobs.datasets.photographs import Photograph
from worker.finetune.division import DatasetUnfit, divide, weights_of


def _photographs(counts: dict[int, int], copies: int = 1) -> list[Photograph]:
    """Make so many different photographs of each class, each content `copies` times."""
    return [
        Photograph(f"{label}/{number}-{copy}.jpg", label, f"content {label} {number}")
        for copy in range(copies)
        for label, count in counts.items()
        for number in range(count)
    ]


def test_each_class_gives_its_part() -> None:
    """A fifth of every class is kept out, whatever its size, and nothing is in both parts or in neither."""
    every = _photographs({0: 30, 1: 10, 2: 5})
    train, validation = divide(every, 0.2)
    assert sorted([*train, *validation]) == [*range(45)]
    labels = np.asarray([photograph.label for photograph in every])
    assert np.bincount(labels[validation]).tolist() == [6, 2, 1]


def test_duplicates_stay_together() -> None:
    """Equal photographs are all learned from, or all validated with, also where they are said to be of two classes."""
    every = [*_photographs({0: 10, 1: 10}, copies=3), Photograph("1/other.jpg", 1, "content 0 3")]
    train, validation = ({every[place].sha256 for place in part} for part in divide(every, 0.2))
    assert not train & validation
    assert len(validation) == 4


def test_it_depends_on_content_alone() -> None:
    """In another order and under other names the same contents are kept out, as they are when photographs are added."""
    every = _photographs({0: 12, 1: 12})
    renamed = [Photograph("x", photograph.label, photograph.sha256) for photograph in reversed(every)]
    first, second = divide(every, 0.25).validation, divide(renamed, 0.25).validation
    assert {every[place].sha256 for place in first} == {renamed[place].sha256 for place in second}


@pytest.mark.parametrize(
    ("count", "part", "kept_out"), [(1, 0.5, 0), (2, 0.1, 1), (2, 0.5, 1), (3, 0.5, 2), (10, 0, 0)]
)
def test_few(count: int, part: float, kept_out: int) -> None:
    """Each side has one of two photographs, a single one is learned from, and no part keeps out none."""
    train, validation = divide(_photographs({0: count}), part)
    assert len(validation) == kept_out
    assert len(train) == count - kept_out


def test_class_weights() -> None:
    """Balanced classes weigh as much in sum; named ones weigh what is said; a name of no class is told of."""
    labels = np.asarray([0, 0, 0, 1], np.int32)
    balanced = weights_of("balanced", ["a", "b"], labels)
    assert balanced[labels].sum() == pytest.approx(4)
    assert balanced[0] * 3 == pytest.approx(balanced[1])
    assert weights_of({"b": 2.5}, ["a", "b"], labels).tolist() == [1, 2.5]
    assert weights_of(None, ["a", "b"], labels).tolist() == [1, 1]
    with pytest.raises(DatasetUnfit, match="names 'c'; the classes are a, b"):
        weights_of({"c": 1}, ["a", "b"], labels)
