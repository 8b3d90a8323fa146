"""The application: what lives as long as the process is made here, and handed down."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from app.deps import State
from app.desk import Desk, NoDesk, opened
from app.draining import Draining
from app.inference.bring_up import BringUp
from app.inference.classifier import Classifier
from app.inference.engine import Engine
from app.middleware.body_limit import BodyLimit
from app.middleware.request_id import RequestId
from app.rendering import add_handlers
from app.routes import classify, docs, health, jobs, models
from app.routes.declared import declare
from app.settings import Settings, load_settings
from vision.images import Limits
from vision.sandbox import Cost, Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Resources = Callable[[Settings], contextlib.AbstractAsyncContextManager[State]]

LAST_ANSWERS = 2.0  # seconds from the signal in which running requests may still be answered

ABOUT = """
*What is this picture of?* `POST /classify` answers with the ten best guesses of VGG16.
Errors are `application/problem+json` and say what to do.
"""


def create_app(settings: Settings | None = None, resources: Resources | None = None) -> FastAPI:
    """Make the service. Without `settings` they come from the environment; `resources` is `running` unless given."""
    settings = settings or load_settings()
    resources = resources or running

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with resources(settings) as state:
            app.state.draining = state["draining"]
            yield state

    app = FastAPI(
        title="Best Guess",
        version=version("bestguess"),
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,  # app.routes.docs serves Swagger UI without a CDN
        redoc_url=None,
    )
    app.add_middleware(BodyLimit, largest=settings.max_body_bytes)
    app.add_middleware(RequestId)
    add_handlers(app)
    for router in (classify.router, jobs.router, models.router, health.router, docs.router):
        app.include_router(router)
    declare(app)
    app.add_api_route("/", lambda: RedirectResponse("/docs"), include_in_schema=False)
    return app


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[State]:
    """Make everything that the routes need, for as long as the service runs."""
    async with serving(settings, Engine(settings)) as state:
        yield state


@contextlib.asynccontextmanager
async def serving(settings: Settings, engine: Engine) -> AsyncIterator[State]:
    """Bring an engine's networks up while requests are taken, and end it with them."""
    bring_up = BringUp(engine, settings)
    async with opened(settings.redis_url) as desk:
        with contextlib.closing(engine), contextlib.closing(make_sandbox(settings)) as sandbox:
            task = asyncio.create_task(bring_up.run())
            try:
                yield make_state(settings, engine, sandbox, desk)
            finally:
                bring_up.stop()
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


def make_sandbox(settings: Settings) -> Sandbox:
    """Start the decode processes, one a processor core unless told otherwise."""
    processes = settings.decode_processes or os.cpu_count() or 1
    cost = Cost(settings.decode_seconds, settings.decode_memory_bytes)
    return Sandbox(processes, cost, Limits(settings.max_pixels, settings.max_scans))


def make_state(settings: Settings, engine: Engine, sandbox: Sandbox, desk: Desk | NoDesk) -> State:
    """Put together what the routes need."""
    classifier = Classifier(engine, sandbox, most=settings.queue_size, deadline=settings.deadline_seconds)
    draining = Draining()
    draining.tell(lambda: asyncio.get_running_loop().call_later(LAST_ANSWERS, classifier.close))
    if isinstance(desk, Desk):
        draining.tell(desk.feed.close)
    return State(settings=settings, engine=engine, classifier=classifier, desk=desk, draining=draining)
