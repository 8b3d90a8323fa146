"""The application: what lives as long as the process is made here, and handed down."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from app.access.auth import Guard
from app.datasets.intake import Intake
from app.datasets.leftovers import sweep_hourly
from app.datasets.looking import Looker
from app.datasets.shelf import Shelf
from app.datasets.threads import Threads
from app.dependencies import State
from app.draining import Draining
from app.front import stand_before
from app.inference.artifact_cache import ArtifactCache
from app.inference.classifier import Classifier, Networks
from app.inference.loader import Loader
from app.inference.model_cache import ModelCache, load_digits
from app.metrics.counted import Metrics
from app.metrics.looked_up import LookedUp
from app.openapi import declare
from app.rendering import add_handlers
from app.request_log import QUIET
from app.routes import aliases, classify, datasets, docs, finetune, health, jobs, metrics, models, page
from app.services.jobs import Desk, NoDesk, opened
from app.services.models import Gallery
from app.settings import Settings, load_settings
from jobs.artifacts import open_store
from jobs.background import supervise
from vision.decode.images import Limits
from vision.decode.sandbox import Cost, Sandbox
from vision.machine import cores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator

    from fastapi.telemetry import TelemetryConfig

    from jobs.telemetry.tracing import Tracing

Resources = Callable[[Settings], contextlib.AbstractAsyncContextManager[State]]

LAST_ANSWERS = 2.0  # seconds from the signal in which running requests may still be answered

ABOUT = """
*What is this picture of?* `POST /classify` answers with the ten best guesses of VGG16.
Errors are `application/problem+json` and say what to do.
"""


def create_app(
    settings: Settings | None = None, resources: Resources | None = None, tracing: Tracing | None = None
) -> FastAPI:
    """Make the service.

    Without `settings` they come from the environment; `resources` is `running` unless given; without `tracing` nothing
    is traced.
    """
    settings = settings or load_settings()
    resources = resources or running
    guard = Guard(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with resources(settings) as state, guard:
            app.state.draining, app.state.metrics = state["draining"], state["metrics"]
            app.state.classifier = state["classifier"]
            yield state
        if tracing:  # the server ends by the signal that it heard, so that there is no later moment
            await asyncio.to_thread(tracing.flush)

    app = FastAPI(
        title="Best Guess",
        version=version("bestguess"),
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,  # app.routes.docs serves Swagger UI without a CDN
        redoc_url=None,
        telemetry=telemetry(tracing),
    )
    app.state.guard = guard
    stand_before(app, settings, guard, tracing)
    add_handlers(app)
    for routes in (page, classify, datasets, jobs, finetune, aliases, models, health, metrics, docs):
        app.include_router(routes.router)
    declare(app)
    return app


def telemetry(tracing: Tracing | None) -> TelemetryConfig:
    """Say what FastAPI tells by itself: a span for each request but for probes, where there are traces, and no more."""
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
async def running(settings: Settings) -> AsyncIterator[State]:
    """Make everything that the routes need, for as long as the service runs."""
    async with serving(settings, Networks(settings)) as state:
        yield state


@contextlib.asynccontextmanager
async def serving(settings: Settings, engine: Networks) -> AsyncIterator[State]:
    """Load networks while requests are taken, and end them with the block."""
    loader = Loader(engine, settings)
    async with opened(settings.redis_url) as desk:
        with contextlib.closing(engine), contextlib.closing(make_sandbox(settings)) as sandbox:
            async with beside("loading of the networks", loader.run):
                try:
                    with make_state(settings, engine, sandbox, desk) as state:
                        async with beside("hourly sweep", lambda: sweep_hourly(state["shelf"])):
                            yield state
                finally:
                    loader.stop()


@contextlib.asynccontextmanager
async def beside(name: str, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run a supervised task until the block ends."""
    task = asyncio.create_task(supervise(name, work), name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def make_sandbox(settings: Settings) -> Sandbox:
    """Start the decode processes, one a processor core unless told otherwise."""
    cost = Cost(settings.decode_seconds, settings.decode_memory_bytes)
    return Sandbox(decode_processes(settings), cost, Limits(settings.max_pixels, settings.max_scans))


def decode_processes(settings: Settings) -> int:
    """Count the decode processes."""
    return settings.decode_processes or cores()


@contextlib.contextmanager
def make_state(settings: Settings, engine: Networks, sandbox: Sandbox, desk: Desk | NoDesk) -> Iterator[State]:
    """Put together what the routes need."""
    registry = desk.registry if isinstance(desk, Desk) else None
    metrics = Metrics()
    engine.tell_batches(metrics.images.batch)
    store = open_store(settings.artifacts_url, settings.data_dir)
    files = ArtifactCache(store, registry)
    load = partial(
        load_digits,
        capacity=settings.queue_size,
        linger=settings.batch_wait_seconds,
        on_batch=metrics.images.batch,
    )
    trained = ModelCache(files, load, most=settings.models_in_memory)
    gallery = Gallery(engine, trained, desk, deadline=settings.deadline_seconds)
    classifier = Classifier(
        engine,
        trained,
        sandbox,
        most=settings.queue_size,
        deadline=settings.deadline_seconds,
        observe=metrics.images.classified,
    )
    threads = Threads()
    shelf = Shelf(desk, store, Looker(sandbox, max(1, decode_processes(settings) // 2)), threads)
    draining = Draining()
    draining.tell(lambda: asyncio.get_running_loop().call_later(LAST_ANSWERS, classifier.close))
    if isinstance(desk, Desk):
        draining.tell(desk.feed.close)
    metrics.watch(LookedUp(classifier, desk, draining))
    with contextlib.closing(trained), contextlib.closing(threads):
        yield State(
            settings=settings,
            engine=engine,
            classifier=classifier,
            gallery=gallery,
            shelf=shelf,
            intake=Intake(shelf, settings),
            desk=desk,
            draining=draining,
            metrics=metrics,
        )
