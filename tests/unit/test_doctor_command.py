import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.ports import free_port


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have an environment without settings, and a home without Keras's cache."""
    for name in [name for name in os.environ if name.startswith("BESTGUESS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


TYPED = """
import sys
from bestguess.cli.main import main
try:
    main()
finally:
    print("tensorflow" in sys.modules, file=sys.stderr)
"""


def doctor(tmp_path: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Type the command."""
    values = {"data_dir": str(tmp_path), "mirror": "http://127.0.0.1:9", "port": str(free_port())} | settings
    environment = os.environ | {f"BESTGUESS_{name.upper()}": value for name, value in values.items()}
    command = [sys.executable, "-c", TYPED, "doctor", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_command(tmp_path: Path) -> None:
    """For programs it is JSON and an exit code; without Redis named nothing is wrong, and no TensorFlow is loaded."""
    done = doctor(tmp_path, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"], done.stderr) == (0, True, "False\n")
    about = [finding["about"] for finding in told["findings"]]
    assert {"settings", "weights", "data folder", "disk", "Redis", "port", "processor", "memory", "GPU"} <= set(about)
    assert told["findings"][0].keys() == {"about", "verdict", "found", "action"}


def test_the_table(tmp_path: Path) -> None:
    """For people it is a table in which nothing is cut off; something wrong is exit code 1, and no secret shows."""
    done = doctor(tmp_path, redis_url="redis://user:s3cret@127.0.0.1:9/0", prot="1")
    assert done.returncode == 1
    assert "BESTGUESS_PORT" in done.stdout
    assert "2 wrong" in done.stdout
    assert "…" not in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
    broken = doctor(tmp_path, port="x")
    assert broken.returncode == 1
    assert "Correct the settings first" in broken.stdout
