"""Completion as shells ask for it, with the ids that a service knows."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from support.live_server import Live

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.fixture
def api(api: Live) -> Live:
    """Serve, with the lists ready that take long at first: a shell waits a second for them, and no longer."""
    for path in ("/jobs", "/models", "/datasets"):
        assert api.client.get(path).status_code == 200
    return api


def test_completion_in_bash(api: Live, model_id: str, tmp_path: Path) -> None:
    """Bash completes commands, options, and the ids that the service knows; without a service, silently, none."""
    (tmp_path / "bestguess").write_text(f'#!/bin/sh\nexec {sys.executable} -m bestguess "$@"\n')
    (tmp_path / "bestguess").chmod(0o755)
    script = r"""
    eval "$(bestguess --show-completion bash)"
    ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bestguess_completion bestguess; echo "${COMPREPLY[*]}"; }
    ask bestguess cl; ask bestguess classify --to; ask bestguess jobs show job_
    ask bestguess models report be; ask bestguess jobs show --url http://127.0.0.1:9 job_
    """
    environment = os.environ | {"BESTGUESS_URL": str(api.client.base_url), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["/bin/bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["classify", "--top-k"]
    assert model_id in lines[2].split()
    assert lines[3:] == ["best", ""]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("shell", "environment"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "bestguess jobs watch job_"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "bestguess jobs watch job_", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_completion_in_other_shells(api: Live, model_id: str, shell: str, environment: dict[str, str]) -> None:
    """What zsh and fish ask for is answered in their own way, with what each job is beside its id."""
    wanted = (
        os.environ
        | {"BESTGUESS_URL": str(api.client.base_url)}
        | environment
        | {"_BESTGUESS_COMPLETE": f"complete_{shell}"}
    )
    done = subprocess.run([sys.executable, "-m", "bestguess"], env=wanted, capture_output=True, text=True, check=False)
    separator = '":"' if shell == "zsh" else "\t"
    assert f"{model_id}{separator}succeeded" in done.stdout
    assert done.stderr == ""


def test_completion_of_data_sets(api: Live) -> None:
    """A data set's id is completed, with its name beside it."""
    dataset_id = api.client.post("/datasets?name=pets").json()["id"]
    asked = {"_TYPER_COMPLETE_ARGS": "bestguess datasets show ds_", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    wanted = os.environ | {"BESTGUESS_URL": str(api.client.base_url), "_BESTGUESS_COMPLETE": "complete_fish"} | asked
    done = subprocess.run([sys.executable, "-m", "bestguess"], env=wanted, capture_output=True, text=True, check=False)
    assert f"{dataset_id}\tpets" in done.stdout
