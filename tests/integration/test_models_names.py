"""Aliases: names that stand for trained networks, and which names may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.settings import Settings
from jobs.aliases import MOST_ALIASES
from support.classify_requests import problem
from support.live_server import Live, live
from support.stores import FullRegistry, FullStore
from support.trained_models import publish, untrained

if TYPE_CHECKING:
    from pathlib import Path

    from support.redis_server import LiveRedis

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_aliases(api: Live, store: FullStore, data_dir: Path) -> None:
    """A name is set, moved, works wherever an id does, and goes with its network."""
    one, other = publish(store, data_dir, untrained(), 0.9), publish(store, data_dir, untrained(1), 0.8)
    put = lambda name, model: api.client.put(f"/models/aliases/{name}", json={"model_id": model})  # noqa: E731
    assert put("production", one).json() == {"name": "production", "model_id": one}
    assert api.client.get("/models/production").json()["id"] == one
    assert put("production", "latest").json()["model_id"] == other
    assert api.client.get("/models/production").json()["aliases"] == ["latest", "production"]
    listed = {alias["name"]: alias["model_id"] for alias in api.client.get("/models/aliases").json()["data"]}
    assert listed == {"latest": other, "best": one, "production": other}
    problem(put("latest", one), 422, "invalid-parameters")
    for name in ("vgg16", "efficientnet-lite0"):
        problem(put(name, one), 422, "invalid-parameters")
        assert "was not trained here" in str(problem(put("next", name), 409, "conflict")["detail"])
    problem(put("No Name", one), 422, "invalid-parameters")
    problem(put("next", "nobody"), 404, "not-found")
    problem(api.client.put("/models/aliases/next", json={}), 422, "invalid-parameters")
    problem(api.client.delete("/models/aliases/best"), 422, "invalid-parameters")
    problem(api.client.delete("/models/aliases/nobody"), 404, "not-found")
    assert api.client.delete("/models/aliases/production").status_code == 204
    problem(api.client.get("/models/production"), 404, "not-found")
    put("production", other)
    api.client.delete(f"/models/{other}")
    problem(api.client.get("/models/production"), 404, "not-found")


def test_there_may_be_so_many_aliases(api: Live, store: FullStore, model_id: str) -> None:
    """One alias more than may be is a 409 that says what to do; one that is there can still be moved."""
    registry = FullRegistry(store)
    for number in range(MOST_ALIASES):
        registry.set_alias(f"name-{number}", model_id)
    put = lambda name: api.client.put(f"/models/aliases/{name}", json={"model_id": model_id})  # noqa: E731
    body = problem(put("one-more"), 409, "too-many-aliases")
    assert body["detail"] == f"There are {MOST_ALIASES} aliases, the most that may be. Delete one first."
    assert put("name-7").status_code == 200
    declared = api.client.get("/openapi.json").json()["paths"]["/models/aliases/{name}"]["put"]["responses"]
    assert "409" in declared


def test_names_of_networks_that_are_switched_off(server: LiveRedis, store: FullStore, tmp_path: Path) -> None:
    """A pretrained network's name is no alias's, also where that network is not served."""
    model_id = publish(store, tmp_path, untrained())
    settings = Settings(redis_url=server.url, data_dir=tmp_path, decode_processes=1, stand_in=False)
    with live(settings) as alone:
        answer = alone.client.put("/models/aliases/efficientnet-lite0", json={"model_id": model_id})
        problem(answer, 422, "invalid-parameters")
