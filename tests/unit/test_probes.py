from __future__ import annotations

import pytest

from bestguess.supervisor.probes import page_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("localhost", "http://localhost:8000/"),
        ("0.0.0.0", "http://127.0.0.1:8000/"),
        ("::", "http://[::1]:8000/"),
        ("::1", "http://[::1]:8000/"),
    ],
)
def test_the_pages_url_can_be_opened_on_this_machine(host: str, url: str) -> None:
    """A name and an address stand as they are, IPv6 in brackets; a wildcard becomes loopback."""
    assert page_url(host, 8000) == url
