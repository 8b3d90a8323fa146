"""Starts LitServe to be compared with, and ends it after the block."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from app.up.redis_server import free_port
from benchmarks.processes import started, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

START = 300.0  # seconds
BATCH_TIMEOUT = 0.01  # seconds; its examples have 0.01 to 0.1, and the least costs it least here


@dataclass(frozen=True, slots=True)
class Rival:
    """A LitServe that answers, the seconds from its start until it did, and how it was told to batch."""

    host: str
    path: str
    ready_seconds: float
    settings: Mapping[str, Any]


@contextmanager
def rival(asked: Mapping[str, Any], batch: int, folder: Path, photo: bytes) -> Iterator[Rival]:
    """Start it with batches of up to `batch`, and wait until it has classified a photo.

    Raises:
        BenchError: it does not come up.
    """
    port = free_port()
    host, settings = f"http://127.0.0.1:{port}", {"max_batch_size": batch, "batch_timeout": BATCH_TIMEOUT}
    command = [sys.executable, "-m", "benchmarks.litserve_server", json.dumps({**asked, **settings, "port": port})]
    began = time.perf_counter()
    with (
        started(command, folder, os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}) as running,
        httpx.Client(base_url=host, timeout=60) as client,
    ):
        wait_until(lambda: _answers(client), START, running, "LitServe did not become ready")
        ready = time.perf_counter() - began
        answer = client.post("/predict", files={"file": ("photo.jpg", photo, "image/jpeg")})
        if not answer.is_success:
            raise running.failure(f"LitServe cannot classify the first photo: {answer.text}")
        yield Rival(host, "/predict", ready, settings)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False
