from pathlib import Path

import httpx
import pytest

from support.command_line import Desk
from support.images import PHOTOS, encoded, noise
from support.live_server import Serve, ready

PICTURE = {"file": encoded(noise((300, 200)), "JPEG")}


def labels(client: httpx.Client, path: Path, **query: object) -> list[str]:
    """Ask for the best guesses of a photograph."""
    body = client.post("/classify", params=query, files={"file": path.read_bytes()}).json()
    return [guess["label"] for guess in body["predictions"]]


def test_without_weights_the_stand_in_answers(desk: Desk) -> None:
    """Where VGG16 cannot be had, EfficientNet-Lite0 answers in its name, and everything says so and what to do."""
    with httpx.Client(base_url=desk.environment["BESTGUESS_URL"], timeout=60) as client:
        report = {model["id"]: model for model in ready(client).json()["models"]}
        assert report["vgg16"]["state"] == "downloading"
        assert report["vgg16"]["answered_by"] == "efficientnet-lite0"
        assert "bestguess weights fetch" in report["vgg16"]["action"]
        model = client.post("/classify", files=PICTURE).json()["model"]
        assert (model["id"], model["weights"], model["stand_in_for"]) == ("efficientnet-lite0", "imagenet", "vgg16")
        assert "VGG16's weights" in model["stand_in_reason"]
        assert client.get("/models/vgg16").json()["status"]["answered_by"] == "efficientnet-lite0"
        weights = client.get("/models/efficientnet-lite0").json()["weights"]
        assert weights["verified"]
        assert weights["hash"].startswith("sha256:")
        chosen = client.post("/classify?model=efficientnet-lite0", files=PICTURE).json()["model"]
        assert (chosen["id"], chosen["stand_in_for"], chosen["stand_in_reason"]) == ("efficientnet-lite0", None, None)
        insisted = client.post("/classify?model=vgg16", files=PICTURE)
        assert insisted.status_code == 503
        assert "bestguess weights fetch" in insisted.json()["detail"]
        if not PHOTOS.is_dir():
            pytest.skip(f"the photographs are not at {PHOTOS}")
        assert labels(client, PHOTOS / "coffee.png")[0] == "espresso"
        assert labels(client, PHOTOS / "chelsea.png")[:3] == ["tiger cat", "Egyptian cat", "tabby"]
        assert labels(client, PHOTOS / "rocket.jpg")[0] == "missile"
        best = client.post("/classify", files={"file": (PHOTOS / "coffee.png").read_bytes()}).json()["predictions"][0]
        assert best["score"] == pytest.approx(0.95, abs=0.01)


def test_without_a_stand_in_the_service_waits(serve: Serve) -> None:
    """With BESTGUESS_STAND_IN=off nothing answers for VGG16: not ready, with the reason and what to do."""
    with serve(stand_in="off") as client:
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.headers["Content-Type"] == "application/problem+json"
        assert [model["id"] for model in response.json()["models"]] == ["vgg16"]
        assert client.post("/classify", files=PICTURE).status_code == 503
        assert client.post("/classify?model=efficientnet-lite0", files=PICTURE).status_code == 404
