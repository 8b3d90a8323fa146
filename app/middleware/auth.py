"""Authentication and rate limit, before the body is read or a route is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import Request

from app.errors import Problem, render
from bestguess.schemas.service import Scope

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as AsgiScope

    from app.access.auth import Authenticator

# All other paths need a caller who is let in, so that a route which somebody adds is closed until they say otherwise.
OPEN = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/docs"})
OPEN_BELOW = ("/docs/", "/page/")
METRICS = "/metrics"


class AuthMiddleware:
    """Put the caller into the request's state, or refuse; and say in the answer how many more calls are allowed."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app, self._authenticator = app, authenticator
        self._open = OPEN | {METRICS} if authenticator.metrics_open else OPEN

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Hand the request on with its caller."""
        if scope["type"] != "http" or scope["path"] in self._open or scope["path"].startswith(OPEN_BELOW):
            await self._app(scope, receive, send)
            return
        client, state = scope.get("client"), scope["state"]
        try:
            caller = self._authenticator.authenticate(Headers(scope=scope), client[0] if client else None)
            if caller.rate:
                state["record"].headers.update(await self._authenticator.count(caller.counted_as, caller.rate))
            if scope["path"] == METRICS:
                caller.require(Scope.ADMIN)
        except Problem as problem:
            answer = await render(Request(scope), problem)
            await answer(scope, receive, send)
            return
        state["caller"], state["key_name"] = caller, caller.name
        await self._app(scope, receive, send)
