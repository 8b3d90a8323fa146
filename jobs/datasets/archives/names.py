"""Names in archives: in any script, brought to one form; those that lead elsewhere or hide something are refused."""

from __future__ import annotations

import re
import unicodedata

MOST_PATH, MOST_SHOWN = 1000, 200  # characters
PASSED_OVER = frozenset(
    {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
)  # what systems leave in every folder
_DRIVE = re.compile(r"[A-Za-z]:")
# These turn the rest of a line around (UAX #9, 2.1 to 2.4); plain marks, and what joins emoji, are part of writing.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of characters, ends of lines


class BadName(ValueError):
    """A name that cannot be used; the message says why."""


def clean(raw: str) -> str:
    r"""Return a path in NFC with `/` between its parts, and without what means nothing, such as spaces around these.

    Raises:
        BadName: it leads out of the archive, is too long or empty, or has characters that nobody sees.
    """
    text = unicodedata.normalize("NFC", raw).replace("\\", "/")
    parts = [part.strip() for part in text.split("/") if part not in {"", "."}]
    if text.startswith("/") or _DRIVE.match(text) or ".." in parts:
        raise BadName("Its path leads out of the archive.")
    if any(hides(part) for part in parts):
        raise BadName("Its name has characters that cannot be seen.")
    if len(text) > MOST_PATH:
        raise BadName(f"Its path has more than {MOST_PATH:,} characters.")
    if not parts or not all(parts):
        raise BadName("It has no name.")
    return "/".join(parts)


def hides(text: str) -> bool:
    """Say whether a text has control characters, or such as turn what follows around."""
    return any(unicodedata.category(one) in _UNSEEN or one in _TURNING for one in text)


def passed_over(raw: str) -> bool:
    """Say whether a system has left this file, or hides it, so that nobody means to send it; or it is the top."""
    parts = raw.replace("\\", "/").split("/")
    return any(_is_left(part) for part in parts) or (parts[0] == "." and not any(part.strip(".") for part in parts))


def shown(raw: str) -> str:
    """Return a name as people may see it: what cannot be seen is written out, and a long one is cut."""
    seen = "".join(one.encode("unicode_escape").decode() if hides(one) else one for one in raw[: MOST_SHOWN + 1])
    return seen if len(seen) <= MOST_SHOWN else f"{seen[:MOST_SHOWN]}..."


def _is_left(part: str) -> bool:
    return part.casefold() in PASSED_OVER or (part.startswith(".") and part not in {".", ".."})
