"""The access log: a record of each request, which ends as one line of the log and in the metrics.

The record has no content and no address. It stands in the request's state, where routes and middleware add what they
know. This is the outermost middleware: it gives each request an id, puts the headers that every answer has into the
answer, and answers what nobody foresaw, all in one wrapper of `send`.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request

from app.errors import CLIENT_CLOSED_REQUEST, Problem, render
from app.middleware.security_headers import BY_PLACE, DATA, PICTURE
from jobs.records import Origin
from jobs.telemetry.context import KNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.inference.classifier import Classified
    from app.inference.model_slot import ModelSlot
    from app.metrics import Metrics
    from jobs.telemetry.tracing import Tracing

log = logging.getLogger("bestguess.request")

REQUEST_ID = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER, UNMATCHED = "other", "unmatched"  # what a client makes up is no label
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds, by machines
FAULT = 500


@dataclass(slots=True)
class RequestRecord:
    """What is known of a request; `status` is 0 until the answer begins, and times are in seconds from its head.

    `headers` are added to the answer. `images` has who classified each image, and the seconds of its stages; `refused`
    has the problems of single files of a batch.
    """

    request_id: str
    tracing: Tracing | None = None
    started: float = field(default_factory=time.perf_counter)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    first_byte: float | None = None
    received: int = 0
    sent: int = 0
    refused: list[str] = field(default_factory=list)
    job_id: str | None = None
    images: list[tuple[ModelSlot, Mapping[str, float]]] = field(default_factory=list)

    def classified(self, found: Classified) -> None:
        """Add an image that was classified just now."""
        self.images.append((found.choice.slot, found.stages))
        if self.tracing:
            self.tracing.stages(found.stages, **{"bestguess.model": found.choice.slot.network.id})

    def origin(self) -> Origin:
        """Return where a job comes from that this request makes."""
        return Origin(request_id=self.request_id, traceparent=self.tracing.traceparent() if self.tracing else None)


class AccessLogMiddleware:
    """Keep a `RequestRecord` in the request's state as `record`; log and count the request when it is over."""

    def __init__(self, app: ASGIApp, tracing: Tracing | None = None) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and complete the answer's headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        record = RequestRecord(given if SANE.fullmatch(given) else uuid.uuid4().hex, self._tracing)
        state = scope.setdefault("state", {})
        state["record"], scope["request_id"] = record, record.request_id
        metrics: Metrics | None = state.get("metrics")

        async def send_recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status, record.first_byte = message["status"], time.perf_counter() - record.started
                headers = MutableHeaders(scope=message)
                by_type = PICTURE if headers.get("Content-Type", "").startswith("image/") else DATA
                path = scope["path"]
                below = path[: path.find("/", 1) + 1]  # its first part with both slashes; empty where there is only one
                for name, value in BY_PLACE.get(below or path, by_type).items():
                    headers.setdefault(name, value)
                headers.update(record.headers)
                headers[REQUEST_ID] = record.request_id
            record.sent += len(message.get("body", b""))
            await send(message)

        if metrics:
            metrics.requests_in_progress.inc()
        before = KNOWN.set({"request_id": record.request_id})
        try:
            await self._app(scope, receive, send_recorded)
        except Exception as error:
            if record.status:  # too late for another answer
                state["problem"] = Problem.slug
            else:
                answer = await render(Request(scope), error)
                await answer(scope, receive, send_recorded)
            raise
        finally:
            record.status = record.status or CLIENT_CLOSED_REQUEST
            if metrics:
                metrics.requests_in_progress.dec()
            _conclude(record, scope, metrics)
            KNOWN.reset(before)


def _conclude(record: RequestRecord, scope: Scope, metrics: Metrics | None) -> None:
    """Count a request, and log it: at debug for a probe that goes well, as an error for a 500, else at info."""
    state = scope["state"]
    problem, method = state.get("problem"), scope["method"] if scope["method"] in METHODS else OTHER
    # its template: there are as many as calls, however many paths are made up
    route = str(getattr(scope.get("route"), "path", UNMATCHED))
    if metrics:
        problems = [problem, *record.refused] if problem else record.refused
        metrics.count_request(method, route, record.status, record.first_byte, problems)
        metrics.observe_images(record.images)
    if record.status == FAULT:
        level = logging.ERROR
    else:
        level = logging.DEBUG if route in QUIET and record.status < FAULT else logging.INFO
    if not log.isEnabledFor(level):
        return
    facts = {
        "request_id": record.request_id,
        "method": method,
        "route": route,
        "status": record.status,
        "ms": _ms(time.perf_counter() - record.started),
        "bytes_in": record.received,
        "bytes_out": record.sent,
        "key_name": state.get("key_name"),
        "problem": problem,
        "job_id": record.job_id,
    }
    if record.images:
        facts |= {"model": record.images[-1][0].network.id, "images": len(record.images)}
        for stage in ("decode", "queue", "inference"):
            facts[f"{stage}_ms"] = _ms(sum(seconds[stage] for _, seconds in record.images))
    known = {name: fact for name, fact in facts.items() if fact is not None}
    log.log(level, "%s %s %d", method, route, record.status, extra=known)


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)
