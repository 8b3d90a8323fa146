"""A file as an answer that begins once the file is open."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, TypeVar

from anyio import CancelScope
from fastapi.responses import FileResponse
from fastapi.sse import format_sse_event
from starlette.requests import ClientDisconnect

from app.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from fastapi import Request
    from starlette.types import Message, Receive, Scope, Send

    from bestguess.schemas.jobs import Event
    from jobs.feed import EventFeed


class SentFile(FileResponse):
    """A file that may go before it is sent: that is a 404 then, not an answer that breaks off, or our fault."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; once it is open its bytes stay, whoever removes its name."""
        held: list[Message] = []

        async def send_when_open(message: Message) -> None:
            if message["type"] == "http.response.start":
                held.append(message)
                return
            if held:
                await send(held.pop())
            await send(message)

        try:
            self.stat_result = await asyncio.to_thread(os.stat, self.path)
            self.set_stat_headers(self.stat_result)
            await super().__call__(scope, receive, send_when_open)
        except FileNotFoundError:
            raise NotFound("This file was removed before it could be sent.") from None


# Server-sent events of a job; the store's stream ids are theirs, so that who reconnects misses and repeats nothing.
HEARTBEAT = 15.0  # seconds; proxies close what is silent for longer
RETRY = 1000  # milliseconds after which a browser that lost us comes back


async def stream(feed: EventFeed, job_id: str, after: str | None) -> AsyncIterator[bytes]:
    """Follow a job from after the event `after`; an unknown job or a bad id is raised here, before the first byte."""
    stack = AsyncExitStack()
    events = await stack.enter_async_context(feed.subscribe(job_id, after))
    return _written(events, stack)


async def _written(events: AsyncIterator[Event], stack: AsyncExitStack) -> AsyncIterator[bytes]:
    async with stack:
        yield format_sse_event(retry=RETRY)
        waiting: asyncio.Task[Event] | None = None
        try:
            while True:
                waiting = waiting or asyncio.ensure_future(anext(events))
                done, _ = await asyncio.wait((waiting,), timeout=HEARTBEAT)
                if not done:
                    yield format_sse_event(comment="still here")
                    continue
                finished, waiting = waiting, None
                event = finished.result()
                yield format_sse_event(data_str=event.model_dump_json(), event=event.type, id=event.id)
        except StopAsyncIteration:
            return
        finally:
            if waiting:
                waiting.cancel()
                with CancelScope(shield=True):  # a client that leaves cancels us, and what still runs cannot be closed
                    await asyncio.wait((waiting,))


# Work for a client that is gone is dropped.
Result = TypeVar("Result")


async def while_connected(request: Request, work: Awaitable[Result]) -> Result:
    """Wait for `work`, whose request has been read to its end, and cancel it when the client goes away.

    Raises:
        ClientDisconnect: it did; nobody reads the answer.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.create_task(_wait_for_disconnect(request))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        gone.cancel()


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
