"""A bound on the bytes of a request's body, whether the client says its length or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from app.errors import TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimitMiddleware:
    """Raise `TooLarge` where the body is read, as soon as it is known to be longer than `largest` bytes.

    Below a path of `larger` it is as many bytes as stand there. The connection is closed then: a client that goes on
    sending is not listened to.
    """

    def __init__(self, app: ASGIApp, largest: int, larger: Mapping[str, int]) -> None:
        self._app = app
        self._largest, self._larger = largest, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, with the body counted as it is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("Content-Length", "")
        announced = int(length) if length.isdecimal() else 0
        largest, received = self._largest_at(scope["path"]), 0

        async def receive_bounded() -> Message:
            nonlocal received
            if announced > largest:
                raise _too_large(largest)
            message = await receive()
            received += len(message.get("body", b""))
            if received > largest:
                raise _too_large(largest)
            return message

        await self._app(scope, receive_bounded, send)

    def _largest_at(self, path: str) -> int:
        return next((most for top, most in self._larger.items() if f"{path}/".startswith(f"{top}/")), self._largest)


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"The body is longer than {largest:,} bytes. Send a smaller file.", headers={"Connection": "close"})
