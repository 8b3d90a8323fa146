"""The command line after `pip install bestguess`: our packages and the client's dependencies, nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

ROOT = Path(__file__).parents[2]
OURS = {"app", "bestguess", "jobs", "vision", "worker"}  # in the wheel, whichever extras are chosen
CLIENT = {
    *("httpx", "httpcore", "h11", "anyio", "sniffio", "idna", "certifi"),
    *("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"),
    *("typer", "annotated_doc", "shellingham", "click", "rich", "pygments", "markdown_it", "mdurl"),
}
PROGRAM = """
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

class Installed(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        package = name.partition(".")[0]
        others = {installed!r} and package not in sys.stdlib_module_names | {installed!r} and package[0] != "_"
        return None if package in {missing!r} or others else super().find_spec(name, path, target)

sys.meta_path[:] = [BuiltinImporter, FrozenImporter, Installed]
from bestguess.cli.main import main
main()
"""


def run_without(
    *arguments: str,
    missing: Collection[str] = (),
    installed: Collection[str] = (),
    folder: Path = ROOT,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run a command where packages are missing; if `installed` are given, all others but the standard library's are."""
    program = PROGRAM.format(missing=set(missing), installed=set(installed))
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BESTGUESS_")}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=plain | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def run_light(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command with the packages of a light install."""
    return run_without(*arguments, installed=OURS | CLIENT, folder=folder)
