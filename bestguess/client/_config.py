"""Connection settings: the service's URL and the API key, from arguments or the environment, as httpx takes them."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, Any

import httpx

from bestguess.client.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

CONNECT_TIMEOUT = 5.0  # seconds


class BearerAuth(httpx.Auth):
    """Bearer authentication that keeps the key out of the client's headers, of every repr and of every error."""

    def __init__(self, key: str) -> None:
        self._header = f"Bearer {key}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the key to one request. Redirects are not followed, so no other host gets it."""
        request.headers["Authorization"] = self._header
        yield request


def default_url(environment: Mapping[str, str]) -> str:
    """Return the URL that is used without an argument: BESTGUESS_URL, or this machine."""
    return environment.get("BESTGUESS_URL") or f"http://127.0.0.1:{environment.get('BESTGUESS_PORT') or 8000}"


def service_url(url: str | None) -> httpx.URL:
    """Parse the service's URL; None means the environment's.

    Raises:
        InvalidArgument: it is not an HTTP URL with a host.
    """
    text = (default_url(os.environ) if url is None else url).strip()
    try:
        parsed = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        parsed = httpx.URL("")
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise InvalidArgument("The service's URL must look like http://127.0.0.1:8000 (--url, url= or BESTGUESS_URL)")
    return parsed


def without_secrets(url: httpx.URL) -> str:
    """Format a URL without its parts that may hold a password."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")


def bearer_auth(key: str | None) -> BearerAuth | None:
    """Return authentication with a key; None means BESTGUESS_API_KEY, if it is set.

    Raises:
        InvalidArgument: it cannot be sent in a header. The message does not repeat it.
    """
    found = (os.environ.get("BESTGUESS_API_KEY", "") if key is None else key).strip()
    if not found:
        return None
    if not (found.isascii() and found.isprintable()):
        raise InvalidArgument("The API key has characters that an HTTP header cannot hold")
    return BearerAuth(found)


def http_options(url: httpx.URL, api_key: str | None, timeout: float) -> dict[str, Any]:
    """Return the arguments of an httpx client. A service on this machine is never reached through a proxy."""
    return {
        "base_url": url,
        "auth": bearer_auth(api_key),
        "timeout": httpx.Timeout(timeout, connect=min(CONNECT_TIMEOUT, timeout)),
        "follow_redirects": False,
        "trust_env": not _is_loopback(url.host),
        "headers": {"User-Agent": "bestguess"},
    }


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
