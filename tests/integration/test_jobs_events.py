import json
import threading

import httpx
import pytest

from support.job_requests import PICTURE, STREAM, TRAIN, events_of, problem, submitted, trained
from support.live_server import Live, Serve
from support.redis_server import LiveRedis
from support.stores import FullStore
from support.waiting import wait_until
from support.worker_processes import timed

JOB_KEYS = {
    *("id", "kind", "status", "created_at", "started_at", "finished_at", "params"),
    *("progress", "history", "result", "error", "attempt"),
}


def test_event_pages(api: Live, store: FullStore) -> None:
    """Events come as pages, ascending, each after the last of the page before."""
    job_id = submitted(api)
    trained(store, job_id)
    seen, after = [], ""
    while True:
        page = api.client.get(
            f"/jobs/{job_id}/events", params={"limit": 2} | ({"after": after} if after else {})
        ).json()
        seen += page["data"]
        if not page["has_more"]:
            break
        after = page["data"][-1]["id"]
    assert [event["type"] for event in seen] == ["created", "started", *["progress"] * 3, "succeeded"]
    problem(api.client.get(f"/jobs/{job_id}/events?after=yesterday"), 422)


def test_event_stream(api: Live, store: FullStore) -> None:
    """The stream gives every event with its id while it happens, and ends after the last one."""
    job_id = submitted(api)
    with api.client.stream("GET", f"/jobs/{job_id}/events", headers=STREAM) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        threading.Thread(target=trained, args=(store, job_id)).start()
        events = events_of("".join(response.iter_text()))
    assert [event["event"] for event in events] == ["created", "started", *["progress"] * 3, "succeeded"]
    assert [json.loads(event["data"])["id"] for event in events] == [event["id"] for event in events]
    page = api.client.get(f"/jobs/{job_id}/events").json()["data"]
    assert [json.loads(event["data"]) for event in events] == page


def test_reconnecting_misses_and_repeats_nothing(api: Live, store: FullStore) -> None:
    """A page that comes back with Last-Event-ID after each single event sees each exactly once."""
    job_id = submitted(api)
    trained(store, job_id, steps=5)
    seen: list[str] = []
    while not seen or seen[-1][0] != "succeeded":
        headers = STREAM | ({"Last-Event-ID": seen[-1][1]} if seen else {})
        with api.client.stream("GET", f"/jobs/{job_id}/events", headers=headers) as response:
            text = ""
            for piece in response.iter_text():
                text += piece
                if events := events_of(text):
                    seen.append((events[0]["event"], events[0]["id"]))
                    break
    assert [kind for kind, _ in seen] == ["created", "started", *["progress"] * 5, "succeeded"]
    with api.client.stream(
        "GET", f"/jobs/{job_id}/events", headers=STREAM | {"Last-Event-ID": seen[-1][1]}
    ) as response:
        assert events_of("".join(response.iter_text())) == []


def test_a_viewer_leaves(api: Live, store: FullStore, caplog: pytest.LogCaptureFixture) -> None:
    """A page that is closed in the middle of a stream is nothing to complain of."""
    job_id = submitted(api)
    feed = api.state["jobs"].feed
    with api.client.stream("GET", f"/jobs/{job_id}/events", headers=STREAM) as response:
        texts = response.iter_text()  # kept: once it is gone, so is the connection
        assert "retry" in next(texts)
        wait_until(lambda: feed._viewers, 10)
    wait_until(lambda: not feed._viewers, 10)
    trained(store, job_id)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_two_hundred_viewers(api: Live, server: LiveRedis) -> None:
    """Two hundred viewers of one job cost few connections to Redis, and images are classified as before."""
    job_id = submitted(api)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    with httpx.Client(base_url=api.client.base_url, timeout=30, limits=limits) as client, server.client() as admin:
        streams = [client.build_request("GET", f"/jobs/{job_id}/events", headers=STREAM) for _ in range(200)]
        responses = [client.send(request, stream=True) for request in streams]
        texts = [response.iter_text() for response in responses]
        for text in texts:
            assert "retry" in next(text)
        assert len(admin.client_list()) < 20
        assert client.post("/classify", files=PICTURE).status_code == 200
        client.post(f"/jobs/{job_id}/cancel")
        for text in texts:
            assert events_of("".join(text))[-1]["event"] == "cancelled"


def test_shutdown_ends_streams(serve: Serve, server: LiveRedis) -> None:
    """At the signal every stream ends at once, and the process does not wait for its viewers."""
    with serve(redis_url=server.url, stand_in="off") as client:
        job_id = client.post(TRAIN).json()["id"]
        with client.stream("GET", f"/jobs/{job_id}/events", headers=STREAM) as response:
            pieces = response.iter_text()
            next(pieces)
            serve.process.terminate()
            with timed(2):
                for _ in pieces:
                    pass
                serve.process.wait(10)
