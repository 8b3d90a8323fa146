import asyncio
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from bestguess.checks import CheckResult, Verdict, check_keys, ok
from bestguess.doctor import machine
from bestguess.doctor.doctor import check_port, check_variables, run_check
from bestguess.doctor.files import check_data, check_mnist, check_models, check_weights
from bestguess.supervisor import preflight
from bestguess.supervisor.preflight import PreflightError
from jobs.settings import WorkerSettings
from support.file_server import FileServer
from support.ports import free_port

ROOT = Path(__file__).parents[2]
OK, WARNING, WRONG = Verdict.OK, Verdict.WARNING, Verdict.WRONG


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have an environment without settings, and a home without Keras's cache."""
    for name in [name for name in os.environ if name.startswith("BESTGUESS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def only(results: Iterator[CheckResult]) -> CheckResult:
    """Return the only result."""
    (result,) = results
    return result


def test_a_variable_that_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that does not exist is wrong, and the one that was likely meant is named; its value is not."""
    monkeypatch.setenv("BESTGUESS_REDIS_ULR", "redis://:s3cret@host")
    monkeypatch.setenv("BESTGUESS_XYZZY", "1")
    near, far = check_variables(os.environ)
    assert (near.verdict, far.verdict) == (WRONG, WRONG)
    assert "BESTGUESS_REDIS_ULR" in near.found
    assert "BESTGUESS_REDIS_URL" in near.action
    assert "s3cret" not in near.found + near.action
    assert "Unset it" in far.action


def test_what_compose_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of docker-compose.yml, set on the same machine, is no mistake."""
    for name in ("BESTGUESS_ADDRESS", "BESTGUESS_GPU_IMAGE", "BESTGUESS_API_MEMORY", "BESTGUESS_MODELS_VOLUME"):
        assert any(name in path.read_text() for path in ROOT.glob("docker-compose*.yml"))
        monkeypatch.setenv(name, "something")
    assert not any("no such setting" in result.found for result in check_variables(os.environ))


def test_a_value_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong value is named once, though both halves read it, and so is one that only a worker reads."""
    monkeypatch.setenv("BESTGUESS_LOG_LEVEL", "loud")
    monkeypatch.setenv("BESTGUESS_WORKER_NICENESS", "99")
    loud, nice = check_variables(os.environ)
    assert loud.found.startswith("BESTGUESS_LOG_LEVEL='loud'")
    assert nice.found.startswith("BESTGUESS_WORKER_NICENESS='99'")


def test_settings_that_are_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set is listed by its name; the client's own variables are no mistakes."""
    monkeypatch.setenv("BESTGUESS_PORT", "8001")
    monkeypatch.setenv("BESTGUESS_API_KEY", "s3cret")
    result = only(check_variables(os.environ))
    assert result.verdict is OK
    assert "port" in result.found
    assert "s3cret" not in result.found


def test_weights(tmp_path: Path) -> None:
    """Missing weights are a warning while somebody stands in or they can be had, and wrong where nobody answers."""
    nowhere = {"data_dir": tmp_path, "mirror": "http://127.0.0.1:9"}
    missing = only(check_weights(Settings(**nowhere)))
    assert missing.verdict is WARNING
    assert str(tmp_path / "weights") in missing.action
    assert only(check_weights(Settings(**nowhere, stand_in=False))).verdict is WRONG
    assert only(check_weights(Settings(**nowhere, weights="random"))).verdict is WARNING
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"no weights")
    assert only(check_weights(Settings(**nowhere, weights=str(broken)))).verdict is WRONG


def test_weights_of_each_network(tmp_path: Path) -> None:
    """Each network that is loaded at the start is looked for, with the command that gets its file."""
    nowhere = {"data_dir": tmp_path, "mirror": "http://127.0.0.1:9"}
    first, other = check_weights(Settings(**nowhere, models="vgg16,vgg19"))
    assert (first.about, other.about) == ("weights of vgg16", "weights of vgg19")
    assert other.verdict is WARNING
    assert "questions to it are refused" in other.found
    assert list(check_weights(Settings(**nowhere, models="efficientnet-lite0"))) == []


def test_weights_that_bestguess_up_refuses(tmp_path: Path) -> None:
    """Weights that keep `bestguess up` from starting are wrong here too, in the same words."""
    settings = Settings(
        data_dir=tmp_path, models="vgg16,vgg19", weights=str(tmp_path / "none.h5"), mirror="http://127.0.0.1:9"
    )
    named, other = check_weights(settings)
    assert (named.about, named.verdict, other.about) == ("weights of vgg16", WRONG, "weights of vgg19")
    with pytest.raises(PreflightError) as error:
        asyncio.run(preflight.check(settings))
    assert str(error.value) == named.found


def test_keys_that_bestguess_up_refuses(tmp_path: Path) -> None:
    """An address that other machines can call without a key is wrong; with loopback there is no line."""
    result = only(check_keys(Settings(data_dir=tmp_path, host="0.0.0.0")))
    assert result.verdict is WRONG
    assert "bestguess keys create" in result.found
    assert list(check_keys(Settings(data_dir=tmp_path))) == []


def test_weights_that_can_be_had(tmp_path: Path) -> None:
    """Where the mirror answers, the service will get them by itself."""
    with FileServer(b"") as mirror:
        result = only(check_weights(Settings(data_dir=tmp_path, mirror=mirror.url)))
    assert result.verdict is WARNING
    assert "bestguess weights fetch" in result.action


def test_mnist(tmp_path: Path) -> None:
    """MNIST is looked for where a worker looks for it."""
    assert only(check_mnist(WorkerSettings(data_dir=tmp_path))).verdict is WARNING
    assert only(check_mnist(WorkerSettings(mnist=tmp_path / "nowhere"))).verdict is WRONG
    place = tmp_path / "datasets" / "mnist.npz"
    place.parent.mkdir()
    place.write_bytes(b"digits")
    assert only(check_mnist(WorkerSettings(data_dir=tmp_path))) == ok("MNIST", str(place))
    assert only(check_mnist(WorkerSettings(mnist=place))).verdict is OK


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    """A data folder that cannot be written is wrong; one that is not there yet will be made."""
    (tmp_path / "file").write_text("")
    assert next(check_data(Settings(data_dir=tmp_path / "file"))).verdict is WRONG
    well = list(check_data(Settings(data_dir=tmp_path / "new" / "deeper")))
    assert well[0].verdict is OK
    assert not (tmp_path / "new").exists()
    assert well[1].about == "disk"


def test_where_models_are(tmp_path: Path) -> None:
    """The folder of the models must be writable."""
    assert only(check_models(Settings(data_dir=tmp_path))).verdict is OK
    (tmp_path / "file").write_text("")
    assert only(check_models(Settings(artifacts_url=str(tmp_path / "file")))).verdict is WRONG


def test_a_port_that_is_taken() -> None:
    """Another program on the port is wrong, a free port is ok."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as other:
        threading.Thread(target=_hang_up, args=(other,), daemon=True).start()
        assert only(check_port(Settings(port=port))).verdict is WRONG
    assert only(check_port(Settings(port=port))).verdict is OK


def _hang_up(server: socket.socket) -> None:
    connection, _ = server.accept()
    connection.close()


@pytest.mark.parametrize(
    ("memory", "verdict"), [(16 * machine.GIB, OK), (2 * machine.GIB, WARNING), (machine.GIB, WRONG), (None, OK)]
)
def test_memory(memory: int | None, verdict: Verdict) -> None:
    """Too little memory to run is wrong, too little to load the networks is a warning; an unknown amount is neither."""
    assert only(machine.check_memory(memory)).verdict is verdict


def test_memory_of_more_networks() -> None:
    """Each further network that is loaded at the start needs memory of its own."""
    memory = 2_900_000 * 1024
    assert only(machine.check_memory(memory)).verdict is OK
    result = only(machine.check_memory(memory, ("vgg16", "vgg19")))
    assert (result.verdict, "3.7 GiB are needed while all networks" in result.action) == (WARNING, True)


def program(path: Path, script: str) -> tuple[str, ...]:
    """Make a program that stands for nvidia-smi."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return (str(path),)


def test_gpu(tmp_path: Path) -> None:
    """A GPU that our TensorFlow cannot use, a driver that does not answer, and none where one is wanted are found."""
    card = program(tmp_path / "card", "echo 'NVIDIA T4, 535.161.07, 15360'")
    broken = program(tmp_path / "broken", "echo 'NVIDIA-SMI has failed'; exit 9")
    unused = only(machine.check_gpu(WorkerSettings(), card))
    assert unused.found.startswith("NVIDIA T4")
    assert unused.verdict in {OK, WARNING}  # which flavour is installed here, the test does not choose
    failed = only(machine.check_gpu(WorkerSettings(), broken))
    assert (failed.verdict, "NVIDIA-SMI has failed" in failed.found) == (WRONG, True)
    wanted = only(machine.check_gpu(WorkerSettings(worker_device="gpu"), ("no-such-program",)))
    assert wanted.verdict is WRONG


@pytest.mark.parametrize(
    ("driver", "cuda", "verdict"),
    [
        ("535.161.07", "nvidia-cuda-runtime-cu12", OK),
        ("470.57.02", "nvidia-cuda-runtime-cu12", WRONG),
        ("535.161.07", None, WARNING),
    ],
)
def test_drivers(driver: str, cuda: str | None, verdict: Verdict) -> None:
    """A driver that is too old for our CUDA is wrong; a TensorFlow that has none leaves the card unused."""
    found = only(machine.check_cards([("NVIDIA T4", driver, "15360")], cuda, WorkerSettings()))
    assert found.verdict is verdict


def test_cuda_without_a_card() -> None:
    """A TensorFlow for CUDA on a machine without a GPU takes room for nothing."""
    assert only(machine.check_cards([], "nvidia-cuda-runtime-cu12", WorkerSettings())).verdict is WARNING


def test_tensorflow() -> None:
    """A service without TensorFlow cannot start; an installed one is not worth a line."""
    result = only(machine.check_tensorflow("tensorflow_that_is_absent"))
    assert result.verdict is WRONG
    assert "bestguess[cpu]" in result.action
    assert not list(machine.check_tensorflow())


def test_the_machine() -> None:
    """Processor and open files have a line each, on whatever machine this is."""
    assert only(machine.check_processor(Settings())).about == "processor"
    assert only(machine.check_open_files()).about == "open files"


def _raise() -> Iterator[CheckResult]:
    raise LookupError("redis://:s3cret@host")


@pytest.mark.parametrize("check", [_raise, lambda: time.sleep(60) or iter(())])
def test_a_check_that_fails(check: Callable[[], Iterator[CheckResult]]) -> None:
    """A check that raises or hangs is a wrong result without a secret; the other checks still run."""
    result = only(iter(run_check("it", check, patience=0.2)))
    assert result.verdict is WRONG
    assert "s3cret" not in result.found
