import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.settings import Settings
from bestguess.schemas.jobs import JobStatus
from jobs.telemetry.tracing import Tracing, exporters
from support.classify_requests import FILE
from support.job_store import outcome
from support.live_server import Live, live
from support.redis_server import LiveRedis
from support.stores import FullStore
from support.waiting import wait_until
from worker.errors import TrainingError
from worker.execution import Work, execute


class Traced:
    """A way to trace, and the spans that it has made."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = Tracing(provider)

    def spans(self) -> dict[str, ReadableSpan]:
        """The spans that have ended, by name."""
        return {span.name: span for span in self._exporter.get_finished_spans()}


@pytest.fixture
def traced() -> Iterator[Traced]:
    """Trace into memory."""
    traced = Traced()
    yield traced
    traced.tracing.provider.shutdown()


@pytest.fixture
def traced_api(server: LiveRedis, tmp_path: Path, traced: Traced) -> Iterator[Live]:
    """Serve with traces."""
    with server.client() as client:
        client.flushall()
    settings = Settings(redis_url=server.url, data_dir=tmp_path, decode_processes=1)
    with live(settings, tracing=traced.tracing) as running:
        yield running


def test_an_image_is_a_trace(traced_api: Live, traced: Traced) -> None:
    """A request goes on with its client's trace, and has its decode, queue and inference as spans within its own."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    traced_api.client.post("/classify", files=FILE, headers={"traceparent": parent})
    traced_api.client.get("/healthz")
    spans = wait_until(lambda: found if "POST /classify" in (found := traced.spans()) else None, 10)
    assert set(spans) == {"POST /classify", "decode", "queue", "inference"}
    request = spans["POST /classify"]
    assert request.context is not None
    assert f"{request.context.trace_id:032x}" == parent.split("-")[1]
    stages = [spans[name] for name in ("decode", "queue", "inference")]
    assert [stage.parent and stage.parent.span_id for stage in stages] == [request.context.span_id] * 3
    for before, after in pairwise(stages):
        assert before.end_time == after.start_time
    assert (request.start_time or 0) <= (stages[0].start_time or 0)
    assert (stages[-1].end_time or 0) <= (request.end_time or 0)


def run(store: FullStore, job_id: str, worker: Traced, *, failing: bool = False) -> None:
    """Do as a worker does, with traces of its own."""

    def do(*_: object) -> dict[str, object]:
        if failing:
            raise TrainingError
        return outcome(job_id)

    execute(store, job_id, Work(do, clean_up=lambda: None, forget=lambda: None, seconds=60), worker.tracing)


@pytest.mark.parametrize("failing", [False, True])
def test_one_trace_from_the_request_to_the_training(
    traced_api: Live, traced: Traced, store: FullStore, failing: bool
) -> None:
    """A job's wait and its training, in another process, belong to the trace of the request that asked for it."""
    job_id = traced_api.client.post("/jobs/mnist-train").json()["id"]
    worker = Traced()
    run(store, job_id, worker, failing=failing)
    request = wait_until(lambda: traced.spans().get("POST /jobs/mnist-train"), 10)
    waited, training = worker.spans()["job queue"], worker.spans()["training"]
    assert request.context is not None
    for span in (waited, training):
        assert span.parent is not None
        assert (span.parent.trace_id, span.parent.span_id) == (request.context.trace_id, request.context.span_id)
        assert (span.attributes or {})["bestguess.job.id"] == job_id
    assert (waited.end_time or 0) <= (training.start_time or 0)
    status = JobStatus.FAILED if failing else JobStatus.SUCCEEDED
    assert (training.attributes or {})["bestguess.job.status"] == status
    assert training.status.is_ok is not failing


def test_a_job_from_nowhere(store: FullStore, traced: Traced) -> None:
    """A job that was made without a trace begins one."""
    store.create("mnist-train", {}, job_id="job_plain", most_queued=10)
    run(store, "job_plain", traced)
    assert traced.spans()["training"].parent is None


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, []),
        ({"OTEL_SERVICE_NAME": "mine"}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, ["otlp_proto_http"]),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, ["otlp_proto_http"]),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ["otlp_proto_grpc"]),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ["console", "otlp_proto_http"]),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, []),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, []),
    ],
)
def test_off_unless_asked_for(environment: dict[str, str], names: list[str]) -> None:
    """Nothing is traced unless OpenTelemetry's own variables name an exporter."""
    assert exporters(environment) == names


TRACE = """
import sys
from jobs.telemetry.tracing import tracing_as_asked
with tracing_as_asked("bestguess-test") as tracing:
    if tracing:
        tracing.stages({"decode": 0.1})
print([name for name in ("opentelemetry.sdk.trace", "opentelemetry.exporter") if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("exporter", "told"),
    [("", "[]\n"), ("console", '"service.name": "bestguess-test"'), ("nobody", "no exporter 'nobody'")],
)
def test_exporters(exporter: str, told: str) -> None:
    """What is asked for is loaded, and nothing otherwise; an exporter that is not there is told, and no end."""
    environment = os.environ | {"OTEL_TRACES_EXPORTER": exporter}
    done = subprocess.run([sys.executable, "-c", TRACE], env=environment, capture_output=True, text=True, check=True)
    assert told in done.stdout + done.stderr


def test_a_collector_that_is_silent() -> None:
    """A collector that takes connections and never answers holds up no end for more than a moment."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_EXPORTER": "otlp"}
        done = subprocess.run(
            [sys.executable, "-c", TRACE], env=environment, capture_output=True, text=True, check=True
        )
    assert "could not be sent within 1 s" in done.stderr
