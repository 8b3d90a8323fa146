"""Steps on the page that start a training, and its outcome."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bestguess.schemas import Jobs
from bestguess.schemas.jobs import HistoryEntry, JobError, JobStatus, Progress
from jobs.queue import MNIST_TRAIN

if TYPE_CHECKING:
    import httpx
    from playwright.sync_api import Page

    from support.browser import Visit
    from support.worker_processes import Workplace

START = 300_000.0  # milliseconds in which a worker begins and ends a short job, even on a busy machine
SHORT = {"Steps": "60", "Batch size": "20", "Report every": "20"}
ENDLESS = {"Steps": "100000", "Batch size": "10", "Report every": "10"}


def fill(page: Page, values: dict[str, str]) -> None:
    """Open the form's further fields, and type."""
    page.locator(".train-more:not([open]) summary").click()
    for label, value in values.items():
        page.get_by_label(re.compile(f"^{label}")).fill(value)


def begin(visit: Visit, values: dict[str, str]) -> str:
    """Start a training from the form, and return its job's id."""
    fill(visit.page, values)
    visit.page.get_by_role("button", name="Start training").click()
    visit.page.wait_for_url(re.compile("#train/job_"))
    return visit.page.url.rpartition("/")[2]


def stop(client: httpx.Client, place: Workplace, job_id: str) -> None:
    """End a job whose training would take an hour."""
    client.post(f"/jobs/{job_id}/cancel")
    place.wait(job_id, JobStatus.CANCELLED)


class Played:
    """A training on digits whose worker is the test, which says when it makes a step: wants `no_worker_free`.

    It has the calls of a worker, and no network.
    """

    def __init__(self, place: Workplace, job_id: str) -> None:
        claim = place.store.claim(job_id, "a worker without a network", 600)
        assert claim is not None
        self._store, self._claim, self._params, self.step = place.store, claim, claim.params, 0

    def learn(self, reports: int) -> int:
        """Report so many times, each time better; return the step of the last report."""
        for _ in range(reports):
            self.step += self._params["report_every"]
            known = {"train_accuracy": 1 - 1 / (1 + self.step), "loss": 20 / self.step}
            progress = Progress(
                step=self.step,
                total_steps=self._params["steps"],
                images_per_second=1000.0,
                eta_seconds=60.0,
                **known,
            )
            self._store.report(self._claim.job_id, self._claim.fence, progress, HistoryEntry(step=self.step, **known))
        return self.step

    def end(self, status: JobStatus, error: JobError | None = None) -> None:
        """Leave it cancelled or failed."""
        self._store.finish(self._claim.job_id, self._claim.fence, status, error=error)


def listed(client: httpx.Client) -> list[str]:
    """The ids of all trainings on digits."""
    page = Jobs.model_validate(client.get("/jobs?limit=100").json())
    return [job.id for job in page.data if job.kind == MNIST_TRAIN]
