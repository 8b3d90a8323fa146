"""The report of a fine-tuned network: on the photographs that it was validated with, none of which it learned from."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from bestguess.schemas.report import Dataset, Origin, Point, Report
from vision.reports import find
from worker.errors import DatasetUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from jobs.datasets.photographs import Photographs
    from worker.finetune.photos import Photos
    from worker.finetune.task import Result

log = logging.getLogger(__name__)


class _Validated:
    """The photographs that are validated with, each decoded when it is shown."""

    def __init__(self, photos: Photos, places: NDArray[np.int32]) -> None:
        self._photos, self._places = photos, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int, /) -> NDArray[np.uint8]:
        return self._photos.at(int(self._places[index]))


def make_report(
    job_id: str, params: Mapping[str, Any], photographs: Photographs, photos: Photos, result: Result
) -> Report | None:
    """Report on a job's network; None where none was kept out to validate with, or they are gone.

    `params` are to have the seed it had.
    """
    places = result.division.validation
    if not len(places):
        return None
    origin = Origin(
        job_id=job_id,
        model_id=job_id,
        created_at=datetime.now(UTC),
        dataset=Dataset(
            name=photographs.name,
            description=f"the data set {photographs.name!r}",
            train_images=len(result.division.train),
            sha256={"content": photographs.sha256},
        ),
        params=dict(params),
        learning_curve=[Point(**entry.model_dump()) for entry in result.history],
        tested_on="validation photographs",
    )
    labels = np.asarray([photographs.photographs[place].label for place in places.tolist()], np.int32)
    try:
        findings = find(_Validated(photos, places), labels, result.logits, photographs.classes)
    except DatasetUnavailable as error:  # the network is good all the same
        log.warning("There is no report: %s", error)
        return None
    return Report(**dict(origin), **dict(findings))
