"""Trained networks whose files are gone, damaged, or removed in the very moment in which they are asked for."""

from __future__ import annotations

import gc
import shutil
import weakref
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from app.inference.model_cache import load_digits
from jobs.trained import TrainedModel
from support.classify_requests import DIGIT, problem
from support.stores import FullRegistry, FullStore
from support.trained_models import publish, untrained

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.artifacts import ArtifactStore
    from support.live_server import Live

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


class RemovedMeanwhile:
    """A store out of which a network is removed in the moment in which its file is asked for."""

    def __init__(self, real: ArtifactStore, registry: FullRegistry) -> None:
        self._real, self._registry = real, registry

    def fetch(self, job_id: str, name: str, sha256: str, to: Path) -> Path:
        """Remove it, then look for it."""
        self._registry.remove(job_id)
        self._real.remove(job_id)
        return self._real.fetch(job_id, name, sha256, to)


def test_one_network_without_its_report(api: Live, model_id: str, data_dir: Path) -> None:
    """Where only the report cannot be had, the page has everything else, and says why."""
    path = data_dir / "models" / model_id / "report.json"
    path.write_text("{}")
    changed = api.client.get(f"/models/{model_id}").json()
    assert (changed["report"], changed["trouble"]) == (None, "Its report is damaged.")
    path.unlink()
    assert api.client.get(f"/models/{model_id}").json() == changed
    assert len(changed["layers"]) == 4
    assert changed["trained"]["test_accuracy"] == 0.9
    response = api.client.get(f"/models/{model_id}/report")
    problem(response, 503, "model-unusable")
    assert int(response.headers["Retry-After"]) > 0


def test_a_file_that_was_changed_is_not_loaded(api: Live, store: FullStore, data_dir: Path) -> None:
    """A file that is not the one its job recorded is refused, whatever it is; so is one that is gone."""
    damaged, gone = (publish(store, data_dir, untrained(seed)) for seed in (0, 1))
    path = data_dir / "models" / damaged / "model.keras"
    path.write_bytes((data_dir / "models" / gone / "model.keras").read_bytes())
    shutil.rmtree(data_dir / "models" / gone)
    for model_id in (damaged, gone):
        for _ in range(2):
            answer = api.client.post(f"/models/{model_id}/classify", files=DIGIT)
            assert "Delete it" in str(problem(answer, 503, "model-unusable")["detail"])
            assert int(answer.headers["Retry-After"]) > 0
        problem(api.client.get(f"/models/{model_id}/download"), 503, "model-unusable")


def test_a_network_that_is_removed_while_it_is_asked(api: Live, store: FullStore, data_dir: Path) -> None:
    """Whoever has found a network when it is removed is told that it is not there, and not that it is damaged."""
    files, registry = api.state["catalog"]._trained.files, FullRegistry(store)
    real = files._store
    for call in ("classify", "download", "report", ""):
        model_id = publish(store, data_dir, untrained())
        files._store = cast("ArtifactStore", RemovedMeanwhile(real, registry))
        try:
            url = f"/models/{model_id}/{call}".rstrip("/")
            answer = api.client.post(url, files=DIGIT) if call == "classify" else api.client.get(url)
        finally:
            files._store = real
        assert "removed" in str(problem(answer, 404, "not-found")["detail"])


def test_networks_that_were_let_go_leave_memory(tmp_path: Path) -> None:
    """Of networks that are loaded one after the other and let go, only the last is still in memory."""
    path = tmp_path / "model.keras"
    untrained().save(path)
    facts = {"sha256": "0" * 64, "bytes": 1, "params": {}, "result": {}, "kind": "mnist-train"}
    left = []
    gc.disable()  # it would run in time here, where a service that is large gives it no reason to
    try:
        for number in range(3):
            model = TrainedModel(id=f"job_{number}", job_id=f"job_{number}", created_at=datetime.now(UTC), **facts)
            served = load_digits(model, path, capacity=1, linger=0)
            assert served.batcher
            left.append(weakref.ref(served.batcher.run))
            served.close()
            del served
        assert [runner() is None for runner in left[:-1]] == [True, True]
    finally:
        gc.enable()
