"""Clients that keep working while a test breaks things: one sends photos, one follows a job's events."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import httpx

from support.images import encoded, noise
from support.job_requests import STREAM, events_of

if TYPE_CHECKING:
    from collections.abc import Callable

PHOTO = encoded(noise((400, 300)), "PNG")
PAUSE = 0.1  # seconds between a client's requests
OVER = {"succeeded", "failed", "cancelled"}


class Background:
    """A thread for as long as a block; an error in it is the block's."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.over = threading.Event()
        self._thread = threading.Thread(target=work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join(60)

    def join(self, seconds: float) -> None:
        """Wait for its end."""
        self._thread.join(seconds)
        assert not self._thread.is_alive()


class Photos(Background):
    """Sends photos, one after the other; `answered` counts, `failed` says when and how."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(self._send)
        self.answered, self.failed = 0, list[str]()
        self._url, self._headers = url, {"Content-Type": "image/png"} | (headers or {})

    def _send(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60, headers=self._headers) as client:
            while not self.over.wait(PAUSE):
                try:
                    answer = client.post("/classify", content=PHOTO)
                except httpx.TransportError as error:
                    self.failed.append(f"{time.time():.1f}: {error!r}")
                else:
                    self.answered += answer.is_success
                    if not answer.is_success:
                        self.failed.append(f"{time.time():.1f}: {answer.status_code} {answer.text}")


class Viewer(Background):
    """Follows a job as a browser does: a stream that ends early is taken up where it ended."""

    def __init__(self, url: str, job_id: str) -> None:
        super().__init__(self._follow)
        self.events: list[dict[str, str]] = []
        self.streams, self.refused = 0, list[int]()
        self._url, self._job_id = url, job_id

    @property
    def finished(self) -> bool:
        """Whether it has seen the job's end."""
        return bool(self.events) and self.events[-1]["event"] in OVER

    def _follow(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:
            while not self.finished and not self.over.is_set():
                self._one_stream(client)

    def _one_stream(self, client: httpx.Client) -> None:
        last = {"Last-Event-ID": self.events[-1]["id"]} if self.events else {}
        block = ""
        with (
            suppress(httpx.TransportError),
            client.stream("GET", f"/jobs/{self._job_id}/events", headers=STREAM | last) as stream,
        ):
            if not stream.is_success:
                self.refused.append(stream.status_code)
                return
            self.streams += 1
            for line in stream.iter_lines():
                block += line + "\n"
                if not line:
                    self.events += events_of(block)
                    block = ""
