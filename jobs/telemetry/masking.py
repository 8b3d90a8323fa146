"""What must not stand in a log, whoever wrote the line: passwords in URLs, and keys in headers."""

from __future__ import annotations

import re

HIDDEN = "..."
# Up to the last @ before the next space or quote, for a password may have been written without %XX.
_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s\"'<>]*@", re.IGNORECASE)
_QUERY = re.compile(r"([?&](?:password|token|secret|api[_-]?key|signature)=)[^&\s\"'<>]+", re.IGNORECASE)
_HEADER = re.compile(r"\b(Bearer|Basic|X-API-Key:?)(\s+)[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE)


def masked(text: str) -> str:
    """Hide what a text has of secrets; JSON stays JSON."""
    if "://" in text:
        text = _URL.sub(rf"\1{HIDDEN}@", text)
        text = _QUERY.sub(rf"\1{HIDDEN}", text)
    return _HEADER.sub(rf"\1\2{HIDDEN}", text)
