"""Which photographs are learned from, which choose the best epoch, and how much each class counts."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from worker.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from numpy.typing import NDArray

    from bestguess.schemas.job_params import FinetuneParams
    from jobs.datasets.photographs import Photograph, Photographs


class DatasetUnfit(TrainingError):
    """The photographs, or what was asked of them, do not make a training; the message says what to do."""

    code = "dataset-unfit"


class Division(NamedTuple):
    """Places among a data set's photographs, ascending: int32 (n,) each. What is validated with is not learned from."""

    train: NDArray[np.int32]
    validation: NDArray[np.int32]


def divide(photographs: Sequence[Photograph], part: float) -> Division:
    """Keep about `part` of each class out of the training, by content: equal photographs always stay together.

    Which of them depends on nothing but their content, so that a model which is fine-tuned again on the same
    photographs is not validated with what it has learned from. A class keeps at least one for each side if it has two.
    """
    groups = defaultdict(list)
    for place, photograph in enumerate(photographs):
        groups[photograph.sha256].append(place)
    by_class = defaultdict(list)
    for content in sorted(groups, key=_shuffled):
        by_class[photographs[groups[content][0]].label].append(groups[content])
    kept_out = sorted(place for found in by_class.values() for place in _first(found, part))
    others = sorted({*range(len(photographs))} - {*kept_out})
    return Division(np.asarray(others, np.int32), np.asarray(kept_out, np.int32))


def fitting(division: Division, photographs: Photographs, params: FinetuneParams) -> Division:
    """Return a division that a training can be made of.

    Raises:
        DatasetUnfit: there are fewer than two classes, one is not learned from, or nothing is left to validate with.
    """
    learned = {photographs.photographs[place].label for place in division.train.tolist()}
    if len(photographs.classes) < 2:  # noqa: PLR2004 - a choice needs two
        raise DatasetUnfit(
            "The data set has one class only. Add photographs of another: there is nothing to tell apart."
        )
    if missing := [name for label, name in enumerate(photographs.classes) if label not in learned]:
        raise DatasetUnfit(f"Nothing is left to learn {missing[0]!r} from. Add other photographs of it.")
    if params.validation_split and not len(division.validation):
        raise DatasetUnfit("No class has two different photographs. Add some, or set validation_split to 0.")
    return division


def weights_of(
    wanted: Literal["balanced"] | Mapping[str, float] | None, classes: Sequence[str], labels: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return how much a photograph of each class counts: float32 (classes,); those that are not named count once.

    `balanced` is photographs / (classes x photographs of the class), as in King and Zeng 2001, "Logistic regression in
    rare events data"; `labels` are those learned from.

    Raises:
        DatasetUnfit: a name is not a class's.
    """
    if wanted is None:
        return np.ones(len(classes), np.float32)
    if wanted == "balanced":
        counts = np.bincount(labels, minlength=len(classes))
        return np.asarray(len(labels) / (len(classes) * np.maximum(counts, 1)), np.float32)
    if unknown := sorted(set(wanted) - set(classes)):
        raise DatasetUnfit(f"class_weights names {unknown[0]!r}; the classes are {', '.join(classes)}.")
    return np.asarray([wanted.get(name, 1.0) for name in classes], np.float32)


def _shuffled(content: str) -> str:
    """Bring contents into an order that has nothing to do with how they were made or named."""
    return sha256(f"division {content}".encode()).hexdigest()


def _first(groups: Sequence[Sequence[int]], part: float) -> Iterator[int]:
    """Yield the places of the first groups that make up the part, but never of all."""
    wanted, taken = part * sum(map(len, groups)), 0
    for group in groups[:-1] if wanted else ():
        if taken and taken + len(group) / 2 > wanted:
            return
        yield from group
        taken += len(group)
