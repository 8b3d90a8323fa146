"""Images as arguments: a path, bytes, an open file or a Pillow image, loaded as bytes."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, runtime_checkable

from bestguess.client.errors import InvalidArgument

MOST_BYTES = 256 * 1024 * 1024  # more than any service accepts; without a limit /dev/zero would be read for ever


@runtime_checkable
class Savable(Protocol):
    """A Pillow image. Pillow itself is not imported."""

    def save(self, fp: BinaryIO, format: str) -> object:  # noqa: A002 - Pillow's own names
        """Write the image."""


Image: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Savable


def load(image: Image) -> bytes:
    """Return the bytes of an image.

    Raises:
        InvalidArgument: it is of another type, empty, or far too large.
        OSError: the file cannot be read.
    """
    data = _read(image)
    if not data:
        raise InvalidArgument("The image is empty")
    if len(data) > MOST_BYTES:
        raise InvalidArgument(f"The image is larger than {MOST_BYTES // 1024**2} MiB, which no service accepts")
    return data


def filename(image: Image) -> str:
    """Return the name of an image's file, or an empty string."""
    path = image if isinstance(image, str | os.PathLike) else getattr(image, "name", None)
    return Path(path).name.encode(errors="replace").decode() if isinstance(path, str | os.PathLike) else ""


def load_named(image: Image) -> tuple[str, bytes]:
    """Return a stable name and the bytes of an image. Without a file its name is its SHA-256."""
    data = load(image)
    return filename(image) or hashlib.sha256(data).hexdigest(), data


def _read(image: Image) -> bytes:
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
        raise InvalidArgument(
            f"{type(image).__name__} is not an image: pass a path, bytes, a file opened for bytes, or a Pillow image"
        )
    return data
