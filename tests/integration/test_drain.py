from pathlib import Path

import httpx

from support.images import encoded, noise
from support.live_server import Serve
from support.waiting import wait_until


def stopping(client: httpx.Client) -> bool:
    """Say whether the service says that it leaves."""
    answer = client.get("/readyz")
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "stopping" in answer.json()["detail"]


def test_a_replica_that_leaves(serve: Serve) -> None:
    """At SIGTERM a replica says that it leaves and answers on for as long as it drains; a second signal ends that."""
    with serve(stand_in="off", decode_processes=1, drain_seconds=300) as client:
        assert not stopping(client)
        serve.process.terminate()
        wait_until(lambda: stopping(client), 30)
        assert client.get("/healthz").is_success
        assert serve.process.poll() is None
        serve.process.terminate()
        serve.process.wait(30)


def test_a_service_that_cannot_go_on(tmp_path: Path) -> None:
    """Where a network's thread has ended the process ends with an error, for its supervisor to start it again."""
    serve = Serve(tmp_path, "-m", "support.crashing_api")
    picture = {"file": encoded(noise((32, 32)), "PNG")}
    with serve(stand_in="off", decode_processes=1, drain_seconds=0) as client:
        assert client.post("/classify", files=picture).status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert serve.process.wait(30) == 1
