"""A training job, to measure the service beside: from its first report until it is cancelled."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.processes import POLL, Started, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

# As long as the service takes; the digits are drawn, so that nothing has to be there.
JOB = {"steps": 60_000, "batch_size": 50, "report_every": 20, "dataset": "synthetic-digits", "seed": 0}
FIRST_REPORT = 180.0  # seconds: a process that imports TensorFlow, and 60,000 digits to draw
CANCELLED = 30.0


@dataclass(frozen=True, slots=True)
class Training:
    """A job that is running; `client` talks to its service."""

    client: httpx.Client
    url: str
    running: Started

    def look(self) -> dict[str, Any]:
        """Ask how it is."""
        job: dict[str, Any] = self.client.get(self.url).raise_for_status().json()
        return job

    def pace(self) -> float:
        """Return the images a second that it learns from.

        Raises:
            BenchError: it does not run any more.
        """
        job = self.look()
        if job["status"] != "running":
            raise self.running.failure(f"The training beside the service is {job['status']}: {job['error']}")
        return float(job["progress"]["images_per_second"])


@contextmanager
def training(host: str, running: Started) -> Iterator[Training]:
    """Hand a job in, and wait for its first report; cancel it after the block.

    Raises:
        BenchError: the job cannot be run.
    """
    with httpx.Client(base_url=host, timeout=30) as client:
        answer = client.post("/jobs/mnist-train", json=JOB)
        if not answer.is_success:
            raise running.failure(f"The training beside the service was not taken: {answer.text}")
        job = Training(client, answer.headers["Location"], running)
        wait_until(lambda: _learns(job), FIRST_REPORT, running, "The training beside the service did not begin")
        try:
            yield job
        finally:
            _cancel(job)


def _learns(job: Training) -> bool:
    told = job.look()
    if told["error"]:
        raise job.running.failure(f"The training beside the service failed: {told['error']['detail']}")
    return told["progress"]["images_per_second"] is not None


def _cancel(job: Training) -> None:
    """Cancel the job, and wait until it is; if the service is gone, so is the job."""
    end = time.monotonic() + CANCELLED
    with suppress(httpx.HTTPError):
        job.client.post(f"{job.url}/cancel")
        while job.look()["status"] in {"running", "cancelling"} and time.monotonic() < end:
            time.sleep(POLL)
