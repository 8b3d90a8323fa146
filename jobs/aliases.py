"""Which names may stand for a model: those that are no other name here, and `latest` and `best`, which nobody sets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jobs.errors import InvalidAlias
from jobs.ids import JOB_ID

if TYPE_CHECKING:
    from collections.abc import Collection

LATEST, BEST = "latest", "best"
OURS = {
    LATEST: "it always names the newest model",
    BEST: "it always names the model with the best test accuracy",
    "aliases": "that is where aliases are set",
}
MOST_ALIASES = 100  # they are for people; and what they name is kept for ever
_ALIAS = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def check(name: str, reserved: Collection[str] = ()) -> str:
    """Return a name that may be set; `reserved` are those of other models.

    Raises:
        InvalidAlias: it may not.
    """
    check_not_ours(name)
    if not _ALIAS.fullmatch(name):
        raise InvalidAlias(name, "use 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit")
    if JOB_ID.fullmatch(name):
        raise InvalidAlias(name, "it has the form of a model's id")
    if name in reserved:
        raise InvalidAlias(name, "another model has that name")
    return name


def check_not_ours(name: str) -> str:
    """Return a name that is none of those that go by themselves.

    Raises:
        InvalidAlias: it is.
    """
    if name in OURS:
        raise InvalidAlias(name, OURS[name])
    return name
