"""`bestguess keys`: create, list and revoke the service's API keys."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bestguess.cli import exit_codes
from bestguess.cli.format import make_table
from bestguess.cli.options import examples
from bestguess.cli.output import fail, print_table
from bestguess.cli.requires import read_settings, require_server

if TYPE_CHECKING:
    from pathlib import Path

    from app.access.keys import Key

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)

TITLES = ("NAME", "OWNER", "KEY", "SCOPES", "RATE", "MADE")


class ScopeName(StrEnum):
    """The values of `bestguess.schemas.Scope`, which would load pydantic whenever the command line starts."""

    CLASSIFY = "classify"
    TRAIN = "train"
    ADMIN = "admin"


@app.command(epilog=examples("bestguess keys create anna --scope classify --scope train --rate 60/minute"))
def create(
    name: Annotated[str, typer.Argument(help="Its name in lists and logs: a-z, 0-9, '.', '_' and '-'.")],
    scope: Annotated[list[ScopeName], typer.Option(help="What it allows; repeatable.", show_default=False)],
    rate: Annotated[str | None, typer.Option(help="Its rate limit, such as 60/minute.")] = None,
    owner: Annotated[
        str | None,
        typer.Option(help="The owner of its jobs and models, for keys that share them.  (default: the name)"),
    ] = None,
) -> None:
    """Create a key and print it, once: only its hash is kept. A running service accepts it within a second."""
    require_server("keys create")
    from app.access.keys import KeysUnusable, change_keys, new_token

    path, token = read_settings().keys_path, new_token()
    key = _make_key(token, name, owner or name, scope, rate)
    try:
        with change_keys(path) as keys:
            if any(one.name == name for one in keys):
                fail(f"There is a key {name} already. Revoke it first, or give this one another name.")
            keys.append(key)
    except KeysUnusable as error:
        fail(str(error))
    typer.echo(
        f"{path} has the hash of the key {name}. The key is shown once; send it as Authorization: Bearer", err=True
    )
    typer.echo(token)


@app.command("list", epilog=examples("bestguess keys list"))
def list_keys() -> None:
    """List the keys, without their secret part."""
    require_server("keys list")
    keys = _read(read_settings().keys_path)
    if keys:
        print_table(make_table(TITLES, map(_row, keys)))
    else:
        typer.echo("There are no keys.", err=True)


@app.command(epilog=examples("bestguess keys revoke anna"))
def revoke(name: Annotated[str, typer.Argument(help="The key's name.")]) -> None:
    """Revoke a key; a running service refuses it within a second. Its jobs and models stay with their owner."""
    require_server("keys revoke")
    from app.access.keys import KeysUnusable, change_keys

    path = read_settings().keys_path
    if not any(key.name == name for key in _read(path)):
        fail(f"There is no key {name} in {path}.")
    try:
        with change_keys(path) as keys:
            keys[:] = [key for key in keys if key.name != name]
    except KeysUnusable as error:
        fail(str(error))
    typer.echo(f"{name} is revoked.", err=True)
    if not keys:
        typer.echo(
            f"That was the last one: nobody has a key now. To work without keys, remove {path} and restart.", err=True
        )


def _make_key(token: str, name: str, owner: str, scopes: list[ScopeName], rate: str | None) -> Key:
    """Return the record of a new key.

    Raises:
        typer.Exit: the name, the owner or the rate is invalid.
    """
    from pydantic import ValidationError

    from app.access.keys import Key, digest, token_id
    from bestguess.schemas import Scope

    try:
        return Key(
            name=name,
            owner=owner,
            id=token_id(token) or "",
            sha256=digest(token),
            scopes=tuple(Scope(scope) for scope in sorted(set(scopes))),
            rate=rate,
            created_at=datetime.now(UTC).replace(microsecond=0),
        )
    except ValidationError as error:
        first = error.errors()[0]
        reason = "use 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit"
        if first["loc"] == ("rate",):
            reason = first["msg"].removeprefix("Value error, ")
        fail(f"{first['loc'][0]} {first['input']!r}: {reason}.", exit_codes.USAGE)


def _row(key: Key) -> tuple[str, ...]:
    made = key.created_at.strftime("%Y-%m-%d %H:%M")
    return key.name, key.owner, f"bg_{key.id}_...", " ".join(key.scopes), str(key.rate or "unlimited"), made


def _read(path: Path) -> tuple[Key, ...]:
    """Return the keys in a file; none if the file does not exist.

    Raises:
        typer.Exit: the file cannot be read.
    """
    from app.access.keys import KeysUnusable, read_keys

    try:
        return read_keys(path)
    except FileNotFoundError:
        return ()
    except KeysUnusable as error:
        fail(str(error))
