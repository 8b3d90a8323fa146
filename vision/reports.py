"""What a network's answers to its test images say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from bestguess.schemas.report import ClassScores, Findings, Mistake
from vision.pictures.render import data_uri

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WORST = 25
THUMBNAIL = 112  # pixels, the longest side of a mistake's image: large photographs would make large reports
_DIGITS = 6  # decimals of a score


class Images(Protocol):
    """Pictures by their places: an array, or what decodes one when it is wanted."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, index: int, /) -> NDArray[np.uint8]:
        """Return one: grey (height, width) or RGB (height, width, 3)."""
        ...


def find(
    images: Images, labels: NDArray[np.integer[Any]], logits: NDArray[np.float32], classes: Sequence[str]
) -> Findings:
    """Compare what a network said with what is right.

    Of the n images only those are looked at that are shown; labels are (n,) in 0 to k - 1, logits (n, k), and classes
    the k names.

    Raises:
        ValueError: these do not belong together, there are none, or a logit is no finite number.
    """
    _check(images, labels, logits, len(classes))
    matrix = confusion(labels, logits.argmax(axis=1), len(classes))
    scores = [_class_scores(matrix, index, name) for index, name in enumerate(classes)]
    return Findings(
        test_images=len(labels),
        accuracy=int(matrix.trace()) / len(labels),
        macro_f1=float(np.mean([each.f1 for each in scores if each.f1 is not None])),
        classes=list(classes),
        per_class=scores,
        confusion_matrix=matrix.tolist(),
        worst_mistakes=_worst(images, labels, logits, classes),
    )


def confusion(
    labels: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], classes: int
) -> NDArray[np.integer[Any]]:
    """Count images by what they are (rows) and what was said (columns): (k, k)."""
    pairs = labels.astype(np.intp) * classes + predicted
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Turn logits (n, k) into scores that sum to 1; the largest is taken off first so that none overflows."""
    powers: NDArray[np.float64] = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def _check(images: Images, labels: NDArray[Any], logits: NDArray[Any], classes: int) -> None:
    count = len(labels)
    if not count or len(images) != count or logits.shape != (count, classes):
        raise ValueError(
            f"{len(images)} images, {count} labels, logits {logits.shape} and {classes} classes do not belong together"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels go from {labels.min()} to {labels.max()}, and there are {classes} classes")
    if not np.isfinite(logits).all():
        raise ValueError("the network's logits are not finite: its weights have grown without bound")


def _class_scores(matrix: NDArray[np.integer[Any]], index: int, name: str) -> ClassScores:
    """Compute precision, recall and F1 = 2 TP / (2 TP + FP + FN) of a class, as van Rijsbergen defines them.

    Their mean over the classes is the macro F1 (https://arxiv.org/abs/1911.03347 says why not the F1 of the means).
    Formulas and what is undefined: https://scikit-learn.org/stable/modules/model_evaluation.html
    """
    right, said, there = (int(n) for n in (matrix[index, index], matrix[:, index].sum(), matrix[index].sum()))
    return ClassScores(
        label=name,
        precision=right / said if said else None,
        recall=right / there if there else None,
        f1=2 * right / (said + there) if said + there else None,
        support=there,
    )


def _worst(
    images: Images, labels: NDArray[np.integer[Any]], logits: NDArray[np.float32], classes: Sequence[str]
) -> list[Mistake]:
    """Choose the mistakes whose wrong answer's score is farthest above the right one's, or of equal ones its logit.

    Scores are equal where the network is so sure that they are 1 and 0.
    """
    predicted, scores = logits.argmax(axis=1), softmax(logits)
    wrong = np.flatnonzero(predicted != labels)
    by_score, by_logit = (
        said[wrong, predicted[wrong]] - said[wrong, labels[wrong]] for said in (scores, logits.astype(np.float64))
    )
    chosen = wrong[np.lexsort((-by_logit, -by_score))][:WORST]
    return [
        Mistake(
            index=index,
            label=classes[labels[index]],
            predicted=classes[predicted[index]],
            score=round(scores[index, predicted[index]], _DIGITS),
            true_score=round(scores[index, labels[index]], _DIGITS),
            scores=scores[index].round(_DIGITS).tolist(),
            image=_thumbnail(images[index]),
        )
        for index in chosen.tolist()
    ]


def _thumbnail(pixels: NDArray[np.uint8]) -> str:
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return data_uri(image, "PNG")
