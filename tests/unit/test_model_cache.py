"""Which trained networks are in memory: who is loaded, who makes way, and what becomes of loads that nobody wants."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from app.errors import NotEnoughMemory, NotFound
from app.inference.model_cache import ModelCache
from app.inference.model_slot import ModelSlot
from jobs.trained import TrainedModel
from support.fake_networks import DummyRunner
from support.waiting import wait_until
from vision.digits.network import trained
from vision.networks.weights import FoundWeights, WeightsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from app.inference.artifact_cache import ArtifactCache


def model(model_id: str, size: int = 1) -> TrainedModel:
    """Make a record of a model, whose file has so many bytes."""
    facts = {"sha256": "0" * 64, "bytes": size, "params": {}, "result": {}, "kind": "mnist-train"}
    return TrainedModel(id=model_id, job_id=model_id, created_at=datetime.now(UTC), **facts)


class Files:
    """Files that are here at once."""

    async def get(self, model: TrainedModel, _: str) -> Path:
        """Name one."""
        return Path(model.id)

    def close(self) -> None:
        """Have nothing to close."""


class Loader:
    """Loads when it is let, one network that answers after the other; `errors` are raised once each."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.begun: list[str] = []
        self.served: dict[str, ModelSlot] = {}
        self.errors: dict[str, Exception] = {}
        self.most = 0

    def __call__(self, model: TrainedModel, path: Path) -> ModelSlot:
        """Load one."""
        self.begun.append(path.name)
        self.go.wait(10)
        if path.name in self.errors:
            raise self.errors.pop(path.name)
        served = ModelSlot(trained(model.id, ""), capacity=1, precision="float32", linger=0)
        served.serve(DummyRunner(), FoundWeights(None, "trained", None, verified=True, size=None))
        self.served[path.name] = served
        self.most = max(self.most, len(self.alive))
        return served

    @property
    def alive(self) -> list[str]:
        """The networks that are loaded and have not been ended."""
        return [name for name, served in self.served.items() if served.batcher and not served.batcher._closed]


@asynccontextmanager
async def networks(most: int) -> AsyncIterator[tuple[ModelCache, Loader]]:
    """Keep so many networks."""
    loader = Loader()
    made = ModelCache(cast("ArtifactCache", Files()), loader, most=most)
    try:
        yield made, loader
    finally:
        loader.go.set()
        made.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, and let the event loop work."""
    await asyncio.to_thread(wait_until, condition, 10)


async def ask(made: ModelCache, name: str) -> None:
    """Use a network for a moment."""
    await use(made, model(name))


async def use(made: ModelCache, wanted: TrainedModel) -> None:
    """Use one of which more is known."""
    async with made.use(wanted) as served:
        assert served.network.id == wanted.id


async def cancelled(task: asyncio.Task[None]) -> None:
    """Have somebody leave."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_those_used_last_stay() -> None:
    """Beyond the bound the network that was used least lately goes, before the next is loaded."""

    async def scene() -> None:
        async with networks(2) as (made, loader):
            for name in "abac":
                await ask(made, name)
            assert loader.begun == ["a", "b", "c"]
            assert loader.alive == ["a", "c"]
            assert loader.most == 2
            assert made.loaded("a") is loader.served["a"]
            assert made.loaded("b") is None

    asyncio.run(scene())


def test_one_in_use_is_never_ended() -> None:
    """A network that somebody uses stays, however many are asked beside it, and the bound holds again afterwards."""

    async def scene() -> None:
        async with networks(1) as (made, loader):
            async with made.use(model("a")):
                await ask(made, "b")
                await ask(made, "c")
                assert loader.alive == ["a"]
            await ask(made, "d")
            assert loader.alive == ["d"]

    asyncio.run(scene())


def test_a_load_that_has_not_begun_is_dropped() -> None:
    """Who leaves while another network is loaded has theirs not loaded for nobody; who stays is answered."""

    async def scene() -> None:
        async with networks(8) as (made, loader):
            loader.go.clear()
            first, left, stays = (asyncio.create_task(ask(made, name)) for name in "abc")
            await until(lambda: loader.begun == ["a"])
            await cancelled(left)
            loader.go.set()
            await asyncio.gather(first, stays)
            assert loader.begun == ["a", "c"]

    asyncio.run(scene())


def test_one_who_leaves_does_not_take_it_from_the_others() -> None:
    """A load that somebody else waits for goes on."""

    async def scene() -> None:
        async with networks(8) as (made, loader):
            loader.go.clear()
            one, other = (asyncio.create_task(ask(made, "a")) for _ in range(2))
            await until(lambda: loader.begun == ["a"])
            await cancelled(one)
            loader.go.set()
            await other
            assert loader.begun == ["a"]

    asyncio.run(scene())


def test_a_load_that_nobody_waits_for_keeps_the_bound() -> None:
    """A load that had begun when the last one left ends, and makes way at once where there is no room."""

    async def scene() -> None:
        async with networks(1) as (made, loader), made.use(model("a")):
            loader.go.clear()
            left = asyncio.create_task(ask(made, "b"))
            await until(lambda: loader.begun == ["a", "b"])
            await cancelled(left)
            loader.go.set()
            await until(lambda: "b" in loader.served and loader.alive == ["a"])
            assert made.loaded("b") is None

    asyncio.run(scene())


def test_the_bound_holds_for_many_at_once() -> None:
    """Of twenty networks asked at once, each by two, as many as may stay, and each was loaded once."""

    async def scene() -> None:
        async with networks(3) as (made, loader):
            await asyncio.gather(*(ask(made, str(number % 20)) for number in range(40)))
            assert len(loader.alive) == 3
            assert loader.most <= 4  # and the one whose users have their answer, but not left yet
            assert sorted(loader.begun) == sorted(map(str, range(20)))

    asyncio.run(scene())


def test_after_a_failed_load_the_next_tries_again() -> None:
    """All who wait for a load that fails hear why, and the next who asks has it tried again."""

    async def scene() -> None:
        async with networks(1) as (made, loader):
            loader.errors["a"] = WeightsError("not a network")
            heard = await asyncio.gather(*(ask(made, "a") for _ in range(2)), return_exceptions=True)
            assert [type(error) for error in heard] == [WeightsError] * 2
            await ask(made, "a")
            assert loader.alive == ["a"]

    asyncio.run(scene())


def test_a_file_that_went_before_it_was_loaded() -> None:
    """A network that is removed between being found and being loaded is not found, rather than damaged."""

    async def scene() -> None:
        async with networks(1) as (made, loader):
            loader.errors["a"] = FileNotFoundError("a")
            with pytest.raises(NotFound, match="removed"):
                await ask(made, "a")

    asyncio.run(scene())


def test_a_large_one_needs_room() -> None:
    """Where memory is short others make way for a large network, and it is refused while they are in use."""
    large = model("large", 100_000_000)

    async def scene() -> None:
        async with networks(9) as (made, loader):
            made.available = lambda: 300_000_000 - 1_000_000 * len(loader.alive)
            await ask(made, "a")
            async with made.use(model("b")):
                with pytest.raises(NotEnoughMemory, match=r"large: it needs 0\.3 GB .*, and 0\.3 GB are free"):
                    await use(made, large)
                assert loader.alive == ["b"]
            await use(made, large)
            assert loader.alive == ["large"]
            made.available = lambda: 250_000_000  # what TensorFlow was given back, it keeps for the next
            await use(made, model("another", 100_000_000))
            assert loader.alive == ["another"]

    asyncio.run(scene())
