import httpx
import pytest

from support.images import encoded, noise
from support.live_server import Live

PICTURE = {"file": encoded(noise((30, 20)), "PNG")}


def policy(response: httpx.Response) -> dict[str, str]:
    """Read a Content-Security-Policy."""
    parts = response.headers["Content-Security-Policy"].split("; ")
    return {name: sources for name, _, sources in (part.partition(" ") for part in parts)}


@pytest.mark.parametrize(
    "path", ["/", "/page/main.js", "/page/none.js", "/docs", "/docs/start.js", "/openapi.json", "/healthz", "/nowhere"]
)
def test_every_answer_has_the_headers(service: Live, path: str) -> None:
    """Whatever is asked, the answer cannot be framed, sniffed, or given a script, and tells no other site of itself."""
    answer = service.client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    found = policy(answer)
    for name in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert found[name] == "'none'"
    assert found.get("script-src", "'self'") == "'self'"


def test_the_page_allows_nothing_inline(service: Live) -> None:
    """The page's policy lets in nothing inline and no other host; that of the page of calls inline styles only."""
    page = policy(service.client.get("/"))
    assert page["style-src"] == page["connect-src"] == "'self'"
    assert not any(word in " ".join(page.values()) for word in ("unsafe", "http", "*"))
    assert policy(service.client.get("/docs"))["style-src"] == "'self' 'unsafe-inline'"


@pytest.mark.parametrize("path", ["/page", "/docsx", "/nowhere/docs/"])
def test_only_their_own_addresses_have_the_pages_rights(service: Live, path: str) -> None:
    """An address that only resembles one of the page or of the documentation allows nothing."""
    assert "script-src" not in policy(service.client.get(path))


@pytest.mark.parametrize("kind", ["image/svg+xml", "image/png"])
def test_a_picture_is_a_document_without_rights(service: Live, kind: str) -> None:
    """A picture that the service has drawn runs no script and belongs to no origin, opened by itself."""
    answer = service.client.post("/classify", files=PICTURE, headers={"Accept": kind})
    assert answer.headers["Content-Type"] == kind
    assert policy(answer) == policy(service.client.get("/healthz")) | {"img-src": "data:", "sandbox": ""}


def test_what_nobody_foresaw_has_them_too(service: Live) -> None:
    """A 500 has each header once, as any other answer."""
    service.runner.error = RuntimeError("unforeseen")
    try:
        answer = service.client.post("/classify", files=PICTURE)
    finally:
        service.runner.error = None
    assert answer.status_code == 500
    names = [name for name, _ in answer.headers.multi_items()]
    assert names.count("content-security-policy") == names.count("x-content-type-options") == 1
