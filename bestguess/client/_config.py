"""Where a service is and who asks: the URL and the key, from arguments or the environment, as httpx wants them."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, Any

import httpx

from bestguess.client.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

CONNECT_SECONDS = 5.0


class Bearer(httpx.Auth):
    """Sends a key, and shows it to nobody else: it is in no header of the client, no repr and no error."""

    def __init__(self, key: str) -> None:
        self._header = f"Bearer {key}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the key to one request; redirects are not followed, so it goes nowhere else."""
        request.headers["Authorization"] = self._header
        yield request


def default_url(environment: Mapping[str, str]) -> str:
    """Say where a service is if nobody says otherwise: BESTGUESS_URL, or this machine."""
    return environment.get("BESTGUESS_URL") or f"http://127.0.0.1:{environment.get('BESTGUESS_PORT') or 8000}"


def checked_url(url: str | None) -> httpx.URL:
    """Read the URL of a service; without one, the environment's.

    Raises:
        InvalidArgument: it is none.
    """
    text = (default_url(os.environ) if url is None else url).strip()
    try:
        read = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        read = httpx.URL("")
    if read.scheme not in {"http", "https"} or not read.host:
        raise InvalidArgument("The service's URL is to look like http://127.0.0.1:8000 (--url, url= or BESTGUESS_URL)")
    return read


def checked_key(key: str | None) -> Bearer | None:
    """Take a key; without one, the environment's, if there is one.

    Raises:
        InvalidArgument: it cannot be sent. The message does not repeat it.
    """
    found = (os.environ.get("BESTGUESS_API_KEY", "") if key is None else key).strip()
    if not found:
        return None
    if not (found.isascii() and found.isprintable()):
        raise InvalidArgument("The API key has characters that no header can have")
    return Bearer(found)


def http_options(url: httpx.URL, api_key: str | None, timeout: float) -> dict[str, Any]:
    """Say how to make the httpx client. A service on this very machine is never asked for through a proxy."""
    return {
        "base_url": url,
        "auth": checked_key(api_key),
        "timeout": httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
        "follow_redirects": False,
        "trust_env": not _on_this_machine(url.host),
        "headers": {"User-Agent": "bestguess"},
    }


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
