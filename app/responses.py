"""Responses beyond FastAPI's own: content negotiation, removable files, event streams, cancel on disconnect."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, TypeVar

import mimeparse
from anyio import CancelScope
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.sse import format_sse_event
from starlette.requests import ClientDisconnect

from app.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Sequence

    from fastapi import Request
    from starlette.types import Message, Receive, Scope, Send

    from bestguess.schemas.jobs import Event
    from jobs.feed import EventFeed

EVENT_STREAM_TYPE = "text/event-stream"
HEARTBEAT = 15.0  # seconds; proxies close connections that are silent for longer
RETRY = 1000  # milliseconds after which a browser reconnects

Result = TypeVar("Result")


def preferred_media_type(request: Request, offered: Sequence[str]) -> str:
    """Return which of the offered media types `Accept` prefers, or "" if it takes none of them or is malformed.

    If it takes several alike, the last one is returned.
    """
    accept = ", ".join(request.headers.getlist("Accept")).lower() or "*/*"
    try:
        return str(mimeparse.best_match(offered, accept))
    except (mimeparse.MimeTypeParseException, ValueError):
        return ""


class RemovableFileResponse(FileResponse):
    """Response with a file that may be removed before it is opened: it starts once the file is open, and is 404 if not.

    After that the file's bytes stay readable, even if it is removed.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
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


async def stream_events(feed: EventFeed, job_id: str, after: str | None) -> StreamingResponse:
    """Return a job's events after the event `after` as server-sent events, live until the job is over.

    Their ids are those of the store's stream, so a client that reconnects misses and repeats nothing. An unknown job or
    a bad id is raised here, before the response begins.
    """
    stack = AsyncExitStack()
    events = await stack.enter_async_context(feed.subscribe(job_id, after))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_server_sent(events, stack), media_type=EVENT_STREAM_TYPE, headers=headers)


async def _server_sent(events: AsyncIterator[Event], stack: AsyncExitStack) -> AsyncIterator[bytes]:
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
                # A client that disconnects cancels this task too, and an iterator that still runs cannot be closed.
                with CancelScope(shield=True):
                    await asyncio.wait((waiting,))


async def while_connected(request: Request, work: Awaitable[Result]) -> Result:
    """Return the result of `work`, or cancel it when the client disconnects. The request's body must have been read.

    Raises:
        ClientDisconnect: the client disconnected, so nobody reads the answer.
    """
    working = asyncio.ensure_future(work)
    disconnect = asyncio.ensure_future(request.receive())  # after the body the next message is the disconnect
    try:
        await asyncio.wait((working, disconnect), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        disconnect.cancel()
