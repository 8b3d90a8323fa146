"""What people hold in their hands: a client in Python, and the command line. Importing this alone loads nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bestguess.client import AsyncClient, BestGuessError, Client, Retries

__all__ = ["AsyncClient", "BestGuessError", "Client", "Retries"]


def __getattr__(name: str) -> object:
    """Load the client when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("bestguess.client"), name)
