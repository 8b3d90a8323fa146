"""The service that is measured: whose settings it has."""

from pathlib import Path

import pytest

from app.settings import Settings
from benchmarks.service import _environment
from benchmarks.serving import _OWN
from vision.networks import LITE0, VGG16, Network
from vision.weights import FoundWeights

MADE_UP = FoundWeights(None, "random", None, verified=False, size=None)


@pytest.mark.parametrize("network", [VGG16, LITE0])
def test_what_is_the_operators_is_left_alone(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The private service writes neither into the operator's bucket nor into the operator's Redis."""
    for name, value in (("ARTIFACTS_URL", "s3://operator/models"), ("REDIS_URL", "redis://x"), ("QUEUE_SIZE", "7")):
        monkeypatch.setenv(f"BESTGUESS_{name}", value)
    for name, value in _environment(network, MADE_UP, tmp_path, 4711).items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert (settings.artifacts_url, settings.redis_url, settings.queue_size) == (None, None, 7)
    assert settings.data_dir == tmp_path / "data"


def test_what_is_written_down_names_nobodys_places() -> None:
    """Addresses, folders and whatever may hold a key are left out of the numbers' file."""
    assert {"artifacts_url", "redis_url", "data_dir", "mirror", "weights"} <= _OWN
    told = Settings(artifacts_url="/srv/secret").model_dump(mode="json", exclude=_OWN)
    assert "secret" not in str(told)
