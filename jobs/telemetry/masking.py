"""Secrets that must not stand in a log: passwords in URLs, keys in headers, and API keys anywhere."""

from __future__ import annotations

import re

HIDDEN = "..."
API_KEY = re.compile(r"bg_(?P<id>[0-9a-f]{8})_[A-Za-z0-9_-]{43}")  # its id may be shown
# What our own messages have in a password's place, in a URL with nothing else before its host.
PLACEHOLDER = r"(?:\[user:password@\]|:password@)host\b[^\s\"'<>@]*(?![^\s\"'<>])"
MASKS = (
    # Up to the last @ before the next space or quote, for a password may have been written without %XX.
    (re.compile(rf"(\b[a-z][a-z0-9+.-]{{0,20}}://)(?!{PLACEHOLDER})[^\s\"'<>]*@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (
        re.compile(r"([?&](?:password|token|secret|api[_-]?key|signature)=)[^&\s\"'<>]+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(Bearer|Basic|X-API-Key:?)(\s+)[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (API_KEY, rf"bg_\g<id>_{HIDDEN}"),
)


def masked(text: str) -> str:
    """Return a text without its secrets; JSON stays JSON."""
    for pattern, replacement in MASKS:
        text = pattern.sub(replacement, text)
    return text
