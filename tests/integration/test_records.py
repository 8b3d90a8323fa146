"""Stored records that another version wrote, or that somebody has damaged: each is handled by itself."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from app.settings import Settings
from bestguess.schemas.jobs import EpochEntry, HistoryEntry, JobError, JobStatus, Progress
from jobs import damage, figures, transitions
from jobs import queue as queues
from jobs.artifacts import open_store
from jobs.datasets.model import INDEX
from jobs.datasets.opening import read_index
from jobs.errors import NotDamaged, RecordDamaged
from jobs.owners import EVERYBODY
from jobs.queue import QUEUE_KEY
from jobs.records import Origin
from jobs.store import PREFIX
from support.datasets import picture
from support.datasets import stored as stored_dataset
from support.job_requests import PICTURE, STREAM, events_of, problem
from support.job_store import LEASE, distant, entry, outcome, progress, queued, running, trained
from support.live_server import Live, live
from support.prometheus_scrape import Scrape
from support.stores import FullDatasets, FullRegistry, FullStore, TwiceStore
from worker.execution import Work, execute
from worker.reconciler import Reconciler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis
    from celery import Celery

    from jobs.datasets.model import Dataset
    from jobs.transitions import Call
    from support.redis_server import LiveRedis

LATER = "from_a_later_version"
MAPS = {"files"}  # objects whose members are not fields but names


@pytest.fixture(scope="module")
def api(server: LiveRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serve with a Redis that each test empties."""
    folder = tmp_path_factory.mktemp("data")
    with live(Settings(redis_url=server.url, data_dir=folder, decode_processes=1)) as running:
        yield running


@pytest.fixture
def raw(server: LiveRedis, store: FullStore) -> Iterator[redis.Redis]:
    """Look at the Redis itself, which has nothing in it yet."""
    assert store.list().jobs == []
    with server.client() as client:
        yield client


@pytest.fixture
def queue(server: LiveRedis) -> Iterator[Celery]:
    """Reach the queue that workers listen to."""
    with closing(queues.celery_app(server.url)) as app:
        yield app


def grown(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Add an unknown field to every object, however deep it lies."""
    if isinstance(value, list):
        return [grown(one) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {name: _grown_map(one) if name in MAPS else grown(one) for name, one in value.items()}
    return inner | {LATER: {"x": [1]}}


def _grown_map(named: dict[str, Any]) -> dict[str, Any]:
    return {name: grown(one) for name, one in named.items()}


def grown_text(text: str) -> str:
    """Do the same with JSON; any other text stays as it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return json.dumps(grown(value)) if isinstance(value, dict | list) else text


def grow_all(client: redis.Redis) -> set[str]:
    """Add unknown fields to all that is stored, as a later version would; name the fields that were JSON."""
    seen = set()
    for key in client.scan_iter(f"{PREFIX}*"):
        match client.type(key):
            case "hash":
                for name, text in client.hgetall(key).items():
                    if grown_text(text) != text:
                        client.hset(key, name, grown_text(text))
                        seen.add(f"{key.removeprefix(PREFIX).partition(':')[0]}.{name}")
                if ":job:" in key or ":model:" in key or ":dataset:" in key:
                    client.hset(key, LATER, "1")
            case "list":
                for place, text in enumerate(client.lrange(key, 0, -1)):
                    client.lset(key, place, grown_text(text))
                    seen.add("history")
            case "stream":
                events = client.xrange(key)
                client.delete(key)
                for event_id, fields in events:
                    client.xadd(key, {**fields, "data": grown_text(fields["data"]), LATER: "1"}, id=event_id)
                    seen.add("event")
    return seen


def with_everything(store: FullStore, data: Dataset) -> dict[str, str]:
    """Make a job in each state, with all that can be recorded of one; return their ids by their states."""
    waits = store.create(
        "finetune",
        {"dataset_id": data.id, "base": "vgg16"},
        job_id="job_waits",
        most_queued=9,
        origin=Origin(request_id="r"),
        idempotency=("key", "body"),
    )
    runs, fails, succeeds = running(store), running(store), running(store)
    for claim in (runs, succeeds):
        point = HistoryEntry(step=1, train_accuracy=0.5, loss=1.0)
        store.report(claim.job_id, claim.fence, progress(1), point)
        point = EpochEntry(step=2, train_accuracy=0.5, loss=1.0, epoch=1, validation_accuracy=0.5, validation_loss=1.0)
        store.report(claim.job_id, claim.fence, Progress(step=2, total_steps=10, images_per_second=50.0), point)
    store.finish(fails.job_id, fails.fence, JobStatus.FAILED, error=JobError(code="diverged", detail="It did."))
    store.finish(succeeds.job_id, succeeds.fence, JobStatus.SUCCEEDED, outcome(succeeds.job_id))
    FullRegistry(store).set_alias("mine", succeeds.job_id)
    return {"queued": waits.id, "running": runs.job_id, "failed": fails.job_id, "succeeded": succeeds.job_id}


def test_fields_of_a_later_version(api: Live, store: FullStore, raw: redis.Redis) -> None:
    """Unknown fields in whatever is stored change no answer, and no job fails for them."""
    artifacts = open_store(None, api.state["settings"].data_dir)
    data = stored_dataset(store, artifacts, {"cats": [picture(1), picture(1)], "dogs": [picture(2)]})
    ids = with_everything(store, data)
    addresses = [f"/jobs/{job_id}" for job_id in ids.values()]
    addresses += ["/jobs", "/models", "/models/mine", "/models/aliases", "/datasets", f"/datasets/{data.id}"]
    addresses += [f"/jobs/{ids['succeeded']}/events"]
    before = {address: api.client.get(address).json() for address in addresses}

    seen = grow_all(raw)
    assert seen == {
        *("job.params", "job.progress", "job.result", "job.error", "job.origin", "history", "event"),
        *("model.params", "model.result", "dataset.brief", "dataset.details", "dataset.parts"),
    }
    for address in addresses:
        answer = api.client.get(address)
        assert answer.status_code == 200, answer.text
        assert without_later(answer.json()) == without_later(before[address])
    read = [one["id"] for one in events_of(api.client.get(f"/jobs/{ids['failed']}/events", headers=STREAM).text)]
    assert len(read) == 3
    scrape = Scrape(api.client)
    assert scrape("bestguess_training_images_per_second") == 50
    assert scrape("bestguess_redis_up") == 1

    due = store.due(0)
    assert [job.id for job in due.unpublished] == [ids["queued"]]
    assert store.wished(("key", "body")).id == ids["queued"]
    claim = store.claim(ids["queued"], "worker", LEASE)
    assert claim is not None
    assert (claim.origin.request_id, claim.params[LATER]) == ("r", {"x": [1]})
    assert store.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, outcome(claim.job_id)).status == "succeeded"
    assert store.cancel(ids["running"]).status == "cancelling"
    assert api.client.delete("/models/mine").status_code == 204
    assert api.client.delete(f"/datasets/{data.id}").status_code == 204


def without_later(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Remove the unknown field from what is told as it is stored, such as parameters and results."""
    if isinstance(value, list):
        return [without_later(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: without_later(one) for name, one in value.items() if name not in {LATER, "changed_params"}}


def test_an_index_of_a_later_version(api: Live, store: FullStore, raw: redis.Redis) -> None:
    """The file that lists a data set's photographs is read with fields that are unknown; what is none is damage."""
    artifacts = open_store(None, api.state["settings"].data_dir)
    data = stored_dataset(store, artifacts, {"cats": [picture(1)], "dogs": [picture(2)]})
    before = read_index(data, artifacts)
    path = api.state["settings"].data_dir / "models" / data.parts[0].id / INDEX
    replace_index(raw, data, path, json.dumps(grown(json.loads(path.read_bytes()))).encode())
    assert read_index(FullDatasets(store).get(data.id), artifacts) == before
    replace_index(raw, data, path, b"[]")
    answer = api.client.get(f"/datasets/{data.id}/images/{'0' * 64}")
    problem(answer, 503)


def replace_index(raw: redis.Redis, data: Dataset, path: Any, content: bytes) -> None:  # noqa: ANN401
    """Write another index, and its hash into the record."""
    path.write_bytes(content)
    key = f"{PREFIX}dataset:{data.id}"
    parts = json.loads(raw.hget(key, "parts") or "")
    parts[0]["files"][INDEX] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    raw.hset(key, "parts", json.dumps(parts))


def test_what_an_earlier_version_left_out(api: Live, store: FullStore, raw: redis.Redis) -> None:
    """A job whose record has no more than its first fields is shown, run and ended with their defaults."""
    job_id = queued(store).id
    optional = "published_at", "attempt", "crashes", "fence", "step", "history_step", "belongs_to"
    raw.hdel(f"{PREFIX}job:{job_id}", *optional)
    assert api.client.get(f"/jobs/{job_id}").json()["attempt"] == 0
    assert [job.id for job in store.due(60).unpublished] == [job_id]
    claim = store.claim(job_id, "worker", LEASE)
    assert claim is not None
    store.report(job_id, claim.fence, progress(3), HistoryEntry(step=3, train_accuracy=0.5, loss=1.0))
    done = store.finish(job_id, claim.fence, JobStatus.SUCCEEDED, {"test_accuracy": 0.5})
    assert (done.attempt, len(done.history)) == (1, 1)


def spoil_field(name: str, value: str) -> Callable[[redis.Redis, str], object]:
    """Make what writes another value into a field of a job."""
    return lambda raw, job_id: raw.hset(f"{PREFIX}job:{job_id}", name, value)


def other_type(raw: redis.Redis, job_id: str) -> None:
    """Put a text in a job's place."""
    raw.set(f"{PREFIX}job:{job_id}", "text")


DAMAGE = {
    "status": spoil_field("status", "dreaming"),
    "params": spoil_field("params", "{"),
    "params of another type": spoil_field("params", "[1]"),
    "params that are no text": lambda raw, job_id: raw.hset(f"{PREFIX}job:{job_id}", "params", b"\xff\xfe"),
    "a surrogate": spoil_field("params", '{"a": "\\ud800"}'),
    "a time": spoil_field("created_at", "yesterday"),
    "a fence": spoil_field("fence", "many"),
    "no kind": lambda raw, job_id: raw.hdel(f"{PREFIX}job:{job_id}", "kind"),
    "type": other_type,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_job(
    api: Live, store: FullStore, raw: redis.Redis, queue: Celery, damage: Callable[[redis.Redis, str], object]
) -> None:
    """A damaged job is left out of lists, named where it is asked for, holds nothing else up, and can be removed."""
    waits, bad, bad_runner, lost = distant(store), distant(store), running(store), running(store)
    raw.hset(f"{PREFIX}job:{lost.job_id}", "lease_until", 0)
    for job_id in (bad.id, bad_runner.job_id):
        damage(raw, job_id)
        for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
            told = problem(api.client.request(method, f"/jobs/{job_id}{path}"), 409)
            assert told["type"].endswith(":damaged-record")
            assert job_id in told["detail"]
        problem(api.client.get(f"/jobs/{job_id}/events", headers=STREAM), 409)
    assert listed(api, "/jobs?limit=1") == {lost.job_id}
    assert listed(api, "/jobs") == {waits.id, lost.job_id}
    assert listed(api, "/jobs?status=queued") == {waits.id}
    assert listed(api, f"/jobs?limit=1&after={bad.id}") == {waits.id}
    assert api.client.post(f"/jobs/{waits.id}/cancel").json()["status"] == "cancelled"
    assert api.client.get(f"/jobs/{waits.id}/events", headers=STREAM).status_code == 200
    scrape = Scrape(api.client)
    assert (scrape("bestguess_redis_up"), scrape("bestguess_jobs", status="queued")) == (1, 1)
    assert scrape("bestguess_damaged_records", record="job") >= 2
    assert api.client.post("/jobs/mnist-train").status_code == 202

    Reconciler(store, queue).look()
    assert lost.job_id in queues.waiting(queue)
    assert store.get(lost.job_id).status is JobStatus.QUEUED

    work = Work(lambda *_: {}, clean_up=lambda: None, forget=lambda: None, seconds=60)
    assert execute(store, bad.id, work) is None
    problem(api.client.delete(f"/jobs/{waits.id}"), 409)
    for job_id in (bad.id, bad_runner.job_id):
        assert api.client.delete(f"/jobs/{job_id}").status_code == 204
        problem(api.client.get(f"/jobs/{job_id}"), 404)
        problem(api.client.delete(f"/jobs/{job_id}"), 404)
        assert list(raw.scan_iter(f"*{job_id}*")) == []
    assert {bad.id, bad_runner.job_id} <= set(FullRegistry(store).leftovers())  # so that a worker removes their files


@pytest.mark.parametrize(("name", "value"), [("result", "{"), ("error", "[]"), ("progress", "{")])
def test_a_finished_job_that_cannot_be_read(
    api: Live, store: FullStore, raw: redis.Redis, name: str, value: str
) -> None:
    """A finished job that answers 409 `damaged-record` can be removed, also where only its readers see the damage."""
    bad, good = queued(store), queued(store)
    for job in (bad, good):
        assert api.client.post(f"/jobs/{job.id}/cancel").status_code == 202
    raw.hset(f"{PREFIX}job:{bad.id}", name, value)
    assert problem(api.client.get(f"/jobs/{bad.id}"), 409)["type"].endswith(":damaged-record")
    problem(api.client.delete(f"/jobs/{good.id}"), 409)
    assert api.client.delete(f"/jobs/{bad.id}").status_code == 204
    problem(api.client.get(f"/jobs/{bad.id}"), 404)
    assert list(raw.scan_iter(f"*{bad.id}*")) == []
    assert FullRegistry(store).leftovers() == [bad.id]


@pytest.mark.parametrize("part", ["events", "history"])
def test_what_belongs_to_a_job_is_no_job(api: Live, store: FullStore, raw: redis.Redis, part: str) -> None:
    """The keys of a job's events and history cannot be read as damaged jobs, nor be removed as such."""
    held = running(store)
    store.report(held.job_id, held.fence, progress(1), entry(1))
    named = f"{held.job_id}:{part}"
    assert raw.exists(f"{PREFIX}job:{named}")
    for method, path in (("DELETE", ""), ("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        problem(api.client.request(method, f"/jobs/{named}{path}"), 404)
    assert raw.exists(f"{PREFIX}job:{named}")
    assert FullRegistry(store).leftovers() == []


def listed(api: Live, address: str) -> set[str]:
    """Name what is in a list."""
    answer = api.client.get(address)
    assert answer.status_code == 200, answer.text
    return {one["id"] for one in answer.json()["data"]}


@pytest.mark.parametrize(
    ("name", "value"), [("progress", "[]"), ("progress", "{"), ("lease_until", ""), ("origin", "[]"), ("kind", "knit")]
)
def test_what_does_not_keep_a_job_from_its_end(
    store: FullStore, raw: redis.Redis, queue: Celery, name: str, value: str
) -> None:
    """A lost job goes back to the queue whatever is wrong with what only its readers need; others do as well."""
    bad, lost = running(store), running(store)
    for job_id in (bad.job_id, lost.job_id):
        raw.hset(f"{PREFIX}job:{job_id}", "lease_until", 0)
    if value:
        raw.hset(f"{PREFIX}job:{bad.job_id}", name, value)
    else:
        raw.hdel(f"{PREFIX}job:{bad.job_id}", name)
    reconciler = Reconciler(store, queue)
    reconciler.look()
    reconciler.look()
    assert queues.waiting(queue) == {lost.job_id} | ({bad.job_id} if name != "kind" else set())
    claim = store.claim(bad.job_id, "worker", LEASE)
    assert claim is not None
    store.report(bad.job_id, claim.fence, progress(1))
    assert store.finish(bad.job_id, claim.fence, JobStatus.SUCCEEDED, {}).status == "succeeded"


def test_each_damage_is_logged_once(store: FullStore, raw: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    """However often a damaged record is met, the log names it once."""
    bad = queued(store)
    raw.hset(f"{PREFIX}job:{bad.id}", "status", "dreaming")
    for _ in range(3):
        store.due(0)
        assert store.list().jobs == []
    assert [bad.id in record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [True]


def test_keys_beside_a_job(store: FullStore, raw: redis.Redis) -> None:
    """Indexes, counts, histories and events of another type fail no job: it is made, claimed, reported and ended."""
    for key in ("jobs", "jobs:queued", "jobs:running", "owner::jobs", "finished", "totals", "workers", "models"):
        raw.set(f"{PREFIX}{key}", "text")
    for key in ("models:rank", "models:removed", "aliases", "datasets", "datasets:leftovers", "lock:reconciler"):
        raw.set(f"{PREFIX}{key}", "text")
    raw.set(f"{PREFIX}job:job_new:history", "text")
    raw.set(f"{PREFIX}job:job_new:events", "text")
    made = queued(store, "job_new")
    claim = store.claim(made.id, "worker", LEASE)
    assert claim is not None
    store.report(made.id, claim.fence, progress(1), HistoryEntry(step=1, train_accuracy=0.5, loss=1.0))
    done = store.finish(made.id, claim.fence, JobStatus.SUCCEEDED, outcome(made.id))
    assert (done.status, done.history) == (JobStatus.SUCCEEDED, [])
    with pytest.raises(RecordDamaged):
        store.events(made.id)
    assert store.lock("reconciler", "me", LEASE)
    assert store.list().jobs == []
    assert (store.due(0), store.expired(0)) == (([], []), [])
    found = store.run(figures.read())
    assert (found.jobs[JobStatus.QUEUED], found.finished) == (0, {})
    assert (FullRegistry(store).list(), FullRegistry(store).aliases(), FullRegistry(store).surplus(0)) == ([], {}, [])
    assert (FullDatasets(store).list().datasets, FullDatasets(store).leftovers()) == ([], [])


@pytest.mark.parametrize("read", [transitions.due(0), figures.read()], ids=["worker", "API"])
def test_an_index_of_another_type_is_logged(
    store: FullStore, raw: redis.Redis, caplog: pytest.LogCaptureFixture, read: Call[object]
) -> None:
    """An index that is passed over because of its type is logged by name, and counted, by each process that reads."""
    names = {"jobs", "jobs:queued", "finished", "totals", "models:removed", "aliases"}
    for name in names:
        damage.mended("key", name)
        raw.set(f"{PREFIX}{name}", "text")
    before = damage.counts()["key"]
    store.run(read)
    logged = {record.getMessage().split()[1] for record in caplog.records if record.getMessage().startswith("key ")}
    assert logged == names
    assert damage.counts()["key"] == before + len(names)


def test_readiness_with_a_key_of_another_type(api: Live, raw: redis.Redis) -> None:
    """The key that only asks whether Redis takes writes may be of any type: the service is as ready as without it."""
    raw.sadd(f"{PREFIX}ready", "x")
    answer = api.client.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert answer.json()["redis"]["status"] == "up"


def test_a_removed_job_does_not_count(store: FullStore, raw: redis.Redis) -> None:
    """A damaged job, of which nobody can say whose it was, no longer counts among its owner's once it is removed."""
    bad = store.create("mnist-train", {}, job_id="job_bad", most_queued=9, owner="alice", quota=1)
    other_type(raw, bad.id)
    store.run(transitions.delete_damaged(bad.id, EVERYBODY))
    assert store.list(whose="alice").jobs == []
    assert store.create("mnist-train", {}, job_id="job_new", most_queued=9, owner="alice", quota=1).id == "job_new"


def test_a_damaged_event(api: Live, store: FullStore, raw: redis.Redis) -> None:
    """Events that cannot be read are left out of pages and streams, however many there are; the others are told."""
    job_id = queued(store).id
    for _ in range(150):
        raw.xadd(f"{PREFIX}job:{job_id}:events", {"type": "dreamt", "data": "{}"})
    raw.xadd(f"{PREFIX}job:{job_id}:events", {"type": "progress", "data": "{"})
    store.cancel(job_id)
    page = api.client.get(f"/jobs/{job_id}/events?limit=1").json()
    assert ([event["type"] for event in page["data"]], page["has_more"]) == (["created"], True)
    page = api.client.get(f"/jobs/{job_id}/events?limit=1&after={page['data'][0]['id']}").json()
    assert ([event["type"] for event in page["data"]], page["has_more"]) == (["cancelled"], False)
    read = events_of(api.client.get(f"/jobs/{job_id}/events", headers=STREAM).text)
    assert [event["event"] for event in read] == ["created", "cancelled"]


@pytest.mark.parametrize("field", ["result", "params", "kind", "type"])
def test_a_damaged_model(api: Live, store: FullStore, raw: redis.Redis, field: str) -> None:
    """A damaged model is left out of the list, named where it is asked for, and can be removed; others are there."""
    good, bad = trained(store).id, trained(store).id
    registry = FullRegistry(store)
    registry.set_alias("mine", bad)
    if field == "type":
        raw.set(f"{PREFIX}model:{bad}", "text")
    else:
        raw.hdel(f"{PREFIX}model:{bad}", field)
    assert {bad, good} & listed(api, "/models") == {good}
    assert api.client.get("/models/aliases").status_code == 200
    for address in (f"/models/{bad}", "/models/mine", f"/models/{bad}/report", f"/models/{bad}/download"):
        assert bad in problem(api.client.get(address), 409)["detail"]
    problem(api.client.post(f"/classify?model={bad}", files=PICTURE), 503)
    assert api.client.get(f"/models/{good}").status_code == 200
    assert [model.id for model in registry.surplus(5)] == []
    assert Scrape(api.client)("bestguess_damaged_records", record="model") >= 1
    assert api.client.delete(f"/models/{bad}").status_code == 204
    problem(api.client.get(f"/models/{bad}"), 404)
    assert set(registry.aliases().values()) == {good}


@pytest.mark.parametrize("field", ["details", "brief", "parts", "version", "type"])
def test_a_damaged_data_set(api: Live, raw: redis.Redis, field: str) -> None:
    """A damaged data set fails nothing else: it is named where it is asked for, and can be removed."""
    good, bad = (api.client.post("/datasets", params={"name": name}).json()["id"] for name in ("good", "bad"))
    if field == "type":
        raw.set(f"{PREFIX}dataset:{bad}", "text")
    else:
        raw.hset(f"{PREFIX}dataset:{bad}", field, "{")
    assert good in listed(api, "/datasets?limit=1") | listed(api, "/datasets")
    if field != "brief":  # that is for lists only
        assert bad in problem(api.client.get(f"/datasets/{bad}"), 409)["detail"]
        problem(api.client.post("/jobs/finetune", json={"dataset_id": bad}), 409)
    assert api.client.delete(f"/datasets/{bad}").status_code == 204
    problem(api.client.get(f"/datasets/{bad}"), 404)
    assert listed(api, "/datasets") == {good}


def test_messages_that_are_not_ours(store: FullStore, raw: redis.Redis, server: LiveRedis, queue: Celery) -> None:
    """What lies in the queue and is no message of ours does not keep jobs from being handed over."""
    with server.client() as broker:
        broker.lpush(QUEUE_KEY, "text", "[]", "{}", '{"headers": {"id": [1]}}', b"\xff")
        job_id = queued(store).id
        raw.hset(f"{PREFIX}job:{job_id}", "published_at", 0)
        Reconciler(store, queue).look()
    assert queues.waiting(queue) == {job_id}


def test_a_damaged_job_is_removed_once(twice: TwiceStore) -> None:
    """A removal whose reply is lost and which is sent again says that the job was there; a healthy one stays."""
    good, bad = queued(twice), queued(twice)
    twice._client.set(f"{PREFIX}job:{bad.id}", "text")
    twice.run(transitions.delete_damaged(bad.id, EVERYBODY))
    with pytest.raises(NotDamaged):
        twice.run(transitions.delete_damaged(good.id, EVERYBODY))
    assert [job.id for job in twice.list().jobs] == [good.id]
