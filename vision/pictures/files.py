"""An image as the bytes of a file, or as a URI that contains them."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Literal

from PIL import Image

if TYPE_CHECKING:
    File = Literal["JPEG", "PNG"]

_PNG_URI = "data:image/png;base64,"


def encoded(image: Image.Image, file: File) -> bytes:
    """Write an image as a JPEG of quality 90, or as a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, file, **({"quality": 90} if file == "JPEG" else {}))
    return buffer.getvalue()


def data_uri(image: Image.Image, file: File) -> str:
    """Write an image as a data URI (RFC 2397)."""
    return f"data:image/{file.lower()};base64,{base64.b64encode(encoded(image, file)).decode()}"


def opened(uri: str) -> Image.Image:
    """Read the PNG that a data URI contains.

    Raises:
        ValueError: it is no such URI.
        OSError: it contains no PNG that can be read.
    """
    if not uri.startswith(_PNG_URI):
        raise ValueError(f"{uri[:40]!r} is not a PNG as a data URI")
    image = Image.open(io.BytesIO(base64.b64decode(uri[len(_PNG_URI) :], validate=True)), formats=["PNG"])
    image.load()
    return image
