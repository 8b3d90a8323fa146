"""Health check for images without curl: `python -m app.health [URL]` exits with 0 if the service answers 200."""

from __future__ import annotations

import http.client
import sys
from contextlib import closing
from http import HTTPStatus
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:8000/healthz"
TIMEOUT = 4.0  # seconds


def is_healthy(url: str) -> bool:
    """Return whether a GET of this http:// URL is answered with 200 in time."""
    parts = urlsplit(url)
    try:
        with closing(http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)) as connection:
            connection.request("GET", parts.path or "/")
            with connection.getresponse() as response:
                return response.status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


if __name__ == "__main__":
    sys.exit(not is_healthy(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_URL))
