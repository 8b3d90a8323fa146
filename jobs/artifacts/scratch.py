"""A folder on this machine for what is on its way into a store: swept, where who made it was killed."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from jobs.artifacts import disk
from jobs.artifacts.errors import on_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def scratch(root: Path, name: str) -> Iterator[Path]:
    """Make a folder below `root` for a block; at its end it goes, with what is left in it.

    Raises:
        ArtifactsUnavailable: the disk refused it. What is written in the block is the writer's own care.
    """
    with ExitStack() as stack:
        with on_disk(root):
            folder = stack.enter_context(disk.beside(root, name))
        yield folder
