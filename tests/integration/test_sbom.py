"""The list of what is inside."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_package_of_the_lock_is_listed() -> None:
    """`make sbom` lists each package of the lock with its version and at least one hash."""
    subprocess.run(["make", "sbom", f"PYTHON={sys.executable}", "GPU=0"], cwd=ROOT, check=True, capture_output=True)  # noqa: S607
    listed = {
        (each["name"].lower(), each["version"]): each["externalReferences"]
        for each in json.loads((ROOT / "dist" / "sbom.json").read_text())["components"]
    }
    locked = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert len(locked) > 50
    for name, version in locked:
        references = listed[name.lower(), version]
        assert any(reference.get("hashes") for reference in references), name
