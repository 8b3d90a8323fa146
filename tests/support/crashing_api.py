"""API process whose inference thread dies at its first image, as after a fatal device error."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from app.inference.classifier import Networks
from app.main import make_sandbox, make_state
from app.serve import main
from app.services.jobs import open_job_service
from support.fake_networks import DummyRunner
from vision.networks.weights import FoundWeights

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.dependencies import State
    from app.settings import Settings


@contextlib.asynccontextmanager
async def resources(settings: Settings) -> AsyncIterator[State]:
    """Make a service with this network."""
    networks, runner = Networks(settings), DummyRunner()
    runner.error = SystemExit("the device is gone")
    networks.primary.serve(runner, FoundWeights(None, "random", None, verified=False, size=None))
    async with open_job_service(settings) as job_service:
        with (
            contextlib.closing(networks),
            contextlib.closing(make_sandbox(settings)) as sandbox,
            make_state(settings, networks, sandbox, job_service) as state,
        ):
            yield state


if __name__ == "__main__":
    main(resources)
