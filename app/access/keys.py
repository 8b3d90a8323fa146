"""API keys: what a key looks like, the file that holds their hashes, and the keys in memory.

A key is 256 random bits, so nobody can try all that there are, and its plain SHA-256 is safe to keep: the slow hashes
that passwords need protect what people can think of. The eight digits in front only say which hash to compare with.
"""

from __future__ import annotations

import hmac
import logging
import os
import secrets
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Literal, Self

from filelock import FileLock, Timeout
from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError, model_validator

from app.settings import Rate
from bestguess.schemas.base import Frozen
from bestguess.schemas.service import Scope  # noqa: TC001 - pydantic reads the annotations
from jobs.owners import OWNER
from jobs.telemetry.masking import API_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


log = logging.getLogger(__name__)

MOST_BYTES = 4 * 1024 * 1024  # of the file: ten thousand keys
LOCK_SECONDS = 10.0
REFRESH_SECONDS = 1.0  # between two looks at the file, so also how long a revoked key may still work
NO_HASH = "0" * 64  # compared where there is no such key, so that this takes as long

Compare = Callable[[str, str], bool]  # in a time that does not tell where they differ
Name = Annotated[str, Field(pattern=rf"^(?:{OWNER.pattern})$")]


def new_token() -> str:
    """Make a key."""
    return f"bg_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"


def token_id(token: str) -> str | None:
    """Return the part of a key that may be shown; None if it is no key."""
    match = API_KEY.fullmatch(token)
    return match["id"] if match else None


def digest(token: str) -> str:
    """Return the hash of a key, which is kept."""
    return sha256(token.encode()).hexdigest()


def _rate(rate: object) -> Rate | None:
    if isinstance(rate, str):
        return Rate.parse(rate)
    if rate is None or isinstance(rate, Rate):
        return rate
    raise ValueError("a rate is text, such as 60/minute")


class Key(Frozen, extra="allow"):
    """What is kept of a key: its `owner` owns the jobs and models that it makes, and has the key's name by default.

    Unknown fields, which a later version may have written, are kept when the file is written again.
    """

    name: Name
    owner: Name
    id: str = Field(pattern=r"^[0-9a-f]{8}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    scopes: tuple[Scope, ...] = Field(min_length=1)
    rate: Annotated[Rate, BeforeValidator(_rate), PlainSerializer(str)] | None = None
    created_at: datetime


class Keys(Frozen):
    """The whole file."""

    version: Literal[1] = 1
    keys: tuple[Key, ...] = ()

    @model_validator(mode="after")
    def _have_different_names(self) -> Self:
        for what in ("name", "id"):
            if len({getattr(key, what) for key in self.keys}) < len(self.keys):
                raise ValueError(f"two keys have the same {what}")
        return self


class KeysUnusable(Exception):
    """The file is there, but not what it should be, or cannot be read or written; never repeats what is in it."""


def read_keys(path: Path) -> tuple[Key, ...]:
    """Read the keys.

    Raises:
        FileNotFoundError: there is no file.
        KeysUnusable: it cannot be read, or is something else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise KeysUnusable(f"{path} cannot be read ({_why(error)})") from None
    if len(content) > MOST_BYTES:
        raise KeysUnusable(f"{path} is longer than {MOST_BYTES:,} bytes")
    try:
        return Keys.model_validate_json(content).keys
    except ValidationError as error:
        raise KeysUnusable(f"{path} is no file of keys ({_first(error)})") from None


@contextmanager
def change_keys(path: Path) -> Iterator[list[Key]]:
    """Lock the file and yield its keys as a list; write the list to the file if the block has changed it.

    Raises:
        KeysUnusable: the file cannot be read or written, or another holds it for ten seconds.
    """
    try:
        place = path.resolve()  # a link stays one
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_name(place.name + ".lock"), timeout=LOCK_SECONDS, mode=0o600):
            keys = list(read_keys(place)) if place.exists() else []
            before = tuple(keys)
            yield keys
            if tuple(keys) != before:
                _write(place, Keys(keys=tuple(keys)).model_dump_json(indent=1) + "\n")
    except Timeout:
        raise KeysUnusable(f"{path} is being changed by another; try again") from None
    except ValidationError as error:
        raise KeysUnusable(f"{path} stays as it is: {_first(error)}") from None
    except (OSError, ValueError) as error:
        raise KeysUnusable(f"{path} cannot be written ({_why(error)})") from None


def _write(path: Path, text: str) -> None:
    """Replace the file atomically: who reads meanwhile has the old keys or the new ones."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes no descriptor
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _first(error: ValidationError) -> str:
    """Return what is wrong, and where; not the value, which may be a secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "its path cannot be used"


class Keyring:
    """The valid keys, read again when their file changes.

    Once there was a file, only its keys are valid: where it is broken or gone, those that were read last; where it
    never could be read, none. Without a file the service is open.
    """

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.monotonic, compare: Compare = hmac.compare_digest
    ) -> None:
        self.path = path
        self.trouble: str | None = None
        self.closed = False  # whether a key is needed
        self._clock, self._compare = clock, compare
        self._keys: dict[str, Key] = {}  # by id
        self._stat: tuple[int, ...] | None = None  # of the file that was read last
        self._refreshed = -REFRESH_SECONDS

    def find(self, token: str) -> Key | None:
        """Return what is kept of a key; None if it is not valid."""
        match = API_KEY.fullmatch(token)
        if match is None:
            return None
        key = self._keys.get(match["id"])
        same = self._compare(key.sha256 if key else NO_HASH, digest(token))
        return key if same else None

    def refresh(self) -> None:
        """Read the file if it has changed; looks at it once a second at most."""
        if self._clock() - self._refreshed < REFRESH_SECONDS:
            return
        try:
            self._read_if_changed()
        except FileNotFoundError:
            if self.closed:
                self._fail(f"{self.path} is gone")
        except KeysUnusable as error:
            self._fail(str(error))
        self._refreshed = self._clock()

    def _read_if_changed(self) -> None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            raise KeysUnusable(f"{self.path} cannot be read ({getattr(error, 'strerror', None) or error})") from None
        # tells one file from another, also where a link on the way to it now leads elsewhere
        stat = found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
        if stat == self._stat:
            return
        keys = read_keys(self.path)
        self._keys, self._stat, self.trouble = {key.id: key for key in keys}, stat, None
        self.closed = True
        log.info("keys in %s: %d", self.path, len(keys))

    def _fail(self, reason: str) -> None:
        """Keep the keys that there are. The file is read again each time until it is right."""
        self.closed, self._stat = True, None
        trouble = f"{reason}; what was read before stays in force, {len(self._keys)} keys"
        if trouble != self.trouble:
            log.error("%s", trouble)
        self.trouble = trouble
