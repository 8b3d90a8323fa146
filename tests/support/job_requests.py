"""Requests to `/jobs` that several tests make."""

from typing import Any

import httpx

from bestguess.schemas.jobs import HistoryEntry, JobStatus, Progress
from support.images import encoded, noise
from support.live_server import Live
from support.stores import FullStore

STREAM = {"Accept": "text/event-stream"}


PICTURE = {"file": encoded(noise((30, 20)), "PNG")}


TRAIN = "/jobs/mnist-train"


def submitted(api: Live, **params: object) -> str:
    """Queue a job."""
    job_id: str = api.client.post(TRAIN, json=params).json()["id"]
    return job_id


def trained(store: FullStore, job_id: str, steps: int = 3) -> None:
    """Do as a worker does that trains a job to its end."""
    claim = store.claim(job_id, "worker", 60)
    assert claim is not None
    for step in range(1, steps + 1):
        progress = Progress(step=step, total_steps=steps, train_accuracy=0.5, loss=1.0)
        store.report(job_id, claim.fence, progress, HistoryEntry(step=step, train_accuracy=0.5, loss=1.0))
    store.finish(job_id, claim.fence, JobStatus.SUCCEEDED, {"train_accuracy": 0.9, "test_accuracy": 0.8})


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """Check that an answer is an error of this status, in the one shape."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    return body


def events_of(text: str) -> list[dict[str, str]]:
    """Read server-sent events as a browser does."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if "data" in fields:
            events.append(fields)
    return events
