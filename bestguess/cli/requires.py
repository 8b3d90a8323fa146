"""The check that the service's packages are installed, before a command uses them.

`pip install bestguess` installs the command line and the client only; the extras `server`, `cpu` and `gpu` the rest.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bestguess.cli import exit_codes
from bestguess.cli.output import fail

if TYPE_CHECKING:
    from app.settings import Settings

SERVER = (
    "celery",
    "fastapi",
    "filelock",
    "fsspec",
    "h5py",
    "limits",
    "numpy",
    "PIL",
    "pydantic_settings",
    "redis",
    "uvicorn",
)
TENSORFLOW = ("keras", "tensorflow")
TOO_NEW = (3, 14)  # TensorFlow has wheels for the Pythons before it

INSTALL_SERVER = 'pip install "bestguess[server]"'
INSTALL_TENSORFLOW = 'pip install "bestguess[cpu]", or "bestguess[gpu]" on a machine with an NVIDIA GPU'


def has_service() -> bool:
    """Return whether `bestguess up` can run here."""
    return _installed(SERVER) and _installed(TENSORFLOW)


def require_server(command: str) -> None:
    """Return if the service's packages are installed, TensorFlow aside; else say how to install them.

    Raises:
        typer.Exit: a package is missing.
    """
    if not _installed(SERVER):
        _missing(command, "the service", INSTALL_SERVER)
    _ignore_current_folder()


def require_tensorflow(command: str) -> None:
    """Return if the service's packages and TensorFlow are installed, which is not imported; else say how to install it.

    Raises:
        typer.Exit: a package is missing.
    """
    if not _installed(SERVER):
        _missing(command, "the service", INSTALL_TENSORFLOW)
    if not _installed(TENSORFLOW):
        _missing(command, "TensorFlow", INSTALL_TENSORFLOW)
    if _ignore_current_folder():
        os.environ["PYTHONSAFEPATH"] = "1"  # for the processes that the service starts


def read_settings() -> Settings:
    """Read the service's settings from the environment.

    Raises:
        typer.Exit: a setting is invalid.
    """
    from app.settings import SettingsError, load_settings

    try:
        return load_settings()
    except SettingsError as error:
        fail("; ".join(str(error).splitlines()), exit_codes.USAGE)


def _installed(packages: tuple[str, ...]) -> bool:
    return all(find_spec(package) for package in packages)


def _missing(command: str, what: str, install: str) -> None:
    line = f"bestguess {command} needs {what}, which is not installed: {install}."
    if sys.version_info >= TOO_NEW:
        line += " It runs on Python 3.11 to 3.13."
    typer.echo(line, err=True)
    raise typer.Exit(exit_codes.FAILED)


def _ignore_current_folder() -> bool:
    """Stop importing packages of the current folder, such as its own `app`; return False where ours come from it.

    That is so in a checkout.
    """
    try:
        here = str(Path.cwd())
    except FileNotFoundError:  # somebody has removed it
        return True
    if here == str(Path(__file__).parents[2]):
        return False
    sys.path[:] = [folder for folder in sys.path if folder not in {"", here}]
    return True
