import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.metrics import Metrics
from app.settings import Settings
from support.classify_requests import FILE, RED
from support.live_server import Live, live
from support.prometheus_scrape import Scrape
from support.waiting import wait_until


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Live]:
    """Serve with nothing counted yet, and room for two images."""
    with live(Settings(data_dir=tmp_path, decode_processes=1, queue_size=2)) as running:
        yield running


def settled(client: httpx.Client, ready: Callable[[Scrape], object]) -> Scrape:
    """Scrape until something is told: a request is counted when its answer is over, which its client may not be."""
    return wait_until(lambda: found if ready(found := Scrape(client)) else None, 10)


def test_requests_are_counted_by_route_and_status(fresh: Live) -> None:
    """A request is counted under the template of its route, never under the path that a client made up."""
    fresh.client.get("/models/vgg16")
    for number in range(3):
        fresh.client.get(f"/models/made-up-{number}")
        fresh.client.get(f"/made/up/{number}")
    fresh.client.request("PROPFIND", "/classify")
    scrape = settled(fresh.client, lambda found: found("bestguess_http_requests_total", **ODD))
    counted = "bestguess_http_requests_total"
    assert scrape(counted, method="GET", route="/models/{model_id}", status="200") == 1
    assert scrape(counted, method="GET", route="/models/{model_id}", status="404") == 3
    assert scrape(counted, method="GET", route="unmatched", status="404") == 3
    assert "made-up" not in scrape.text
    duration = "bestguess_http_request_duration_seconds_count"
    assert scrape(duration, method="GET", route="/models/{model_id}") == 4
    assert scrape("bestguess_refusals_total", reason="not-found") == 3
    assert scrape("bestguess_refusals_total", reason="http-404") == 3
    assert scrape("bestguess_http_requests_in_progress") == 1  # this very one


ODD = {"method": "other", "route": "/classify", "status": "405"}


def test_images_are_timed(fresh: Live) -> None:
    """Each image that was answered is timed in decode, queue and inference, and each batch has its size."""
    for _ in range(3):
        fresh.client.post("/classify", files=FILE)
    scrape = Scrape(fresh.client)
    assert scrape("bestguess_decode_seconds_count") == 3
    assert (scrape("bestguess_decode_seconds_sum") or 0) > 0
    assert scrape("bestguess_queue_seconds_count", model="vgg16") == 3
    assert scrape("bestguess_inference_seconds_count", model="vgg16") == 3
    assert scrape("bestguess_batch_size_sum", model="vgg16") == 3
    assert scrape("bestguess_batch_size_bucket", model="vgg16", le="1.0") == 3


def test_files_of_a_batch_are_counted_each(fresh: Live) -> None:
    """A broken file of a batch is a refusal, though the batch is answered."""
    files = [("file", ("a.jpg", RED)), ("file", ("b.jpg", b"no image"))]
    assert fresh.client.post("/classify/batch", files=files).status_code == 200
    scrape = settled(fresh.client, lambda found: found("bestguess_refusals_total", reason="not-an-image"))
    assert scrape("bestguess_inference_seconds_count", model="vgg16") == 1


def test_a_full_service(fresh: Live) -> None:
    """While images are held, depth and limit say how full it is; what is refused is counted with its reason."""
    fresh.runner.go.clear()
    url = f"{fresh.client.base_url}/classify"
    with ThreadPoolExecutor(2) as pool:
        pool.submit(httpx.post, url, files=FILE, timeout=30)
        wait_until(lambda: fresh.runner.batches == [1], 10)
        pool.submit(httpx.post, url, files=FILE, timeout=30)
        full = settled(fresh.client, lambda found: found("bestguess_queue_depth", model="vgg16") == 1)
        assert full("bestguess_images_in_hand", networks="pretrained") == 2
        assert full("bestguess_images_in_hand_limit") == full("bestguess_queue_capacity", model="vgg16") == 2
        assert fresh.client.post("/classify", files=FILE).status_code == 429
        assert settled(fresh.client, lambda found: found("bestguess_refusals_total", reason="overloaded") == 1)
        fresh.runner.go.set()
    assert settled(fresh.client, lambda found: found("bestguess_images_in_hand", networks="pretrained") == 0)


def test_which_network_answers(fresh: Live) -> None:
    """The number format, the device and the weights are told of each network that answers."""
    scrape = Scrape(fresh.client)
    facts = {"model": "vgg16", "precision": "float32", "device": "cpu", "weights": "random"}
    assert scrape("bestguess_model_info", **facts) == 1
    assert scrape("bestguess_model_ready", model="vgg16") == 1
    assert scrape("bestguess_model_ready", model="efficientnet-lite0") == 0
    assert scrape("bestguess_ready") == 1
    assert (scrape("process_resident_memory_bytes") or 0) > 1e6


def test_without_redis(fresh: Live) -> None:
    """A service without Redis says so, and tells of no job at all."""
    scrape = Scrape(fresh.client)
    assert scrape("bestguess_redis_up") == 0
    assert "bestguess_jobs" not in scrape.text
    assert "bestguess_workers" not in scrape.text


def test_what_was_no_request(fresh: Live) -> None:
    """A connection that is closed before a request could be read is counted too."""
    with socket.create_connection((fresh.client.base_url.host, fresh.client.base_url.port or 0), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert connection.recv(9999).startswith(b"HTTP/1.1 400")
    assert settled(fresh.client, lambda found: found("bestguess_connections_refused_total", status="400") == 1)


def test_openmetrics(fresh: Live) -> None:
    """Who asks for OpenMetrics gets it, to its end."""
    response = fresh.client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


def test_a_stopping_service_is_not_ready(fresh: Live) -> None:
    """From the signal on it tells that it is not ready."""
    fresh.drain()
    assert settled(fresh.client, lambda found: found("bestguess_ready") == 0)


def test_counting_costs_next_to_nothing() -> None:
    """What a request costs in the metrics is lost beside the milliseconds of a decode."""
    metrics = Metrics()
    rounds = 2000
    started = time.process_time()
    for _ in range(rounds):
        metrics.count_request("POST", "/classify", 200, 0.01, [])
        metrics.observe_batch("vgg16", 3)
    assert (time.process_time() - started) / rounds < 0.001
