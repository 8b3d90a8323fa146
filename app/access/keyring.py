"""The keys in memory, as they stand in the file: looked at again when it changes, and never open for its fault."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.access import key_file, tokens
from app.access.key_file import KeysUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from app.access.keys import Key

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # between two looks at the file, so also how long a revoked key may still work

NOBODYS = "0" * 64  # compared with where there is no such key, so that this takes as long

Look = tuple[int, int, int, int]
Compare = Callable[[str, str], bool]  # in a time that does not tell where they differ


class Keyring:
    """The keys that are good now.

    Once there was a file, only its keys are admitted: where it is broken or gone, those that were read last; where it
    never could be read, none. Without a file the service is open.
    """

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.monotonic, compare: Compare = hmac.compare_digest
    ) -> None:
        self.path = path
        self.trouble: str | None = None
        self._clock, self._compare = clock, compare
        self._keys: dict[str, Key] | None = None  # by id; None: there never was a file
        self._seen: Look | None = None
        self._looked = -LOOK_SECONDS

    @property
    def closed(self) -> bool:
        """Whether a key is needed."""
        return self._keys is not None

    def find(self, token: str) -> Key | None:
        """Find a key by itself."""
        key_id = tokens.id_of(token)
        if key_id is None:
            return None
        key = (self._keys or {}).get(key_id)
        same = self._compare(key.sha256 if key else NOBODYS, tokens.digest(token))
        return key if same else None

    def look(self) -> None:
        """Look whether the file has changed, once a second at most."""
        if self._clock() - self._looked < LOOK_SECONDS:
            return
        try:
            self._read_if_changed()
        except FileNotFoundError:
            if self._keys is not None:
                self._fail(f"{self.path} is gone")
        except KeysUnusable as error:
            self._fail(str(error))
        self._looked = self._clock()

    def _read_if_changed(self) -> None:
        seen = self._stat()
        if seen == self._seen:
            return
        keys = key_file.read(self.path)
        self._keys, self._seen, self.trouble = {key.id: key for key in keys}, seen, None
        log.info("keys in %s: %d", self.path, len(keys))

    def _stat(self) -> Look:
        """Tell one file from another, also where a link on the way to it now leads elsewhere."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            raise KeysUnusable(f"{self.path} cannot be read ({getattr(error, 'strerror', None) or error})") from None
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size

    def _fail(self, reason: str) -> None:
        """Go on with the keys that there are. The file is read again each time until it is right."""
        if self._keys is None:
            self._keys = {}
        self._seen = None
        trouble = f"{reason}; what was read before stays in force, {len(self._keys)} keys"
        if trouble != self.trouble:
            log.error("%s", trouble)
        self.trouble = trouble
