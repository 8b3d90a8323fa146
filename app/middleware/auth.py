"""Authentication and rate limit, before the body is read or a route is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import Request

from app.errors import OutOfScope, Problem, render
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
        if scope["type"] == "http" and scope["path"] not in self._open and not scope["path"].startswith(OPEN_BELOW):
            try:
                await self._admit(scope)
            except Problem as problem:
                answer = await render(Request(scope), problem)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _admit(self, scope: AsgiScope) -> None:
        client, state = scope.get("client"), scope["state"]
        caller = self._authenticator.authenticate(Headers(scope=scope), client[0] if client else None)
        if caller.rate:
            state["record"].headers.update(await self._authenticator.count(caller.counted_as, caller.rate))
        if scope["path"] == METRICS and not caller.may(Scope.ADMIN):
            raise OutOfScope([Scope.ADMIN])
        state["caller"], state["key_name"] = caller, caller.name
