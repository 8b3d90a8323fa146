"""Schemathesis run as a command against a running service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support.fuzz_budget import long

if TYPE_CHECKING:
    from collections.abc import Mapping

TESTS = Path(__file__).parents[1]
PHASES = "examples,coverage,fuzzing,stateful"
QUICK = "examples,coverage,stateful"  # the first two try each bound of each parameter, once


def called(url: str, headers: Mapping[str, str], folder: Path, seed: int, examples: int = 2) -> str:
    """Call everything with every check; return what it found, or nothing. `examples` a call and a phase."""
    words = [
        "--phases",
        PHASES if long() else QUICK,
        "--checks",
        "all",
        "--exclude-checks",  # it knows one path of the document for an address; `test_allow` knows all
        "allow_header_conformance",
        "--continue-on-failure",
        "--no-color",
        "--warnings",
        "off",
    ]
    words += [f"--header={name}: {value}" for name, value in headers.items()]
    if long():
        words += ["--max-examples", "100", "--seed", str(seed)]
    else:
        words += ["--max-examples", str(examples), "--generation-deterministic", "--no-shrink"]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "support.schemathesis_hooks", "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr
