"""Uploads of data sets over HTTP, and checks of the responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.datasets import pets, zipped

if TYPE_CHECKING:
    import httpx


def send(client: httpx.Client, archive: bytes, name: str = "pets.zip", **query: str) -> httpx.Response:
    """Send an archive as a browser does."""
    return client.post("/datasets", files={"file": (name, archive)}, params=query)


def made(client: httpx.Client, files: dict[str, bytes] | None = None) -> dict[str, Any]:
    """Make a data set."""
    answer = send(client, zipped(files or pets()))
    assert answer.status_code == 201, answer.text
    return answer.json()


def add(client: httpx.Client, dataset_id: str, label: str, **files: bytes) -> httpx.Response:
    """Add photographs of one class."""
    sent = [("file", (f"{name}.png", data)) for name, data in files.items()]
    return client.post(f"/datasets/{dataset_id}/images", files=sent, data={"label": label})


def refused(answer: httpx.Response, status: int, *words: str) -> dict[str, Any]:
    """Check that an answer is a problem which says what to do."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    for word in words:
        assert word in answer.json()["detail"]
    return answer.json()
