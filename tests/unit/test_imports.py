import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "app.main",
        "bestguess.cli.main",
        "app.serve",
        "jobs",
        "vision.networks.registry",
        "vision.decode.sandbox",
        "vision.networks.weights",
    ],
)
def test_importing_loads_no_tensorflow(module: str) -> None:
    """TensorFlow is loaded when a model is, never by an import."""
    code = f"import sys, {module}; print([name for name in ('tensorflow', 'keras', 'torch') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_decode_processes_are_light() -> None:
    """A decode process imports neither TensorFlow nor the web framework."""
    code = "import sys, vision.decode.decoder\n"
    code += "print([n for n in ('tensorflow', 'keras', 'fastapi', 'h5py') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_nothing_happens_at_import() -> None:
    """Making the application is a call: importing it reads no setting, so a wrong one cannot break an import."""
    code = "import os; os.environ['BESTGUESS_PORT'] = 'x'; import app.main, app.serve, bestguess.cli.main"
    subprocess.run([sys.executable, "-c", code], check=True)
