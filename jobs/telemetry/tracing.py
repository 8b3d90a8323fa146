"""Traces by OpenTelemetry: from a request through the queue to the training. Nothing is kept unless OTEL_* says where.

FastAPI brings OpenTelemetry's interface, and makes the span of each request; the extra `otel` brings what records and
sends them. Stages that are timed anyway become spans afterwards, so that nothing has to be measured twice.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from jobs.deadline import within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

    from bestguess.schemas.jobs import JobStatus
    from jobs.records import Claim

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0  # a collector that is away holds up no end
NANO = 1_000_000_000
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
# What the specification calls them, and the entry points by which their packages offer them.
OTLP = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
GROUP = "opentelemetry_traces_exporter"


class Tracing:
    """Makes spans with a provider, which sends them on."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self._tracer = provider.get_tracer("bestguess")

    def traceparent(self) -> str | None:
        """Write down the span that is current, for whoever goes on with it elsewhere."""
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        return carrier.get("traceparent")

    def stages(self, seconds: Mapping[str, float], **attributes: str | int) -> None:
        """Add spans to the current one, for stages that followed each other and have just ended."""
        at = time.time_ns() - round(sum(seconds.values()) * NANO)
        for name, duration in seconds.items():
            span = self._tracer.start_span(name, start_time=at, attributes=attributes)
            at += round(duration * NANO)
            span.end(at)

    @contextmanager
    def training(self, claim: Claim) -> Iterator[Training]:
        """Go on with the trace of the request that made a job: its wait in the queue, and the block as its training."""
        origin = TraceContextTextMapPropagator().extract({"traceparent": claim.origin.traceparent or ""})
        facts: dict[str, str | int] = {"bestguess.job.id": claim.job_id, "bestguess.job.attempt": claim.attempt}
        now = time.time_ns()
        waited = self._tracer.start_span(
            "job queue",
            origin,
            start_time=now - round(claim.waited_seconds * NANO),
            attributes=facts,
            kind=SpanKind.CONSUMER,
        )
        waited.end(now)
        with self._tracer.start_as_current_span("training", origin, attributes=facts) as span:
            yield Training(span)

    def flush(self) -> None:
        """Send what is left, but do not wait for long: left to itself the exporter tries for ten seconds."""
        self._in_time(self.provider.force_flush)

    def close(self) -> None:
        """Send what is left, likewise, and end."""
        self._in_time(self.provider.shutdown)

    @staticmethod
    def _in_time(call: Callable[[], object]) -> None:
        try:
            within(FLUSH_SECONDS, call)
        except TimeoutError:
            log.warning("some spans could not be sent within %g s", FLUSH_SECONDS)


class Training:
    """The span of a training, which is told how the job ended."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def ended(self, status: JobStatus | None) -> None:
        """Note the status; None: the job is another's now."""
        self._span.set_attribute("bestguess.job.status", status or "lost")
        if status == "failed":
            self._span.set_status(Status(StatusCode.ERROR))


def exporters(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Name the exporters that OTEL_* ask for, as entry points; none: no traces."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    default = "otlp" if any(environment.get(name) for name in ENDPOINTS) else "none"
    names = (environment.get("OTEL_TRACES_EXPORTER") or default).lower().split(",")
    protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    otlp = OTLP.get(protocol or "http/protobuf", "otlp_proto_http")
    return [otlp if name.strip() == "otlp" else name.strip() for name in names if name.strip() not in {"", "none"}]


@contextmanager
def tracing_as_asked(service: str) -> Iterator[Tracing | None]:
    """Trace in the block, as a service of this name, if OTEL_* ask for it; None otherwise."""
    names = exporters()
    tracing = _started(service, names) if names else None
    try:
        yield tracing
    finally:
        if tracing:
            tracing.close()


def _started(service: str, names: list[str]) -> Tracing | None:
    try:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415 - an extra, and not without need
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter  # noqa: PLC0415
    except ImportError:
        log.warning("OTEL_* ask for traces, which need more packages: pip install 'bestguess[otel]'")
        return None
    named = os.environ.get("OTEL_SERVICE_NAME") or SERVICE_NAME in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    provider = TracerProvider(
        resource=Resource.create({} if named else {SERVICE_NAME: service}), shutdown_on_exit=False
    )
    found = entry_points(group=GROUP)
    for name in names:
        if name not in found.names:
            log.warning("there is no exporter %r for traces: is its package installed?", name)
            continue
        exporter: SpanExporter = found[name].load()()
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider)
