"""A data set as a training reads it: classes, and photographs whose bytes are read one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photograph: its path in what was sent, its class by its place among the classes, and its content's SHA-256.

    The content was decoded once, within every limit, before it was taken; two photographs may have the same.
    """

    path: str
    label: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Photographs:
    """All photographs of a data set on this machine; `read(index)` gives the bytes of one, as they were sent.

    `sha256` is that of the whole content: classes, and the photographs of each, whatever their paths and their order.
    """

    id: str
    name: str
    sha256: str
    classes: tuple[str, ...]
    photographs: tuple[Photograph, ...]
    read: Callable[[int], bytes]
