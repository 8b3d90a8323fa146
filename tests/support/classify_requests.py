"""Request bodies for `/classify`, and a check of problem responses."""

import httpx
import numpy as np
from PIL import Image

from support.images import encoded

RED = encoded(Image.new("RGB", (600, 400), (200, 30, 30)), "JPEG")


BLUE = encoded(Image.new("RGB", (40, 30), (30, 30, 200)), "PNG")


FILE = {"file": ("red.jpg", RED, "image/jpeg")}


ONE = np.zeros((28, 28), np.uint8)
ONE[4:24, 12:15] = 255  # in MNIST's own convention, so that the network sees it as it is
DIGIT = {"file": ("one.png", encoded(Image.fromarray(ONE), "PNG"), "image/png")}


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
