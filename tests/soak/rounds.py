"""What people do with the service, in rounds that are alike: a training, viewers that come and go, and pictures."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import httpx

from support.images import encoded, noise, seven
from support.job_requests import STREAM, events_of

if TYPE_CHECKING:
    from collections.abc import Sequence

AT_ONCE = 4  # pictures
BROKEN_EVERY = 20  # pictures, of which one cannot be read
DIGITS = 4  # pictures for the network that the round has trained
LONGEST_STAY = 2.0  # seconds that a viewer stays who does not wait for the end
TRAINING = {"steps": 20, "batch_size": 10, "report_every": 5, "seed": 1}
END = "succeeded"
SEEN = ["created", "started", END]  # what everybody who stays to the end has seen, and reports between
PATIENCE = 300.0  # seconds for a training, with its worker's start


class Failure(Exception):
    """Something was answered otherwise than it should."""


class Rounds:
    """One after the other; each is over when its job is, and every viewer and picture with it."""

    def __init__(self, url: str, pictures: int, viewers: int) -> None:
        self._url, self._pictures, self._viewers = url, pictures, viewers
        self._random = random.Random(0)
        self._gate = asyncio.Semaphore(AT_ONCE)
        kinds = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
        self._photos = [encoded(noise((400, 300), seed=at), kind) for at, kind in enumerate(kinds)]

    async def one(self) -> None:
        """Do a round, on connections of its own.

        Raises:
            Failure: an answer was not as it should be.
        """
        # The service closes a connection that was idle for 5 s; a client that is about to use it must be sooner.
        limits = httpx.Limits(max_connections=64, keepalive_expiry=2)
        async with httpx.AsyncClient(base_url=self._url, timeout=60, limits=limits) as self._client:
            await self._round()

    async def _round(self) -> None:
        job = _body(await self._client.post("/jobs/mnist-train", json=TRAINING), 202)
        viewers = [self._view(job["id"], at) for at in range(self._viewers)]
        photos = [self._photo(at) for at in range(self._pictures - DIGITS)]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*viewers, *photos)
            await self._follow(job["id"], [])
        await asyncio.gather(*(self._digit(job["id"]) for _ in range(DIGITS)))

    async def _photo(self, at: int) -> None:
        data = self._photos[at % len(self._photos)]
        broken = at % BROKEN_EVERY == 0
        async with self._gate:
            sent = {"content": data[: len(data) // 3]} if broken else {"content": data}
            if at % 2 and not broken:
                answer = await self._client.post("/classify", files={"file": data})
            else:
                answer = await self._client.post("/classify", headers={"Content-Type": "image/*"}, **sent)
        if broken and answer.status_code == httpx.codes.OK:
            return  # a GIF or a BMP may be whole enough after a third
        _body(answer, 400 if broken else 200)

    async def _digit(self, model_id: str) -> None:
        files = {"file": encoded(seven(), "PNG")}
        async with self._gate:
            _body(await self._client.post(f"/models/{model_id}/classify", files=files), 200)

    async def _view(self, job_id: str, at: int) -> None:
        """Come at some moment; every second stays to the end, the others go, and some of these come back."""
        await asyncio.sleep(self._random.uniform(0, LONGEST_STAY))
        seen: list[dict[str, str]] = []
        if at % 2:
            try:
                async with asyncio.timeout(self._random.uniform(0, LONGEST_STAY)):
                    await self._follow(job_id, seen)
            except TimeoutError:
                if at % 4 == 1:
                    return
        await self._follow(job_id, seen)

    async def _follow(self, job_id: str, seen: list[dict[str, str]]) -> None:
        """Watch a job from the last event in `seen` to its end."""
        if seen and seen[-1]["event"] == END:
            return
        last = {"Last-Event-ID": seen[-1]["id"]} if seen else {}
        async with self._client.stream("GET", f"/jobs/{job_id}/events", headers=STREAM | last) as stream:
            block = ""
            async for line in stream.aiter_lines():
                block += line + "\n"
                if not line:
                    seen += events_of(block)
                    block = ""
        _complete(seen)


def _complete(seen: Sequence[dict[str, str]]) -> None:
    names = [event["event"] for event in seen if event["event"] != "progress"]
    if names != SEEN or len({event["id"] for event in seen}) != len(seen):
        raise Failure(f"A viewer saw {[event['event'] for event in seen]}")


def _body(answer: httpx.Response, status: int) -> dict[str, Any]:
    if answer.status_code != status:
        raise Failure(f"{answer.request.url} was answered {answer.status_code}: {answer.text[:300]}")
    return dict(answer.json())
