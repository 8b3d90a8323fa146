"""Files that came one by one, as if they had come out of an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.datasets.archives.items import File, Passed, too_large
from jobs.datasets.archives.names import BadName, clean, passed_over, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from jobs.datasets.archives.items import Bounds, Item


def loose_items(files: Sequence[tuple[str, Path]], bounds: Bounds) -> Iterator[Item]:
    """Read files, each with the name that it is to have.

    Raises:
        OSError: this machine's disk refused.
    """
    for name, path in files:
        if not passed_over(name):
            yield _item(name, path, bounds)


def _item(name: str, path: Path, bounds: Bounds) -> Item:
    try:
        cleaned = clean(name)
    except BadName as error:
        return Passed(shown(name), str(error))
    if path.stat().st_size > bounds.file_bytes:
        return Passed(shown(cleaned), too_large(bounds))
    return File(cleaned, path.read_bytes())
