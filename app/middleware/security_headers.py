"""Headers that tell browsers what an answer may do: next to nothing, except for the page and for Swagger UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "serial", "usb")
    ),  # `capture` on a form hands over to the camera's own program, which needs no permission
}


def policy(**sources: str) -> Mapping[str, str]:
    """Return the headers with a Content-Security-Policy that allows these sources and nothing else."""
    closed = {"default_src": "'none'", "base_uri": "'none'", "form_action": "'none'", "frame_ancestors": "'none'"}
    rules = "; ".join(f"{name.replace('_', '-')} {value}" for name, value in (closed | sources).items())
    return ALWAYS | {"Content-Security-Policy": rules}


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
BY_PLACE = {"/": PAGE, "/page/": PAGE, "/docs": DOCS, "/docs/": DOCS}  # by the path's start; elsewhere PICTURE or DATA
