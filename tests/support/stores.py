"""Both sides of the records in one object: the worker's blocking calls, and the API's, each run on an event loop.

Production never needs both in one place; a test that plays a client and a worker does.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from anyio.from_thread import start_blocking_portal

from jobs.async_registry import AsyncRegistry
from jobs.async_store import AsyncJobStore
from jobs.connection import connect, connect_async
from jobs.datasets.async_records import AsyncDatasets
from jobs.datasets.records import Datasets
from jobs.registry import Registry
from jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jobs.transitions import Call

P = ParamSpec("P")
Answer = TypeVar("Answer")


def _blocking(method: Callable[Concatenate[Any, P], Awaitable[Answer]]) -> Callable[Concatenate[Any, P], Answer]:
    """Make a blocking method of one of the API's: it is run on the event loop of the store's `portal`."""

    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Answer:  # noqa: ANN401 - any of the classes below
        answer: Answer = self.portal.call(partial(method, self.api, *args, **kwargs))
        return answer

    return call


class FullStore(JobStore):
    """A job store with the calls of the worker and of the API."""

    _api_class: type[AsyncJobStore] = AsyncJobStore

    def __init__(self, url: str) -> None:
        super().__init__(connect(url))
        self._exits = ExitStack()
        self.portal = self._exits.enter_context(start_blocking_portal())
        api = self._api_class(connect_async(url))
        self.api = self._exits.enter_context(self.portal.wrap_async_context_manager(api))

    create = _blocking(AsyncJobStore.create)
    wished = _blocking(AsyncJobStore.wished)
    cancel = _blocking(AsyncJobStore.cancel)
    read = _blocking(AsyncJobStore.get)  # `get` is the worker's
    list = _blocking(AsyncJobStore.list)
    events = _blocking(AsyncJobStore.events)

    def close(self) -> None:
        """Close the connections of both sides."""
        super().close()
        self._exits.close()


class FullRegistry(Registry):
    """A registry of trained models with the calls of the worker and of the API."""

    def __init__(self, store: FullStore) -> None:
        super().__init__(store)
        self.portal, self.api = store.portal, AsyncRegistry(store.api)

    get = _blocking(AsyncRegistry.get)
    list = _blocking(AsyncRegistry.list)
    aliases = _blocking(AsyncRegistry.aliases)
    set_alias = _blocking(AsyncRegistry.set_alias)
    drop_alias = _blocking(AsyncRegistry.drop_alias)


class FullDatasets(Datasets):
    """Records of data sets with the calls of the worker and of the API."""

    def __init__(self, store: FullStore) -> None:
        super().__init__(store)
        self.portal, self.api = store.portal, AsyncDatasets(store.api)

    expect = _blocking(AsyncDatasets.expect)
    put = _blocking(AsyncDatasets.put)
    get = _blocking(AsyncDatasets.get)
    list = _blocking(AsyncDatasets.list)
    remove = _blocking(AsyncDatasets.remove)


class _TwiceAsyncStore(AsyncJobStore):
    """An asyncio store whose every reply is lost once."""

    def __init__(self, *args: Any) -> None:  # noqa: ANN401 - as the original
        super().__init__(*args)
        self.unequal: list[tuple[object, object]] = []

    async def run(self, call: Call[Answer]) -> Answer:
        """Send it twice."""
        first, second = await super().run(call), await super().run(call)
        if first != second:
            self.unequal.append((first, second))
        return second


class TwiceStore(FullStore):
    """A store whose every reply is lost once: each call is sent twice, the first answer is noted, the second given."""

    _api_class = _TwiceAsyncStore

    def __init__(self, url: str) -> None:
        super().__init__(url)
        assert isinstance(self.api, _TwiceAsyncStore)
        self.unequal = self.api.unequal

    def run(self, call: Call[Answer]) -> Answer:
        """Send it twice."""
        first, second = super().run(call), super().run(call)
        if first != second:
            self.unequal.append((first, second))
        return second
