"""What tests in a browser share: the browser, and one whole service: API, Redis and worker as processes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bestguess.schemas.jobs import JobStatus
from jobs.errors import AlreadyFinished
from jobs.queue import MNIST_TRAIN
from support.browser import Visitor, chromium
from support.live_server import Serve, ready
from support.redis_server import live_redis
from support.worker_processes import SHORT, Workplace, small_mnist

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from playwright.sync_api import Browser


@dataclass(frozen=True)
class House:
    """The whole service: where its page is, a client of its API, and the Redis and the worker behind it."""

    url: str
    client: httpx.Client
    place: Workplace


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run the service with EfficientNet-Lite0 in VGG16's place, and a worker that trains on a small file of digits."""
    folder = tmp_path_factory.mktemp("house")
    mnist = small_mnist(folder / "mnist.npz")
    with live_redis() as redis:
        place = Workplace(redis, folder, mnist)
        try:
            place.start()
            with Serve(folder)(redis_url=redis.url, mnist=mnist) as client:
                ready(client)
                yield House(str(client.base_url), client, place)
        finally:
            place.end()


@pytest.fixture(autouse=True)
def _nothing_goes_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """Cancel what a test has left running in the house, also one that failed: it would slow down all that follow."""
    yield
    if "house" in request.fixturenames:
        house: House = request.getfixturevalue("house")
        for status in (JobStatus.QUEUED, JobStatus.RUNNING):
            for job in house.place.store.list(status, 100).jobs:
                with contextlib.suppress(AlreadyFinished):
                    house.place.store.cancel(job.id)


@pytest.fixture
def model_id(house: House) -> str:
    """Name a network of the house that knows digits; train one if there is none."""
    models = house.client.get("/models").json()["data"]
    found = [model["id"] for model in models if model["trained"] and model["trained"]["kind"] == MNIST_TRAIN]
    if found:
        return str(found[0])
    job_id = house.place.submit(**SHORT)
    house.place.wait(job_id, JobStatus.SUCCEEDED)
    return job_id


@pytest.fixture
def no_worker_free(house: House) -> Iterator[None]:
    """Let jobs wait until the test has ended: a training that is only to be cancelled need not load TensorFlow."""
    with house.place.held():
        yield


class Chromium:
    """One browser for all tests of this folder that follow one another; a test's windows share nothing with others'."""

    def __init__(self) -> None:
        self._exits = contextlib.ExitStack()
        self._browser: Browser | None = None

    def get(self) -> Browser:
        """Start it, unless it runs already."""
        self._browser = self._browser or self._exits.enter_context(chromium())
        return self._browser

    def close(self) -> None:
        """End it if it runs."""
        self._browser = None
        self._exits.close()


CHROMIUM = pytest.StashKey[Chromium]()


def pytest_configure(config: pytest.Config) -> None:
    """Make room for the browser."""
    config.stash[CHROMIUM] = Chromium()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End the browser before tests of other folders: some run an event loop, as Playwright does in this thread."""
    try:
        yield
    finally:
        if nextitem is None or nextitem.path.parent != Path(__file__).parent:
            item.config.stash[CHROMIUM].close()


@pytest.fixture
def browser(pytestconfig: pytest.Config) -> Browser:
    """The browser."""
    return pytestconfig.stash[CHROMIUM].get()


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Open windows; what goes wrong in them unnoticed ends the test."""
    visitor = Visitor(browser, request.node.name)
    yield visitor
    visitor.close()
