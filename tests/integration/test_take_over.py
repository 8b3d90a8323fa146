import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.dependencies import State
from app.inference.classifier import Networks
from app.main import running
from app.settings import Settings
from support.images import encoded, noise
from support.live_server import served
from support.waiting import COSTLY, wait_until
from vision.files import checksum
from vision.networks.vgg import VGG16, VGG16_WEIGHTS

PICTURE = {"file": encoded(noise((300, 200)), "JPEG")}


class Mirror:
    """Serves one file, and holds it back halfway until it is let go."""

    def __init__(self, file: Path) -> None:
        self.go = threading.Event()
        mirror = self

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                data = file.read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2])
                mirror.go.wait(120)
                self.wfile.write(data[len(data) // 2 :])

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def mirror(random_weights: Path) -> Iterator[Mirror]:
    """Serve half a gigabyte as if it were the official file."""
    made = Mirror(random_weights)
    yield made
    made.go.set()
    made.server.shutdown()
    made.server.server_close()


def test_vgg16_takes_over(
    mirror: Mirror, random_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the file is fetched the stand-in answers; once it is verified and warm VGG16 does, and nothing is lost."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    settings = Settings(
        data_dir=tmp_path,
        mirror=f"http://127.0.0.1:{mirror.server.server_port}",
        precision="float32",
        decode_processes=1,
    )
    size, md5 = random_weights.stat().st_size, checksum(random_weights, "md5")
    networks = Networks(settings, replace(VGG16, weights=replace(VGG16_WEIGHTS, size=size, md5=md5)))

    @contextlib.asynccontextmanager
    async def resources(_: Settings) -> AsyncIterator[State]:
        async with running(settings, networks) as state:
            yield state

    with served(settings, resources) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200, 120, COSTLY)
        wait_until(lambda: 49 <= percent(client.get("/readyz").json()) <= 50, 120)
        assert client.post("/classify", files=PICTURE).json()["model"]["id"] == "efficientnet-lite0"
        mirror.go.set()
        answers = []
        while not answers or answers[-1]["model"]["id"] != "vgg16":
            response = client.post("/classify", files=PICTURE)
            assert response.status_code == 200
            assert client.get("/readyz").status_code == 200
            answers.append(response.json())
        assert len(answers) > 1
        assert {answer["model"]["stand_in_for"] for answer in answers[:-1]} == {"vgg16"}
        assert answers[-1]["model"]["stand_in_for"] is None
        model = client.get("/models/vgg16").json()
        assert model["weights"] == {
            "origin": "imagenet",
            "file": VGG16_WEIGHTS.name,
            "hash": f"md5:{md5}",
            "verified": True,
        }
        assert client.post("/classify?model=efficientnet-lite0", files=PICTURE).status_code == 200
    (tmp_path / "weights" / VGG16_WEIGHTS.name).unlink()


def percent(readiness: dict[str, list[dict[str, int]]]) -> float:
    """Say how much of the file is there."""
    model = readiness["models"][0]
    return 100 * (model["downloaded_bytes"] or 0) / (model["total_bytes"] or 1)
