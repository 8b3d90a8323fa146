"""What tests with the real things share: a Redis, VGG16's layout filled from a seed, the service as a process."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from support.command_line import Desk, at_desk
from support.live_server import Live, Serve, live
from support.redis_server import LiveRedis, live_redis
from support.stores import FullStore, TwiceStore
from support.trained_models import publish, untrained
from support.worker_processes import Workplace, small_mnist
from vision.networks.random_weights import write_random
from vision.networks.vgg import VGG16


@pytest.fixture(scope="session")
def random_weights() -> Iterator[Path]:
    """Write half a gigabyte of seeded weights in the official layout, once; pytest would keep it for three runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.h5"
        write_random(path, VGG16.table.stored, seed=0)
        yield path


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start API processes in a folder of their own."""
    return Serve(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[LiveRedis]:
    """One Redis for all tests of a file; each leaves it running."""
    with live_redis() as server:
        yield server


@pytest.fixture
def store(server: LiveRedis) -> Iterator[FullStore]:
    """A store with no jobs in it."""
    with server.client() as client:
        client.flushall()
    with FullStore(server.url) as store:
        yield store


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One whole service for all tests of the command line: API, Redis and worker as processes."""
    with at_desk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small file of digits."""
    return small_mnist(tmp_path_factory.mktemp("digits") / "mnist.npz")


@pytest.fixture
def place(tmp_path: Path, mnist: Path) -> Iterator[Workplace]:
    """Set up a Redis and a data folder; end every worker after the test."""
    with live_redis() as redis:
        made = Workplace(redis, tmp_path, mnist)
        yield made
        made.end()


@pytest.fixture
def api(server: LiveRedis, tmp_path: Path) -> Iterator[Live]:
    """Serve with an empty Redis, and room for three queued jobs."""
    with server.client() as client:
        client.flushall()
    with live(Settings(redis_url=server.url, data_dir=tmp_path, decode_processes=1, max_queued_jobs=3)) as running:
        yield running


@pytest.fixture
def twice(server: LiveRedis) -> Iterator[TwiceStore]:
    """A store each of whose replies is lost once; whoever asks again must get the same answer."""
    with server.client() as client:
        client.flushall()
    with TwiceStore(server.url) as store:
        yield store
        assert store.unequal == []


@pytest.fixture
def data_dir(api: Live) -> Path:
    """Name the folder that the service shares with workers."""
    return api.state["settings"].data_dir


@pytest.fixture
def model_id(store: FullStore, data_dir: Path) -> str:
    """Publish one model."""
    return publish(store, data_dir, untrained(), learning_rate=0.01)


@pytest.fixture(scope="module")
def limited_api(server: LiveRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serve with small limits, so that hostile archives can be small too."""
    limits = {"max_body_bytes": 20_000, "max_dataset_bytes": 400_000, "max_dataset_images": 10, "max_datasets": 6}
    folder = tmp_path_factory.mktemp("data")
    with live(Settings(redis_url=server.url, data_dir=folder, decode_processes=1, **limits)) as service:
        yield service


@pytest.fixture
def visitor(limited_api: Live, server: LiveRedis) -> httpx.Client:
    """Call a service that has no data sets yet."""
    with server.client() as redis:
        redis.flushall()
    return limited_api.client
