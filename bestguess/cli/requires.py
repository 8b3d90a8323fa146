"""What commands that work on this machine, without a service, have in common: its settings, and a way to give up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import typer

from bestguess.cli import exit_codes
from bestguess.cli.output import say

if TYPE_CHECKING:
    from app.settings import Settings


def read_settings() -> Settings:
    """Read the settings, or end the command where they make no sense."""
    from app.settings import SettingsError, load_settings

    try:
        return load_settings()
    except SettingsError as error:
        fail("; ".join(str(error).splitlines()), exit_codes.USAGE)


def fail(message: str, code: int = exit_codes.FAILED) -> NoReturn:
    """Say in one line why, and end the command."""
    say(" ".join(message.split()))
    raise typer.Exit(code)
