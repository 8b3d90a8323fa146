"""What a key looks like, and what is kept of it.

A key is 256 random bits, so nobody can try all that there are, and its plain SHA-256 is safe to keep: the slow hashes
that passwords need protect what people can think of. The eight digits in front only say which hash to compare with.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256

TOKEN = re.compile(r"bg_(?P<id>[0-9a-f]{8})_[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """Make a key."""
    return f"bg_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"


def id_of(token: str) -> str | None:
    """Tell the part of a key that may be shown; None if it is no key."""
    match = TOKEN.fullmatch(token)
    return match["id"] if match else None


def digest(token: str) -> str:
    """Make what is kept of a key."""
    return sha256(token.encode()).hexdigest()


def masked(text: str) -> str:
    """Write a text without the keys in it."""
    return TOKEN.sub(r"bg_\g<id>_...", text)
