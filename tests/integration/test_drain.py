import httpx
from live import Serve
from waiting import wait_until


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
