"""A file between an archive and the library that reads it: no read is larger than it may be, whatever a header says."""

from __future__ import annotations

import gzip
import os
from typing import IO

from jobs.datasets.archives.items import ArchiveTooLarge, Bounds, BrokenArchive, too_many, too_much

HEADER_BYTES = 1024 * 1024  # that a member of a tar may have before its content: names and what is said of it
ZIP_ENTRY = b"PK\x01\x02"  # APPNOTE.TXT, 4.3.12: what each entry of a zip's directory begins with
DRAINED = 64 * 1024
ENTRY_BYTES = 512  # of such an entry, on average; names of a hundred letters make it two hundred


class Directory:
    """A zip's file, while its directory is read: that is one read, of a length that the file itself names."""

    def __init__(self, file: IO[bytes], bounds: Bounds) -> None:
        self._file, self._bounds = file, bounds
        self.open = False  # once the directory is known, pieces of files are read

    def read(self, size: int = -1) -> bytes:
        """Read, and count what may be entries, before a library makes objects of them.

        Raises:
            ArchiveTooLarge: there are too many.
        """
        if self.open:
            return self._file.read(size)
        most = self._bounds.members * ENTRY_BYTES + HEADER_BYTES
        data = self._file.read(most + 1 if size < 0 or size > most else size)
        if len(data) > most or data.count(ZIP_ENTRY) > self._bounds.members:
            raise too_many(self._bounds)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go anywhere."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Say where it is."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Be so."""
        return True


class Forward:
    """A tar's file: it is read from its begin to its end, which a hostile header cannot change, and only so far.

    `allowance` is how many bytes may be read until it is set again; `last` is what was read last.
    """

    def __init__(self, file: IO[bytes], bounds: Bounds) -> None:
        self._file, self._bounds = file, bounds
        self._most = bounds.total_bytes + 1024 * bounds.members  # a member has a header of 512 bytes, and is padded
        self.allowance = HEADER_BYTES
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        """Read.

        Raises:
            ArchiveTooLarge: more is to be read than is allowed.
        """
        if size < 0 or size > self.allowance:
            raise ArchiveTooLarge(f"A header of the archive has more than {HEADER_BYTES:,} bytes. Make it anew.")
        self._check(self.tell() + size)
        self.last = self._file.read(size)
        self.allowance -= len(self.last)
        return self.last

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go forward.

        Raises:
            ArchiveTooLarge: too far.
            BrokenArchive: or back.
        """
        if whence != os.SEEK_SET or offset < self.tell():
            raise BrokenArchive("The archive is damaged: a length in it makes no sense. Make it anew.")
        self._check(offset)
        return self._file.seek(offset)

    def tell(self) -> int:
        """Say where it is."""
        return self._file.tell()

    def drain(self) -> None:
        """Read what follows, so that gzip can compare its checksum; bytes behind its end are nobody's.

        Raises:
            ArchiveTooLarge: there is too much.
        """
        try:
            while self._file.read(DRAINED):
                self._check(self.tell())
        except gzip.BadGzipFile as error:
            if not str(error).startswith("Not a gzipped file"):
                raise

    def _check(self, end: int) -> None:
        if end > self._most:
            raise too_much(self._bounds)
