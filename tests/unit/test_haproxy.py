"""The proxy's configuration, read by HAProxy itself."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[2] / "deploy" / "haproxy" / "haproxy.cfg"


def test_haproxy_takes_it() -> None:
    """HAProxy finds neither an error nor anything to warn of."""
    program = shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        pytest.skip("no HAProxy on this machine; on Debian: apt-get install haproxy")
    done = subprocess.run([program, "-c", "-f", CONFIG], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "[WARNING]" not in said
    assert "[ALERT]" not in said
