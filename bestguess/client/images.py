"""What may be handed over as an image, and its bytes."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, runtime_checkable

from bestguess.client.errors import InvalidArgument

MOST_BYTES = 256 * 1024 * 1024  # more than any service takes; /dev/zero would be read for ever otherwise


@runtime_checkable
class Savable(Protocol):
    """A picture of Pillow's, which is never imported for it."""

    def save(self, fp: BinaryIO, format: str) -> object:  # noqa: A002 - Pillow's own names
        """Write the picture."""


Image: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Savable


def load(image: Image) -> bytes:
    """Take the bytes of an image: a path, the bytes themselves, an open binary file, or a picture of Pillow's.

    Raises:
        InvalidArgument: it is none of these, empty, or far too large.
        OSError: the file cannot be read.
    """
    data = _bytes(image)
    if not data:
        raise InvalidArgument("The image is empty: there is nothing to send")
    if len(data) > MOST_BYTES:
        raise InvalidArgument(f"The image has more than {MOST_BYTES // 1024**2} MiB, which no service takes")
    return data


def title(image: Image) -> str:
    """Name an image among several: its file's name, or nothing."""
    path = image if isinstance(image, str | os.PathLike) else getattr(image, "name", None)
    return Path(path).name.encode(errors="replace").decode() if isinstance(path, str | os.PathLike) else ""


def named(image: Image) -> tuple[str, bytes]:
    """Take an image with a name by which it is known again: its file's, or one of its content."""
    data = load(image)
    return title(image) or hashlib.sha256(data).hexdigest(), data


def _bytes(image: Image) -> bytes:
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | os.PathLike):
        with Path(image).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    if isinstance(image, Savable):
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue()
    read = getattr(image, "read", None)
    data = read(MOST_BYTES + 1) if callable(read) else None
    if not isinstance(data, bytes):
        raise InvalidArgument(f"{type(image).__name__} is no path, no bytes, no file open for bytes, and no picture")
    return data
