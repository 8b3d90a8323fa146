import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from bestguess.schemas.jobs import JobStatus
from jobs import figures
from jobs.telemetry.context import KNOWN
from support.classify_requests import FILE
from support.job_requests import STREAM, submitted, trained
from support.job_store import outcome
from support.live_server import Live
from support.prometheus_scrape import Scrape
from support.redis_server import LiveRedis
from support.stores import FullStore
from support.waiting import wait_until
from support.worker_processes import timed
from worker.execution import Work, execute

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "grafana" / "bestguess.json"
GUIDE = Path(__file__).parents[2] / "docs" / "observability.md"
# Whatever stands where a metric can: our own and the process's.
NAME = re.compile(r"\b((?:bestguess|process)_[a-z0-9_]+)")


def test_jobs_and_workers(api: Live, store: FullStore) -> None:
    """Jobs by status, their times, how they ended, images and workers are told by every replica, from Redis."""
    first, _ = submitted(api, batch_size=20), submitted(api)
    trained(store, first)
    store.run(figures.beat("a worker", 60))
    scrape = Scrape(api.client)
    assert scrape("bestguess_redis_up") == 1
    assert scrape("bestguess_jobs", status="queued") == scrape("bestguess_jobs", status="succeeded") == 1
    assert scrape.labels("bestguess_jobs", "status") == set(JobStatus)
    assert scrape("bestguess_jobs_finished_total", kind="mnist-train", status="succeeded") == 1
    assert scrape("bestguess_job_queue_seconds_count") == scrape("bestguess_job_duration_seconds_count") == 1
    assert scrape("bestguess_job_queue_seconds_bucket", le="+Inf") == 1
    assert scrape("bestguess_training_images_total") == 60
    assert scrape("bestguess_workers") == 1
    assert scrape("bestguess_trained_models") == 0
    assert scrape("bestguess_datasets") == 0
    api.client.post("/datasets", params={"name": "pets"})
    assert Scrape(api.client)("bestguess_datasets") == 1


def test_event_streams(api: Live) -> None:
    """Who follows a job is counted, as long as it does."""
    job_id = submitted(api)
    with api.client.stream("GET", f"/jobs/{job_id}/events", headers=STREAM):
        wait_until(lambda: Scrape(api.client)("bestguess_event_streams") == 1, 10)
        assert Scrape(api.client)("bestguess_http_requests_in_progress") == 2
    wait_until(lambda: Scrape(api.client)("bestguess_event_streams") == 0, 10)


def test_redis_that_hangs(api: Live, server: LiveRedis) -> None:
    """A hung or killed Redis is told within a moment; what is of this replica is told all the same."""
    submitted(api)
    with server.hung():
        for _ in range(3):
            with timed(0.5):
                scrape = Scrape(api.client)
            assert scrape("bestguess_redis_up") == 0
            assert scrape("bestguess_ready") == 1
            assert "bestguess_jobs" not in scrape.text
    wait_until(lambda: Scrape(api.client)("bestguess_redis_up") == 1, 10)
    server.kill()
    try:
        assert Scrape(api.client)("bestguess_redis_up") == 0
    finally:
        server.start()
    wait_until(lambda: Scrape(api.client)("bestguess_jobs", status="queued") == 1, 10)


def test_the_request_id_follows_a_job(api: Live, store: FullStore, caplog: pytest.LogCaptureFixture) -> None:
    """A job's lines in the worker have the id of the request that made it; nothing of it is shown to clients."""
    caplog.set_level("INFO")
    answer = api.client.post("/jobs/mnist-train", headers={"X-Request-ID": "from-far"})
    job_id = answer.json()["id"]
    assert "origin" not in answer.json()
    seen = []

    def do(*_: object) -> dict[str, object]:
        seen.append(dict(KNOWN.get()))
        return outcome(job_id)

    execute(store, job_id, Work(do, clean_up=lambda: None, forget=lambda: None, seconds=60))
    assert seen == [{"job_id": job_id, "request_id": "from-far"}]
    assert f"job {job_id} begins, attempt 1" in caplog.text
    # A request is logged when its answer is over, which its client may have before.
    requests = wait_until(lambda: [record for record in caplog.records if record.name == "bestguess.request"], 10)
    assert vars(requests[0])["job_id"] == job_id


@pytest.fixture
def names(api: Live, store: FullStore) -> set[str]:
    """Every name in a real answer, once something of each kind has happened."""
    api.client.post("/classify", files=FILE)
    trained(store, submitted(api))
    return Scrape(api.client).names


def test_every_name_in_rules_and_dashboard_is_real(names: set[str]) -> None:
    """No panel and no alert asks for a metric that the service does not tell."""
    asked = set(NAME.findall(DASHBOARD.read_text())) | set(NAME.findall(RULES.read_text()))
    assert len(asked) > 30
    assert asked - names == set()


def test_every_metric_is_explained(names: set[str]) -> None:
    """The guide explains each metric of ours, and names none that is not there."""
    told = set(re.findall(r"`(bestguess_[a-z0-9_]+)", GUIDE.read_text()))
    families = {name for name in names if name.startswith("bestguess_")}
    assert told <= families
    ends = ("_bucket", "_sum", "_count", "_total", "_info")
    roots = {name for name in families if not name.endswith(ends)}
    assert {root for root in roots if not any(name.startswith(root) for name in told)} == set()


def test_every_alert_says_what_to_do() -> None:
    """Each alert has a summary, the first thing to do, its part of the guide, and two tests of its own."""
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    tested = RULES.with_name("rules.test.yml").read_text()
    headings = {line.removeprefix("### ").lower() for line in GUIDE.read_text().splitlines() if line.startswith("### ")}
    assert len(rules) > 10
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook"].endswith(".")
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert (path, anchor) == ("docs/observability.md", rule["alert"].lower())
        assert anchor in headings
        assert tested.count(f"alertname: {rule['alert']}\n") == 2


@pytest.mark.parametrize("words", [("check", "rules", "rules.yml"), ("check", "config", "prometheus.yml")])
def test_prometheus_takes_them(words: tuple[str, ...]) -> None:
    """Prometheus itself finds nothing wrong with the rules and the example of a configuration."""
    run_promtool(*words)


def test_alerts_are_given_when_they_are_due() -> None:
    """Each alert is given where it has to be, and not where it must not."""
    run_promtool("test", "rules", "rules.test.yml")


def run_promtool(*words: str) -> None:
    """Run Prometheus's own tool beside the rules."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run([promtool, *words], cwd=RULES.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout


def test_the_dashboard_is_one() -> None:
    """Each panel has a title, a place of its own in the grid and a question; ids are given once."""
    dashboard = json.loads(DASHBOARD.read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        assert panel["targets"][0]["expr"]
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
