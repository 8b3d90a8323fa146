"""A file as an answer that begins once the file is open."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from fastapi.responses import FileResponse

from app.errors import NotFound

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


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
