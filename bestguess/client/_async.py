"""`AsyncClient`, for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

import httpx

from bestguess.client._config import http_options, service_url
from bestguess.client._core import Core
from bestguess.client._request import check_response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from bestguess.client._retry import Retries
    from bestguess.client.errors import BestGuessError

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class AsyncioTransport:
    """I/O on asyncio's event loop; files are read and written in threads."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole response."""
        return await self.http.send(request)

    async def stream(self, request: httpx.Request) -> AsyncGenerator[bytes, None]:
        """Send a request, check the response, and yield its body in chunks."""
        response = await self.http.send(request, stream=True)
        try:
            if not response.is_success:
                await response.aread()
            check_response(response)
            async for chunk in response.aiter_bytes():
                yield chunk
        finally:
            await response.aclose()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def run(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Do work that reads or writes files, in a thread."""
        return await asyncio.to_thread(work, *args, **kwargs)


class AsyncClient(Core):
    """Client of one service for asyncio, with the arguments and the calls of `Client`."""

    def __init__(  # noqa: PLR0913 - all but the first are keywords, and none is required
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 60.0,
        retries: Retries | None = None,
        on_wait: Callable[[BestGuessError, float], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(transport=transport, **http_options(service_url(url), api_key, timeout))
        super().__init__(AsyncioTransport(self._http), retries, on_wait)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
