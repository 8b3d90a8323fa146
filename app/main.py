"""The application, and what lives as long as the process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from app.access.auth import Authenticator
from app.dependencies import State
from app.draining import Draining
from app.errors import add_handlers
from app.inference.artifact_cache import ArtifactCache
from app.inference.classifier import Classifier, Networks
from app.inference.loader import Loader
from app.inference.model_cache import ModelCache, load_digits
from app.metrics import Metrics, ServiceCollector
from app.middleware import add_middleware
from app.middleware.access_log import QUIET
from app.openapi import extend_document
from app.routes import classify, datasets, jobs, models, operations, pages
from app.services.dataset_ingest import BlockingPool, PhotoDecoder
from app.services.datasets import DatasetService
from app.services.jobs import open_job_service
from app.services.models import ModelCatalog
from app.settings import Settings, load_settings
from jobs.artifacts import open_store
from jobs.background import supervise
from vision.decode.images import Limits
from vision.decode.sandbox import Cost, Sandbox
from vision.machine import cores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator

    from fastapi.telemetry import TelemetryConfig

    from app.services.jobs import JobService
    from jobs.telemetry.tracing import Tracing

Resources = Callable[[Settings], contextlib.AbstractAsyncContextManager[State]]

LAST_ANSWERS = 2.0  # seconds after the signal in which running requests are still answered

ABOUT = """
*What is this picture of?* `POST /classify` answers with VGG16's ten best predictions.
Errors are `application/problem+json` and say what to do.
"""


def create_app(
    settings: Settings | None = None, resources: Resources | None = None, tracing: Tracing | None = None
) -> FastAPI:
    """Create the service.

    Args:
        settings: read from the environment by default.
        resources: makes what the routes need, `running` by default.
        tracing: where traces are sent; by default nothing is traced.
    """
    settings = settings or load_settings()
    resources = resources or running
    authenticator = Authenticator(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with resources(settings) as state, authenticator:
            # `app.serve` reads these outside of requests
            app.state.draining, app.state.metrics = state["draining"], state["metrics"]
            app.state.classifier = state["classifier"]
            yield state
        if tracing:  # uvicorn ends by raising the signal again, so there is no later moment
            await asyncio.to_thread(tracing.flush)

    app = FastAPI(
        title="Best Guess",
        version=version("bestguess"),
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,  # app.routes.pages serves Swagger UI without a CDN
        redoc_url=None,
        telemetry=telemetry(tracing),
    )
    app.state.authenticator = authenticator
    add_middleware(app, settings, authenticator, tracing)
    add_handlers(app)
    for routes in (pages, classify, datasets, jobs, models, operations):
        app.include_router(routes.router)
    extend_document(app)
    return app


def telemetry(tracing: Tracing | None) -> TelemetryConfig:
    """Return FastAPI's own telemetry: with tracing, a span for each request except probes, and nothing else."""
    return {
        "tracing": tracing is not None,
        "tracer_provider": tracing.provider if tracing else None,
        "operation_spans": False,
        "metrics": False,
        "logs": False,
        "auto_configure": False,
        "exclude": lambda scope: scope.get("path") in QUIET,
    }


@contextlib.asynccontextmanager
async def running(settings: Settings, networks: Networks | None = None) -> AsyncIterator[State]:
    """Make what the routes need, and load the networks in the background while requests are answered."""
    networks = networks or Networks(settings)
    loader = Loader(networks, settings)
    async with open_job_service(settings) as job_service:
        with contextlib.closing(networks), contextlib.closing(make_sandbox(settings)) as sandbox:
            async with in_background("loading of the networks", loader.run):
                try:
                    with make_state(settings, networks, sandbox, job_service) as state:
                        async with in_background("hourly sweep", state["datasets"].sweep_hourly):
                            yield state
                finally:
                    loader.stop()


@contextlib.asynccontextmanager
async def in_background(name: str, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run a supervised task until the block ends."""
    task = asyncio.create_task(supervise(name, work), name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def make_sandbox(settings: Settings) -> Sandbox:
    """Start the decode processes."""
    cost = Cost(settings.decode_seconds, settings.decode_memory_bytes)
    return Sandbox(decode_processes(settings), cost, Limits(settings.max_pixels, settings.max_scans))


def decode_processes(settings: Settings) -> int:
    """Return the number of decode processes: one for each processor core by default."""
    return settings.decode_processes or cores()


@contextlib.contextmanager
def make_state(
    settings: Settings, networks: Networks, sandbox: Sandbox, job_service: JobService | None
) -> Iterator[State]:
    """Put together what the routes need."""
    metrics = Metrics()
    networks.tell_batches(metrics.observe_batch)
    artifacts = open_store(settings.artifacts_url, settings.data_dir)
    files = ArtifactCache(artifacts, job_service.registry if job_service else None)
    load = partial(
        load_digits,
        capacity=settings.queue_size,
        linger=settings.batch_wait_seconds,
        on_batch=metrics.observe_batch,
    )
    trained = ModelCache(files, load, most=settings.models_in_memory)
    classifier = Classifier(networks, trained, sandbox, most=settings.queue_size, deadline=settings.deadline_seconds)
    pool = BlockingPool()
    decoder = PhotoDecoder(sandbox, max(1, decode_processes(settings) // 2))
    draining = Draining()
    draining.on_begin(lambda: asyncio.get_running_loop().call_later(LAST_ANSWERS, classifier.close))
    if job_service:
        draining.on_begin(job_service.feed.close)
    metrics.watch(ServiceCollector(classifier, job_service, draining))
    with contextlib.closing(trained), contextlib.closing(pool):
        yield State(
            settings=settings,
            networks=networks,
            classifier=classifier,
            catalog=ModelCatalog(networks, trained, job_service, deadline=settings.deadline_seconds),
            datasets=DatasetService(settings, job_service, artifacts, decoder, pool),
            jobs=job_service,
            draining=draining,
            metrics=metrics,
        )
