"""Headers that tell browsers what an answer of ours may do: next to nothing, but for the page and for Swagger UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "serial", "usb")
    ),  # `capture` on a form hands over to the camera's own program, which needs no permission of ours
}


def policy(**sources: str) -> str:
    """Write a Content-Security-Policy that allows these and nothing else."""
    closed = {"default_src": "'none'", "base_uri": "'none'", "form_action": "'none'", "frame_ancestors": "'none'"}
    return "; ".join(f"{name.replace('_', '-')} {value}" for name, value in (closed | sources).items())


PAGE = policy(
    script_src="'self'",
    style_src="'self'",
    img_src="'self' blob: data:",  # a photo before it is sent; what a network saw
    connect_src="'self'",
    require_trusted_types_for="'script'",
    trusted_types="'none'",
)
DOCS = policy(
    script_src="'self'",
    style_src="'self' 'unsafe-inline'",  # Swagger UI sets `style` attributes
    img_src="'self' blob: data:",  # its icons, and pictures as answers
    connect_src="'self'",
)
# A picture that is opened by itself is a document: no script runs in it, and it belongs to no origin.
PICTURE = policy(img_src="data:", sandbox="")
DATA = policy()


def headers_for(path: str, media_type: str = "") -> Mapping[str, str]:
    """Choose the headers of an answer."""
    if path == "/" or path.startswith("/page/"):
        chosen = PAGE
    elif path == "/docs" or path.startswith("/docs/"):
        chosen = DOCS
    else:
        chosen = PICTURE if media_type.startswith("image/") else DATA
    return ALWAYS | {"Content-Security-Policy": chosen}


class SecurityHeaders:
    """Put the headers into every answer that does not have its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in headers_for(scope["path"], headers.get("Content-Type", "")).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
