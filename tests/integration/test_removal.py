"""Removing what is there, when Redis goes away in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobs.artifacts.folder import FolderStore
from support.dataset_uploads import made
from support.stores import FullDatasets, FullRegistry, FullStore

if TYPE_CHECKING:
    from pathlib import Path

    from support.live_server import Live
    from support.redis_server import LiveRedis

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


class LostMeanwhile(FolderStore):
    """A store during whose removals Redis loses its power."""

    def __init__(self, root: Path, server: LiveRedis) -> None:
        super().__init__(root)
        self._server = server

    def remove(self, job_id: str) -> None:
        """Remove the files."""
        self._server.kill()
        super().remove(job_id)


def test_a_removal_during_which_redis_is_lost(
    api: Live, server: LiveRedis, store: FullStore, model_id: str, data_dir: Path
) -> None:
    """What was removed from the records is removed, whatever becomes of Redis then; a worker does what is left."""
    lost: Any = LostMeanwhile(data_dir / "models", server)
    dataset = made(api.client)
    api.state["datasets"].artifacts = api.state["catalog"]._trained.files._store = lost
    for path in (f"/datasets/{dataset['id']}", f"/models/{model_id}"):
        assert api.client.delete(path).status_code == 204
        server.start()
        assert api.client.get(path).status_code == 404
    assert list(lost.root.iterdir()) == []
    assert len(FullDatasets(store).leftovers()) == len(FullRegistry(store).leftovers()) == 1
