"""`python -m app.health [URL]`: whether the service answers, for health checks in an image without curl."""

from __future__ import annotations

import http.client
import sys
from contextlib import closing
from http import HTTPStatus
from urllib.parse import urlsplit

HERE = "http://127.0.0.1:8000/healthz"
PATIENCE = 4.0  # seconds


def answers(url: str) -> bool:
    """Whether a GET of this http:// URL is answered 200 in time."""
    where = urlsplit(url)
    try:
        with closing(http.client.HTTPConnection(where.netloc, timeout=PATIENCE)) as connection:
            connection.request("GET", where.path or "/")
            with connection.getresponse() as response:
                return response.status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


if __name__ == "__main__":
    sys.exit(not answers(sys.argv[1] if len(sys.argv) > 1 else HERE))
