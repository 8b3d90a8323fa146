"""Python client and command line of Best Guess. The client is loaded when a name is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bestguess.client import AsyncClient, BestGuessError, Client, Retries

__all__ = ["AsyncClient", "BestGuessError", "Client", "Retries"]


def __getattr__(name: str) -> object:
    """Load the client when one of its names is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("bestguess.client"), name)
