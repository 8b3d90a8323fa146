"""The report of a network that has learned digits: made at the end of its training, and written beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bestguess.schemas.report import REPORT_FILE, Dataset, Origin, Point, Report
from vision.digits.network import CLASSES
from vision.reports import find
from worker.mnist import synthetic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from bestguess.schemas.jobs import HistoryEntry
    from worker.mnist.data import Digits


def make_report(
    job_id: str,
    params: Mapping[str, Any],
    digits: Digits,
    history: Iterable[HistoryEntry],
    logits: NDArray[np.float32],
) -> Report:
    """Report on a job's network by its logits (n, 10) for the n test images; `params` are to have the seed it had.

    Raises:
        ValueError: a logit is no finite number, or there is not one row for each test image.
    """
    origin = Origin(
        job_id=job_id,
        model_id=job_id,
        created_at=datetime.now(UTC),
        dataset=describe(digits),
        params=dict(params),
        learning_curve=[Point(**entry.model_dump()) for entry in history],
    )
    findings = find(digits.x_test, digits.y_test, logits, [str(digit) for digit in range(CLASSES)])
    return Report(**dict(origin), **dict(findings))


def write_report(folder: Path, report: Report) -> None:
    """Write `report.json` into a folder.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    (folder / REPORT_FILE).write_text(report.model_dump_json(), encoding="utf-8")


def describe(digits: Digits) -> Dataset:
    """Say what the digits are, to programs and to people."""
    if digits.name == synthetic.NAME:
        words = "synthetic digits, drawn by a program and not by hand"
    elif digits.official:
        words = "MNIST, handwritten digits"
    else:
        words = "an mnist.npz that is not the official one"
    return Dataset(
        name=digits.name,
        description=words,
        train_images=len(digits.x_train),
        official=digits.official if digits.name != synthetic.NAME else None,
        sha256=digits.sha256,
    )
