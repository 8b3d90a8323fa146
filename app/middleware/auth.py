"""The door: who calls is known, and counted, before the body is read or a route is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request

from app.errors import OutOfScope, Problem, render
from bestguess.schemas.service import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Send
    from starlette.types import Scope as AsgiScope

    from app.access.auth import Authenticator, Principal

# Everything else needs a caller who is let in, so that a route which somebody adds is closed until they say otherwise.
OPEN = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/docs"})
OPEN_BELOW = ("/docs/", "/page/")
METRICS = "/metrics"


class AuthMiddleware:
    """Put the caller into the request's state, or refuse; and say in the answer how many more calls there may be."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app, self._authenticator = app, authenticator

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Hand the request on with its caller."""
        if scope["type"] != "http" or self._is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            caller, headers = await self._admit(scope)
        except Problem as problem:
            answer = await render(Request(scope), problem)
            await answer(scope, receive, send)
            return
        scope.setdefault("state", {}).update(caller=caller, key_name=caller.name)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, send_with_headers if headers else send)

    async def _admit(self, scope: AsgiScope) -> tuple[Principal, Mapping[str, str]]:
        client = scope.get("client")
        caller = self._authenticator.authenticate(Headers(scope=scope), client[0] if client else None)
        headers = await self._authenticator.count(caller.counted_as, caller.rate) if caller.rate else {}
        if scope["path"] == METRICS and not caller.may(Scope.ADMIN):
            raise OutOfScope([Scope.ADMIN])
        return caller, headers

    def _is_open(self, path: str) -> bool:
        return path in OPEN or path.startswith(OPEN_BELOW) or (path == METRICS and self._authenticator.metrics_open)
