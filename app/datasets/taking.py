"""The files of an intake, each looked at: photographs go into the pack, and of the others it is noted why not."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from jobs.datasets.archives.items import ArchiveTooLarge, File, Folder
from jobs.datasets.archives.names import shown
from jobs.datasets.archives.reading import is_archive
from jobs.datasets.model import Entry, Refused
from vision.errors import ImageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.datasets.looking import Looker
    from app.datasets.threads import Threads
    from jobs.datasets.archives.items import Item
    from jobs.datasets.publishing import Packer, Spot
    from vision.decode.images import Picture


class Seen(NamedTuple):
    """A photograph that was decoded, and is in the pack."""

    path: str
    sha256: str
    spot: Spot
    width: int
    height: int
    format: str

    def entry(self, label: str) -> Entry:
        """Make it the index's, with its class."""
        return Entry(
            path=self.path,
            label=label,
            sha256=self.sha256,
            **self.spot._asdict(),
            width=self.width,
            height=self.height,
            format=self.format,
        )


@dataclass
class Taken:
    """What an intake has found."""

    seen: list[Seen] = field(default_factory=list)
    rejected: list[Refused] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    def refuse(self, path: str, reason: str) -> None:
        """Note a file that is not taken."""
        self.rejected.append(Refused(path=shown(path), reason=reason))


class Room(NamedTuple):
    """For what there is room: so many photographs more, and so many bytes of the whole data set."""

    images: int
    bytes: int


class Taking:
    """Takes the files of one intake, as far as there is room: while one is decoded the next is read."""

    def __init__(self, looker: Looker, threads: Threads, packer: Packer, room: Room) -> None:
        self._looker, self._threads, self._packer, self._room = looker, threads, packer, room
        self._pending: deque[tuple[File, asyncio.Task[Picture]]] = deque()
        self.taken = Taken()

    async def take(self, items: Iterator[Item]) -> Taken:
        """Take all of them.

        Raises:
            ArchiveProblem: the archive cannot be read on, or has more photographs than there is room for.
            OSError: the disk refused.
        """
        try:
            while item := await self._threads.run(next, items, None):
                await self._begin(item)
            while self._pending:
                await self._end()
        finally:
            for _, looking in self._pending:
                if not looking.cancel() and not looking.cancelled():
                    looking.exception()  # seen, though nobody wants it any more
        return self.taken

    async def _begin(self, item: Item) -> None:
        if isinstance(item, Folder):
            self.taken.folders.append(item.path)
        elif not isinstance(item, File):
            self.taken.refuse(item.path, item.reason)
        elif is_archive(item.data):
            self.taken.refuse(item.path, "It is an archive in an archive, which is not opened.")
        else:
            self._pending.append((item, asyncio.create_task(self._looker.look(item.data))))
            if len(self._pending) > self._looker.at_once:
                await self._end()

    async def _end(self) -> None:
        """Wait for the oldest, so that they keep their order."""
        file, looking = self._pending.popleft()
        try:
            picture = await looking
        except ImageProblem as problem:
            self.taken.refuse(file.path, str(problem))
            return
        if len(self.taken.seen) >= self._room.images:
            raise ArchiveTooLarge(f"There are more than {self._room.images:,} photographs. Send fewer.")
        sha256, spot = await self._threads.run(self._packer.add, file.data)
        if self._packer.bytes > self._room.bytes:
            raise ArchiveTooLarge(
                f"The data set would have more than {self._room.bytes:,} bytes. Send fewer, or smaller ones."
            )
        self.taken.seen.append(Seen(file.path, sha256, spot, picture.width, picture.height, picture.format))
