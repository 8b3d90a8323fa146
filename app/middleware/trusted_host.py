"""A check of the header Host against DNS rebinding, and of Origin against cross-site request forgery.

Any page can let its own name lead to this machine (DNS rebinding) and then read what the service answers: its name
stands in Host. And any page can send a form here, whatever the name: Origin says from where.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request

from app.access.addresses import is_literal
from app.errors import ForeignOrigin, Problem, WrongHost, render

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
PROBES = frozenset({"/healthz", "/readyz"})  # asked of a machine, by whatever name
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class TrustedHostMiddleware:
    """Refuse other names than `names`, which may begin with `*.`, and changes from other pages than `origins`.

    An IP address is always accepted: no DNS makes it lead elsewhere. `*` accepts all.
    """

    def __init__(self, app: ASGIApp, names: Collection[str], origins: Collection[str]) -> None:
        self._app = app
        self._names = {name.lower() for name in names} | {"localhost"}
        self._endings = (".localhost", *(name[1:] for name in self._names if name.startswith("*.")))
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        hosts = headers.getlist("Host")
        match = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        name = match["name"].lower().removesuffix(".") if match else None
        problem: Problem | None = None
        if name is None or not (
            "*" in self._names or name in self._names or name.endswith(self._endings) or is_literal(name)
        ):
            problem = WrongHost(", ".join(hosts))
        elif scope["method"] not in SAFE and "*" not in self._origins:
            for origin in headers.getlist("Origin"):
                if origin not in self._origins and _netloc(origin) != hosts[0].lower():
                    problem = ForeignOrigin()
        if problem:
            answer = await render(Request(scope), problem)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
