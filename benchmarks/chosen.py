"""The settings that a benchmark measures with."""

from __future__ import annotations

from app.settings import Settings, SettingsError, load_settings
from benchmarks.problems import Refused


def settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        Refused: a variable has a value that cannot be used.
    """
    try:
        return load_settings()
    except SettingsError as error:
        raise Refused("; ".join(str(error).splitlines())) from None
