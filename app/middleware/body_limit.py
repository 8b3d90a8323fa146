"""A limit on the bytes of a request's body, whether the client says its length or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from app.errors import TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.middleware.access_log import RequestRecord


class BodyLimitMiddleware:
    """Raise `TooLarge` where the body is read, as soon as it is known to be longer than `largest` bytes.

    Below a path of `larger` the limit is the one given there. The connection is closed then: a client that goes on
    sending is not listened to. The bytes are counted in the request's record.
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
        path = f"{scope['path']}/"
        largest = next((most for top, most in self._larger.items() if path.startswith(f"{top}/")), self._largest)
        record: RequestRecord = scope["state"]["record"]

        async def receive_counted() -> Message:
            if announced <= largest:
                message = await receive()
                record.received += len(message.get("body", b""))
                if record.received <= largest:
                    return message
            raise TooLarge(
                f"The body is longer than {largest:,} bytes. Send a smaller file.", headers={"Connection": "close"}
            )

        await self._app(scope, receive_counted, send)
