"""What tests of /classify send, and what they expect of an error."""

import httpx
from pictures import encoded
from PIL import Image

RED = encoded(Image.new("RGB", (600, 400), (200, 30, 30)), "JPEG")


BLUE = encoded(Image.new("RGB", (40, 30), (30, 30, 200)), "PNG")


FILE = {"file": ("red.jpg", RED, "image/jpeg")}


def problem(response: httpx.Response, status: int, slug: str) -> dict[str, object]:
    """Check an error's shape, and return it."""
    body = response.json()
    assert response.status_code == status, body
    assert response.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= body.keys()
    assert body["type"] == f"urn:problem-type:bestguess:{slug}"
    assert body["status"] == status
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert body["detail"]
    return body
