"""One request and its answer, as the log, the metrics and the traces tell of them: never content, never an address."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobs.records import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from jobs.telemetry.tracing import Tracing

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER, UNMATCHED = "other", "unmatched"  # what a client makes up is no label


@dataclass(slots=True)
class Exchange:
    """What is noted on the way; `status` is 0 until an answer begins, and times are in seconds from the request's head.

    `problem` is why the request was refused, `refused` why single files of a batch were.
    `images`, `decode`, `queue` and `inference` add up over all images of the request. Whoever checks a key calls
    `scope["state"]["key_name"]` by its name: the log reads it there.
    """

    method: str
    request_id: str | None
    tracing: Tracing | None = None
    started: float = field(default_factory=time.perf_counter)
    status: int = 0
    first_byte: float | None = None
    total: float = 0.0
    received: int = 0
    sent: int = 0
    problem: str | None = None
    refused: list[str] = field(default_factory=list)
    job_id: str | None = None
    model: str | None = None
    images: int = 0
    decode: float = 0.0
    queue: float = 0.0
    inference: float = 0.0

    def begin_answer(self, status: int) -> None:
        """Note the answer's status and when it began."""
        self.status, self.first_byte = status, time.perf_counter() - self.started

    def end(self) -> None:
        """Note that all is over."""
        self.total = time.perf_counter() - self.started

    def classified(self, model: str, stages: Mapping[str, float]) -> None:
        """Note an image that was answered by a model; `stages` has the seconds of decode, queue and inference."""
        self.images += 1
        self.model = model
        self.decode += stages["decode"]
        self.queue += stages["queue"]
        self.inference += stages["inference"]
        if self.tracing:
            self.tracing.stages(stages, **{"bestguess.model": model})

    def origin(self) -> Origin:
        """Say where a job comes from that this request makes."""
        return Origin(request_id=self.request_id, traceparent=self.tracing.traceparent() if self.tracing else None)


def route_of(scope: Scope) -> str:
    """Name the template of the route that was taken: there are as many as calls, however many paths are made up."""
    path: Any = getattr(scope.get("route"), "path", UNMATCHED)
    return str(path)


def method_of(exchange: Exchange) -> str:
    """Name the method, or `other`."""
    return exchange.method if exchange.method in METHODS else OTHER
