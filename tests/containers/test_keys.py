"""The product for others than this machine: who has no key gets nothing, and replicas agree on keys and rates."""

import subprocess

import httpx
import pytest

from support.api_keys import bearer
from support.compose_stack import ROOT, START, Stack, until, whole
from support.load_clients import PHOTO


@pytest.fixture(scope="module")
def trained(guarded: Stack) -> str:
    """Train a network with the first key, and return the job's id."""
    guarded.all_ready()
    job_id = guarded.submit(steps=60)
    whole(guarded, job_id, 60)
    return job_id


def test_nobody_opens_it_by_mistake(product: Stack) -> None:
    """Published to others and without keys the API does not start, and says what to do."""
    without = ("run", "--rm", "-T", "--no-deps", "-e", "BESTGUESS_KEYS_FILE=/tmp/none.json", "api")
    done = subprocess.run(
        [*product.command, *without], cwd=ROOT, env=product.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "BESTGUESS_PUBLISHED_HOST" in done.stdout + done.stderr
    assert "bestguess keys create" in done.stdout + done.stderr


def test_a_key_is_needed(product: Stack, trained: str) -> None:
    """Without a key there are the page and the health, and nothing else; with one there is a photo and a training."""
    with httpx.Client(base_url=product.client.base_url, timeout=60) as stranger:
        for path in ("/", "/healthz", "/readyz", "/docs"):
            assert stranger.get(path).status_code == httpx.codes.OK, path
        for answer in (
            stranger.post("/classify", files={"file": PHOTO}),
            stranger.get("/jobs"),
            stranger.get("/models"),
        ):
            assert answer.status_code == httpx.codes.UNAUTHORIZED
            assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert product.classifies()
    assert product.job(trained)["status"] == "succeeded"


def test_keys_are_the_same_everywhere(product: Stack, trained: str) -> None:
    """A key made while the service runs is soon good at each replica, sees its own jobs only, and can be revoked."""
    anna = bearer(product.new_key("anna", "train"))

    def seen() -> set[int]:
        return {product.client.get(f"/jobs/{trained}", headers=anna).status_code for _ in range(6)}

    until(lambda: seen() == {httpx.codes.NOT_FOUND}, START)
    made = product.client.post("/jobs/mnist-train", json={"steps": 20}, headers=anna)
    assert made.status_code == httpx.codes.ACCEPTED
    assert product.client.post(f"{made.headers['Location']}/cancel", headers=anna).is_success
    assert product.client.get(made.headers["Location"]).status_code == httpx.codes.OK
    assert product.client.post("/classify", files={"file": PHOTO}, headers=anna).status_code == httpx.codes.FORBIDDEN
    product.containers("api")[0].run("bestguess", "keys", "revoke", "anna")
    until(lambda: seen() == {httpx.codes.UNAUTHORIZED}, START)


def test_replicas_count_together(product: Stack) -> None:
    """A rate is for all replicas together: of twelve calls as many are answered as it says, the others told when."""
    anna = bearer(product.new_key("bert", "train", rate="4/day"))
    until(lambda: product.client.get("/models", headers=anna).status_code == httpx.codes.OK, START)
    answers = [product.client.get("/models", headers=anna) for _ in range(12)]
    assert [answer.status_code for answer in answers].count(httpx.codes.OK) == 3
    # A replica reads the keys once a second: one that has not yet read this one answers 401.
    refused = [answer for answer in answers if answer.status_code == httpx.codes.TOO_MANY_REQUESTS]
    assert refused
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)


def test_no_key_shows(product: Stack) -> None:
    """A key is in no log, and its file has a hash only."""
    token = product.client.headers["Authorization"].removeprefix("Bearer ")
    for service in ("api", "worker", "redis", "proxy"):
        assert all(token not in container.logs() for container in product.containers(service))
    assert token not in product.containers("api")[0].run("cat", "/data/keys.json")
