"""Where artifacts may be kept: a folder, or a URL for fsspec, as an operator writes it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

_EXAMPLE = "Write a folder, or a URL such as s3://bucket/prefix"
_LOCAL = ("file", "local")
# fsspec knows them, but other processes would not see what one writes, or nobody may write.
_UNSHARED = ("memory", "data", "http", "https", "generic", "reference")


def local_folder(url: str) -> Path | None:
    """Return the folder that a URL or a plain path names; None where it names another place."""
    protocol, mark, rest = url.partition("://")
    if not mark:
        return Path(url)
    return Path(rest) if protocol in _LOCAL else None


def check(url: str) -> str:
    """Return a URL or a path under which artifacts can be kept; nothing is asked over the network.

    Raises:
        ValueError: it is none, or the library for it is not installed; the message says what to write.
    """
    protocol, mark, rest = url.partition("://")
    if not mark and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url):
        raise ValueError(f"it is neither a folder nor a URL. {_EXAMPLE}")
    if mark and "@" in protocol:  # it may be a password, and is not to be repeated
        raise ValueError(f"it begins with no protocol. {_EXAMPLE}")
    if mark and not rest.strip("/"):
        raise ValueError(f"it names no place after ://. {_EXAMPLE}")
    if local_folder(url) is None:
        _check_protocol(protocol)
    return url


def _check_protocol(protocol: str) -> None:
    from fsspec.registry import known_implementations  # type: ignore[import-untyped] # noqa: PLC0415 - only for URLs

    if protocol not in known_implementations:
        raise ValueError(f"fsspec knows no {protocol!r}. {_EXAMPLE}")
    if protocol in _UNSHARED:
        raise ValueError(f"what lies under {protocol}:// cannot be written and shared. {_EXAMPLE}")
    package = known_implementations[protocol]["class"].partition(".")[0]
    if importlib.util.find_spec(package) is None:
        raise ValueError(f"it needs a library: {known_implementations[protocol].get('err', package)}")
