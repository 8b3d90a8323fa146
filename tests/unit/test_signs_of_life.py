import os
import time
from pathlib import Path

import httpx

from app.health import is_healthy
from app.settings import Settings
from support.images import encoded, noise
from support.live_server import Live, live
from support.prometheus_scrape import Scrape
from support.waiting import wait_until
from worker.pulse import FRESH_SECONDS, Pulse, fresh


def test_a_service_that_answers(service: Live) -> None:
    """The image's health check says yes to 200, and no to anything else."""
    url = str(service.client.base_url)
    assert is_healthy(f"{url}/healthz")
    assert not is_healthy(f"{url}/nowhere")
    assert not is_healthy("http://127.0.0.1:9/healthz")


def test_announced(service: Live) -> None:
    """From the announcement of its end on the service is not ready, its metric says the same, and it still answers."""
    draining = service.state["draining"]
    draining.announce()
    try:
        assert service.client.get("/readyz").status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert Scrape(service.client)("bestguess_ready") == 0
        assert service.client.get("/healthz").is_success
        assert not draining.begun
    finally:
        draining.announced = False
    assert Scrape(service.client)("bestguess_ready") == 1


def test_a_network_that_has_ended() -> None:
    """Where a network's thread has ended the service is not ready and says why; it answers on while it drains."""
    with live(Settings(decode_processes=1, drain_seconds=300)) as service:
        service.runner.error = SystemExit("the device is gone")
        files = {"file": encoded(noise((32, 32)), "PNG")}
        assert service.client.get("/readyz").is_success
        assert service.client.post("/classify", files=files).status_code == httpx.codes.SERVICE_UNAVAILABLE
        answer = service.client.get("/readyz")
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "has stopped answering (SystemExit('the device is gone'))" in answer.json()["detail"]
        assert "bestguess_ready 0.0" in service.client.get("/metrics").text
        wait_until(lambda: service.state["draining"].announced, 30)
        assert service.client.get("/healthz").is_success


def test_a_pulse(tmp_path: Path) -> None:
    """A worker's file is fresh while it lives, and gone once it has left."""
    path = tmp_path / "worker"
    pulse = Pulse(path)
    assert not fresh(path)
    pulse.start()
    wait_until(lambda: fresh(path), 10)
    pulse.stop()
    assert not path.exists()


def test_a_pulse_that_stopped(tmp_path: Path) -> None:
    """A worker that has not touched its file for a minute is not well."""
    path = tmp_path / "worker"
    path.touch()
    before = time.time() - FRESH_SECONDS - 1
    os.utime(path, (before, before))
    assert not fresh(path)


def test_no_pulse() -> None:
    """Without a file there is none, and nothing to end."""
    pulse = Pulse(None)
    pulse.start()
    pulse.stop()
