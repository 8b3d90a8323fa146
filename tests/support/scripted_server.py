"""A service that answers as a test tells it, request by request, and both clients connected to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from bestguess import AsyncClient, Client, Retries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

URL = "http://service.example"
QUICK = Retries(first=0.001, longest=0.001)
NEVER = Retries(attempts=1)
PAGES = {"jobs", "events", "datasets"}  # calls that give one after the other
JOB = {
    "id": "job_1",
    "kind": "mnist-train",
    "status": "running",
    "created_at": "2026-11-23T04:17:28Z",
    "params": {},
    "progress": {"step": 1, "rate_of_the_future": 2},
    "field_of_the_future": {"x": 1},
}
DONE = JOB | {"status": "succeeded"}
MODEL = {
    "id": "job_1",
    "title": "Digits",
    "about": "",
    "classes": 10,
    "parameters": 1,
    "weight_layers": 0,
    "input_size": [28, 28, 1],
    "preprocessing": "",
    "status": {"id": "job_1", "state": "ready", "detail": ""},
    "weights": None,
    "precision": None,
    "device": None,
    "layers": [],
    "trained": {
        "job_id": "job_1",
        "kind": "mnist-train",
        "created_at": "2026-11-23T04:17:28Z",
        "dataset": None,
        "train_accuracy": None,
        "test_accuracy": None,
        "training_seconds": None,
        "params": {},
        "changed_params": {},
        "seed": None,
        "bytes": 4,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",  # of b"test"
    },
}


@dataclass(frozen=True)
class Says:
    """An answer that can be given again and again; `breaks` is a body that breaks off after these pieces."""

    status: int = 200
    json: object = None
    headers: dict[str, str] | None = None
    content: bytes | None = None
    breaks: tuple[bytes, ...] | None = None

    def copy(self) -> httpx.Response:
        """Make the answer."""
        if self.breaks is not None:
            return httpx.Response(self.status, headers=self.headers, stream=Broken(*self.breaks))
        body = {"content": self.content} if self.json is None else {"json": self.json}
        return httpx.Response(self.status, headers=self.headers, **body)


Reply = Says | Exception


class Script(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Gives the replies in turn, the last one for ever, and keeps the requests."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a client that blocks."""
        request.read()
        return self._next(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a client for asyncio."""
        await request.aread()
        return self._next(request)

    def _next(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply.copy()


class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, and then breaks."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        raise httpx.ReadError("the connection broke")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        raise httpx.ReadError("the connection broke")


def problem(status: int, slug: str = "x", headers: dict[str, str] | None = None, **members: object) -> Says:
    """Answer with an error in the service's shape."""
    body = {"type": f"urn:problem-type:bestguess:{slug}", "title": "No", "status": status, "detail": "It cannot be."}
    return Says(status, body | members, headers)


def ok(body: object = DONE) -> Says:
    """Answer with JSON."""
    return Says(json=body)


def both(*replies: Reply, retries: Retries = QUICK) -> list[tuple[Script, Callable[..., Any]]]:
    """Make both clients, each as a function of a call's name and arguments."""
    blocking, other = Script(*replies), Script(*replies)

    def call(name: str, /, *arguments: object, **options: object) -> object:
        with Client(URL, retries=retries, transport=blocking) as client:
            result = getattr(client, name)(*arguments, **options)
            return list(result) if name in PAGES else result

    def call_async(name: str, /, *arguments: object, **options: object) -> object:
        async def run() -> object:
            async with AsyncClient(URL, retries=retries, transport=other) as client:
                result = getattr(client, name)(*arguments, **options)
                return [each async for each in result] if name in PAGES else await result

        return asyncio.run(run())

    return [(blocking, call), (other, call_async)]
