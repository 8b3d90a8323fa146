"""What the blocking and the asyncio client share: methods, documentation, and iterators that close connections."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

import httpx
import pytest

from bestguess import AsyncClient, Client
from bestguess.client._sync import run
from support.scripted_server import JOB, QUICK, URL, Script, ok

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from bestguess.schemas import Job

CALLS = [name for name in dir(Client) if not name.startswith("_")]
EVENT = b'id: 1-0\ndata: {"id":"1-0","type":"progress","at":"2026-11-23T04:17:28Z","data":{}}\n\n'


class OpenStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A response with events without end, which knows whether it was closed."""

    closed = False

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield EVENT

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield EVENT

    def close(self) -> None:
        """Close the response of a blocking client."""
        self.closed = True

    async def aclose(self) -> None:
        """Close the response of an asynchronous client."""
        self.closed = True


@pytest.fixture
def stream() -> OpenStream:
    """Return a stream of events that does not end."""
    return OpenStream()


@pytest.fixture
def transport(stream: OpenStream) -> httpx.MockTransport:
    """Answer every request with the stream."""
    return httpx.MockTransport(lambda _: httpx.Response(200, stream=stream))


def test_both_clients_have_the_same_calls() -> None:
    """Each public method has the same parameters and the same documentation on both clients."""
    assert [name for name in dir(AsyncClient) if not name.startswith("_")] == CALLS
    for name in (*CALLS, "__init__"):
        blocking, other = getattr(Client, name), getattr(AsyncClient, name)
        same = [
            [(each.name, each.kind, each.default) for each in inspect.signature(call).parameters.values()]
            for call in (blocking, other)
        ]
        assert same[0] == same[1]
        assert blocking.__doc__ == other.__doc__
        assert blocking.__doc__ or name == "__init__"


def test_leaving_events_early_closes_the_connection(stream: OpenStream, transport: httpx.MockTransport) -> None:
    """A program that stops following a job leaves no response open."""
    with Client(URL, transport=transport) as client:
        assert next(iter(client.events("job_1"))).id == "1-0"
    assert stream.closed


def test_an_iterator_that_outlives_an_event_loop() -> None:
    """The blocking client's iterators lose nothing when the event loop ends in which they were begun."""
    pages = [ok({"data": [JOB | {"id": f"job_{n}"}], "has_more": n < 4}) for n in (1, 2, 3, 4)]

    async def begin(client: Client) -> Iterator[Job]:
        jobs = client.jobs()
        assert next(jobs).id == "job_1"
        return jobs

    with Client(URL, transport=Script(*pages)) as client:
        assert [job.id for job in asyncio.run(begin(client))] == ["job_2", "job_3", "job_4"]


def test_closing_events_early_closes_the_connection(stream: OpenStream, transport: httpx.MockTransport) -> None:
    """A coroutine that stops following a job, and closes the iterator, leaves no response open."""

    async def main() -> None:
        async with AsyncClient(URL, transport=transport) as client:
            events = client.events("job_1")
            assert (await anext(events)).id == "1-0"
            assert not stream.closed
            await events.aclose()
            assert stream.closed

    asyncio.run(main())


def test_the_blocking_client_works_where_an_event_loop_runs(stream: OpenStream, transport: httpx.MockTransport) -> None:
    """A notebook's cell runs inside an event loop: calls, pages and abandoned iterators work there too."""
    pages = Script(ok({"data": [JOB], "has_more": True}), ok({"data": [JOB], "has_more": False}))

    async def main() -> None:
        with Client(URL, transport=pages, retries=QUICK) as client:
            assert [job.id for job in client.jobs()] == ["job_1", "job_1"]
        with Client(URL, transport=transport) as client:
            for event in client.events("job_1"):
                assert event.id == "1-0"
                break

    asyncio.run(main())
    assert stream.closed


def test_a_suspended_call_is_an_error() -> None:
    """A blocking call that would need an event loop raises, and is not dropped half done."""
    with pytest.raises(RuntimeError, match="suspended"):
        run(asyncio.sleep(0))
