"""Training reports with any number of classes and chosen mistakes."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from bestguess.schemas.report import Dataset, Findings, Origin, Point, Report
from vision.reports import find


def findings_of(
    classes: Sequence[str], said: Sequence[tuple[int, int]], size: tuple[int, ...] = (28, 28), sure: float = 3.0
) -> Findings:
    """Make findings of pairs: what an image is, and what was said, more surely for each image than for the last."""
    labels = np.array([label for label, _ in said])
    logits = np.zeros((len(said), len(classes)), np.float32)
    logits[np.arange(len(said)), [answer for _, answer in said]] = sure + 0.01 * np.arange(len(said))
    images = np.random.default_rng(0).integers(0, 256, (len(said), *size), np.uint8)
    return find(images, labels, logits, classes)


def report_of(findings: Findings, points: int = 10, validated: bool = False, **params: object) -> Report:
    """Make a report of findings, with a curve of so many points."""
    curve = [
        Point(step=100 * n, train_accuracy=1 - 0.2 / n, loss=2 / n, validation_accuracy=0.9 if validated else None)
        for n in range(1, points + 1)
    ]
    origin = Origin(
        job_id="job_1",
        model_id="job_1",
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        dataset=Dataset(name="pets", description="my pets", train_images=800),
        params=params,
        learning_curve=curve,
    )
    return Report(**dict(origin), **dict(findings))
