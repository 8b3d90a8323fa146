import os
import time
from pathlib import Path

import httpx
from live import Live
from scraped import Scrape
from waiting import wait_until

from app.health import answers
from worker.pulse import FRESH_SECONDS, Pulse, fresh


def test_a_service_that_answers(service: Live) -> None:
    """The image's health check says yes to 200, and no to anything else."""
    url = str(service.client.base_url)
    assert answers(f"{url}/healthz")
    assert not answers(f"{url}/nowhere")
    assert not answers("http://127.0.0.1:9/healthz")


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
