import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from benchmarks.photos import generate, jpeg
from benchmarks.service import run_litserve
from vision.engines.tensorflow import TensorFlowEngine
from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.labels import imagenet_labels


def test_litserve_answers_as_the_network_does(photos: Path) -> None:
    """The server to compare with runs the same network: its best guess is the network's own, with about its score."""
    engine = TensorFlowEngine(LITE0, None, "float32", sizes=(1,))
    photo = (photos / "rocket.jpg").read_bytes()
    parameters = {"model": LITE0.id, "weights": None, "precision": "float32", "timeout": 30}
    parameters |= {"max_batch_size": 2, "batch_timeout": 0.01}
    with (
        run_litserve(parameters, jpeg(generate(0))) as server,
        httpx.Client(base_url=server.host, timeout=30) as client,
    ):
        answer = client.post(server.path, files={"file": ("photo.jpg", photo, "image/jpeg")})
    best = answer.json()["predictions"][0]
    scores = engine.run([_seen(photo)])[0]
    assert best["label"] == imagenet_labels()[int(np.argmax(scores))].name
    assert best["score"] == pytest.approx(float(np.max(scores)), abs=0.05)


def _seen(photo: bytes) -> np.ndarray:
    """Scale and cut as the network wants."""
    image = Image.open(io.BytesIO(photo)).convert("RGB")
    side = min(image.size) * LITE0.input_size / LITE0.resize
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((LITE0.input_size, LITE0.input_size), Image.Resampling.BICUBIC, box=box))
