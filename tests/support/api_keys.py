"""API keys for tests, stored as `bestguess keys create` stores them."""

from datetime import UTC, datetime
from pathlib import Path

from app.access.keys import Key, change_keys, digest, new_token, token_id
from app.settings import Settings
from bestguess.schemas.service import Scope

Headers = dict[str, dict[str, str]]  # by a key's name, the headers that send it


def key(token: str, name: str, *scopes: str, rate: str | None = None, owner: str | None = None) -> Key:
    """Make what is kept of a key."""
    return Key(
        name=name,
        owner=owner or name,
        id=token_id(token) or "",
        sha256=digest(token),
        scopes=tuple(map(Scope, scopes)),
        rate=rate,
        created_at=datetime.now(UTC),
    )


def add_key(path: Path, name: str, *scopes: str, rate: str | None = None, owner: str | None = None) -> dict[str, str]:
    """Put a new key into the file, and return the header that sends it."""
    token = new_token()
    with change_keys(path) as keys:
        keys.append(key(token, name, *scopes, rate=rate, owner=owner))
    return bearer(token)


def bearer(token: str) -> dict[str, str]:
    """Write the header that sends a key."""
    return {"Authorization": f"Bearer {token}"}


def closed(folder: Path, *names: str, **settings: object) -> tuple[Settings, Headers]:
    """Set a service up with keys: `ann-train` is named ann and has the scope train; `ops-admin` and so on."""
    made = Settings.model_validate({"data_dir": folder, "decode_processes": 1} | settings)
    headers = {}
    for one in names:
        name, *scopes = one.split("-")
        headers[name] = add_key(made.keys_path, name, *scopes)
    return made, headers
