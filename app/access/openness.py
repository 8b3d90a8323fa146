"""Whether the service may start as it is set up: never open to others by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.access import key_file
from app.access.addresses import is_loopback
from app.access.key_file import KeysUnusable

if TYPE_CHECKING:
    from app.access.settings import AccessSettings

MAKE = "bestguess keys create NAME --scope classify --scope train"


def keys_problem(settings: AccessSettings) -> str | None:
    """Say why the service may not start, and the command that changes it; None if it may."""
    try:
        keys = key_file.read(settings.keys_path)
    except FileNotFoundError:
        keys = ()
    except KeysUnusable as error:
        return f"BESTGUESS_KEYS_FILE: {error}"
    if keys or settings.allow_anonymous or is_loopback(settings.reached_at):
        return None
    name = "BESTGUESS_PUBLISHED_HOST" if settings.published_host else "BESTGUESS_HOST"
    return (
        f"{name}={settings.reached_at!r}: others than this machine can call, and there are no keys in "
        f"{settings.keys_path}. Make one with `{MAKE}`, or let everybody in with BESTGUESS_ALLOW_ANONYMOUS=1"
    )
