from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from bestguess.schemas.jobs import JobError, JobStatus
from support.job_requests import PICTURE, STREAM, TRAIN, problem, submitted, trained
from support.live_server import Live, live
from support.redis_server import LiveRedis
from support.stores import FullStore
from support.waiting import wait_until
from support.worker_processes import timed

JOB_KEYS = {
    *("id", "kind", "status", "created_at", "started_at", "finished_at", "params"),
    *("progress", "history", "result", "error", "attempt"),
}


def test_submit(api: Live) -> None:
    """A job is answered at once with 202, its address and the contract's shape, every parameter filled in."""
    response = api.client.post(TRAIN)
    job = response.json()
    assert response.status_code == 202
    assert response.headers["Location"] == f"/jobs/{job['id']}"
    assert job.keys() == JOB_KEYS
    assert (job["kind"], job["status"], job["attempt"]) == ("mnist-train", "queued", 0)
    assert job["params"] == {
        "steps": 1000,
        "batch_size": 50,
        "learning_rate": 0.001,
        "optimizer": "adam",
        "report_every": 100,
        "dropout": 0.5,
        "seed": None,
        "dataset": "mnist",
    }
    assert job["created_at"].endswith("Z")
    assert api.client.get(response.headers["Location"]).json() == job


@pytest.mark.parametrize(
    "params",
    [
        {"steps": 0},
        {"steps": True},
        {"steps": "10"},
        {"seed": False},
        {"dropout": "0.5"},
        {"steps": 10**9},
        {"batch_size": 0},
        {"steps": 100_000, "batch_size": 1000},
        {"learning_rate": 0},
        {"learning_rate": "NaN"},
        {"optimizer": "lion"},
        {"dropout": 1},
        {"seed": -1},
        {"dataset": "cifar"},
        {"report_every": 0},
        {"epochs": 3},
    ],
)
def test_bad_parameters(api: Live, params: dict[str, object]) -> None:
    """A parameter outside its bounds, or one that does not exist, is refused, and nothing is queued."""
    assert problem(api.client.post(TRAIN, json=params), 422)["errors"]
    assert api.client.get("/jobs").json()["data"] == []


@pytest.mark.parametrize(("body", "status"), [(b"{", 422), (b"[]", 422), (b'"x"', 422), (b"\xff", 400)])
def test_bad_bodies(api: Live, body: bytes, status: int) -> None:
    """What is no JSON object is refused."""
    problem(api.client.post(TRAIN, content=body, headers={"Content-Type": "application/json"}), status)


def test_idempotency(api: Live) -> None:
    """The same key and body give the same job, whatever order the body has; another body is refused."""
    key = {"Idempotency-Key": "abc"}
    first = api.client.post(TRAIN, json={"steps": 5, "seed": 1}, headers=key)
    again = api.client.post(TRAIN, json={"seed": 1, "steps": 5}, headers=key)
    assert again.status_code == 202
    assert again.json()["id"] == first.json()["id"]
    problem(api.client.post(TRAIN, json={"steps": 6}, headers=key), 422)
    assert len(api.client.get("/jobs").json()["data"]) == 1


def test_same_key_at_the_same_time(api: Live) -> None:
    """Ten requests with one key at once make one job."""
    url = f"{api.client.base_url}{TRAIN}"
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: httpx.post(url, headers={"Idempotency-Key": "x"}), range(10)))
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_full_queue(api: Live) -> None:
    """When as many jobs wait as may, the next is 429 with when to try again; a cancelled one makes room."""
    jobs = [submitted(api) for _ in range(3)]
    response = api.client.post(TRAIN)
    problem(response, 429)
    assert int(response.headers["Retry-After"]) > 0
    api.client.post(f"/jobs/{jobs[0]}/cancel")
    assert api.client.post(TRAIN).status_code == 202


def test_list(api: Live, store: FullStore) -> None:
    """Jobs are listed the newest first, by state and a page at a time."""
    jobs = [submitted(api, seed=seed) for seed in range(3)]
    trained(store, jobs[0])
    assert [job["id"] for job in api.client.get("/jobs").json()["data"]] == jobs[::-1]
    page = api.client.get("/jobs?limit=2").json()
    assert ([job["id"] for job in page["data"]], page["has_more"]) == ([jobs[2], jobs[1]], True)
    rest = api.client.get(f"/jobs?limit=2&after={jobs[1]}").json()
    assert ([job["id"] for job in rest["data"]], rest["has_more"]) == ([jobs[0]], False)
    assert [job["id"] for job in api.client.get("/jobs?status=succeeded").json()["data"]] == [jobs[0]]
    problem(api.client.get("/jobs?status=done"), 422)
    problem(api.client.get("/jobs?limit=0"), 422)


def test_unknown_job(api: Live) -> None:
    """A job that nobody knows is 404, in every call."""
    for method, path in (("GET", ""), ("POST", "/cancel"), ("GET", "/events")):
        problem(api.client.request(method, f"/jobs/job_nobody{path}"), 404)
    problem(api.client.get("/jobs/job_nobody/events", headers=STREAM), 404)


def test_finished_job(api: Live, store: FullStore) -> None:
    """A job shows its history and result when it is over, and cannot be cancelled then."""
    job_id = submitted(api)
    trained(store, job_id)
    job = api.client.get(f"/jobs/{job_id}").json()
    assert job["status"] == "succeeded"
    assert job["history"] == [{"step": step, "train_accuracy": 0.5, "loss": 1.0} for step in (1, 2, 3)]
    assert job["result"]["test_accuracy"] == 0.8
    assert job["progress"]["step"] == 3
    assert "succeeded" in problem(api.client.post(f"/jobs/{job_id}/cancel"), 409)["detail"]


def test_failed_job(api: Live, store: FullStore) -> None:
    """A failed job says why, with a code and what to do."""
    job_id = submitted(api)
    claim = store.claim(job_id, "worker", 60)
    assert claim is not None
    error = JobError(code="dataset-unavailable", detail="Set BESTGUESS_MNIST.")
    store.finish(job_id, claim.fence, JobStatus.FAILED, error=error)
    assert api.client.get(f"/jobs/{job_id}").json()["error"] == error.model_dump()


def test_cancel(api: Live, store: FullStore) -> None:
    """A waiting job is cancelled at once, a running one is cancelling, and asking again changes nothing."""
    waiting, running = submitted(api), submitted(api)
    store.claim(running, "worker", 60)
    for job_id, status in ((waiting, "cancelled"), (running, "cancelling")):
        for _ in range(2):
            response = api.client.post(f"/jobs/{job_id}/cancel")
            assert (response.status_code, response.json()["status"]) == (202, status)


def test_hung_redis(api: Live, server: LiveRedis) -> None:
    """While Redis hangs, jobs are 503 within five seconds and images are classified; both recover by themselves."""
    job_id = submitted(api)
    with server.hung():
        for method, path in (("GET", f"/jobs/{job_id}"), ("POST", TRAIN), ("GET", "/jobs")):
            with timed(5):
                response = api.client.request(method, path)
            problem(response, 503)
            assert response.headers["Retry-After"]
        with timed(2):
            assert api.client.post("/classify", files=PICTURE).status_code == 200
        ready = api.client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["redis"]["status"] == "down"
        assert "silent for 1 s" in ready.json()["redis"]["detail"]  # before a balancer takes the service for dead
    wait_until(lambda: api.client.get(f"/jobs/{job_id}").status_code == 200, 10)
    wait_until(lambda: api.client.get("/readyz").json()["redis"]["status"] == "up", 10)


def test_full_redis(api: Live, server: LiveRedis) -> None:
    """When Redis is full, a new job is 503 with when to try again; once there is room it is taken."""
    with server.client() as admin:
        admin.config_set("maxmemory", 1)
        try:
            response = api.client.post(TRAIN)
        finally:
            admin.config_set("maxmemory", 0)
    problem(response, 503)
    assert response.headers["Retry-After"]
    assert api.client.post(TRAIN).status_code == 202


def test_without_redis(tmp_path: Path) -> None:
    """A service that was started without Redis says so, and classifies."""
    with live(Settings(data_dir=tmp_path, decode_processes=1)) as alone:
        assert "BESTGUESS_REDIS_URL" in problem(alone.client.get("/jobs"), 503)["detail"]
        assert alone.client.post("/classify", files=PICTURE).status_code == 200
