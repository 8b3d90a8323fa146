"""The service as a process: when it refuses to start, and what it does not say."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support.api_keys import add_key
from support.live_server import NO_MIRROR, answers
from support.ports import free_port
from support.waiting import wait_until

SERVE = (sys.executable, "-m", "app.serve")
UP = (str(Path(sys.executable).parent / "bestguess"), "up")
PASSWORD = "correct-horse"


def environment(folder: Path, **settings: object) -> dict[str, str]:
    """Write settings as a shell would."""
    values = {"data_dir": folder, "mirror": NO_MIRROR, "stand_in": "off", "port": free_port()} | settings
    return os.environ | {f"BESTGUESS_{name.upper()}": str(value) for name, value in values.items()}


@pytest.mark.parametrize("command", [SERVE, UP], ids=["serve", "up"])
def test_no_keys_no_start(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Off loopback the service refuses to start without keys, in one line that names the command to type."""
    result = subprocess.run(
        command, env=environment(tmp_path, host="0.0.0.0"), capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode in {1, 2}
    line = result.stderr.strip()
    assert "\n" not in line
    assert "BESTGUESS_HOST='0.0.0.0'" in line
    assert f"{tmp_path}/keys.json" in line
    assert "`bestguess keys create NAME --scope classify --scope train`" in line
    assert "BESTGUESS_ALLOW_ANONYMOUS=1" in line


def test_no_secret_is_said(tmp_path: Path) -> None:
    """Neither a key, wherever a client puts it, nor Redis's password is in the log, an answer or a command line."""
    header = add_key(tmp_path / "keys.json", "ann", "train")
    token = header["Authorization"].removeprefix("Bearer ")
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    url = f"redis://:{PASSWORD}@127.0.0.1:9/0"
    values = environment(tmp_path, log_level="debug", redis_url=url, host="127.0.0.1")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(SERVE, env=values, stdout=log, stderr=log)
    said = []
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{values['BESTGUESS_PORT']}", timeout=30) as client:
            wait_until(lambda: answers(client), 60)
            for secret in (token, wrong):
                sent = {"Authorization": f"Bearer {secret}"}
                said += [client.get(f"/models/{secret}", params={"api_key": secret}, headers=sent).headers]
                said += [client.post(f"/jobs/mnist-train?key={secret}", headers=sent).text]
                said += [
                    client.get(address, headers=sent).text for address in ("/models", "/jobs", "/metrics", "/readyz")
                ]
        arguments = Path(f"/proc/{process.pid}/cmdline")
        said += [arguments.read_text()] if arguments.exists() else []
    finally:
        process.terminate()
        process.wait(30)
    written = (tmp_path / "log").read_text()
    assert written.count("/models/{model_id}") == 2  # what was asked, by its route's name
    for secret in (token[12:], PASSWORD):
        for text in (written, *map(str, said)):
            assert secret[:-1] not in text
