"""The command line of the benchmarks: what it refuses before anything is measured."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from benchmarks.__main__ import app, check_installed
from benchmarks.machine import describe_machine
from benchmarks.processes import UsageError


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(
    ("arguments", "unused"),
    [
        (["--precision", "--seconds", "15"], "--seconds"),
        (["--precision", "--no-beside", "--against", "litserve"], "--beside, --against"),
        (["--precision", "--steps", "10"], "--steps"),
        (["--training", "--precision"], "--precision"),
        (["--training", "--model", "vgg16"], "--model"),
        (["--training", "--compare", "x.json"], "--compare"),
        (["--steps", "10"], "--steps"),
    ],
)
def test_options_without_a_use_are_refused(arguments: list[str], unused: str) -> None:
    """An option that the measurement makes no use of is refused by name, even where it was given its default."""
    result = _run(*arguments)
    assert result.exit_code == 2
    assert f"makes no use of {unused}. " in result.stderr


def test_a_wrong_setting_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with a value that cannot be used is named, without a traceback."""
    monkeypatch.setenv("BESTGUESS_PORT", "80000")
    result = _run("--precision", "--model", "efficientnet-lite0")
    assert (result.exit_code, result.stderr.strip().count("\n")) == (2, 0)
    assert "BESTGUESS_PORT" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--connections", "1,many"], "'1,many'"),
        (["--out", "absent/x.json"], "absent"),
        (["--photos", "absent"], "absent"),
        (["--precision", "--photos", "absent"], "absent"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_measured(arguments: list[str], words: str) -> None:
    """Connections that are no numbers, an --out without a folder, photos that are not there: one line, exit code 2."""
    result = _run(*arguments)
    assert (result.exit_code, result.stderr.strip().count("\n")) == (2, 0)
    assert words in result.stderr


def test_another_machines_file_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    """A file of another machine is refused in one line that says in what it differs, with exit code 2."""
    machine = describe_machine() | {"cores": 4096}
    (tmp_path / "x.json").write_text(json.dumps({"kind": "serving", "format": 1, "machine": machine}))
    result = _run("--compare", str(tmp_path / "x.json"))
    assert (result.exit_code, result.stderr.strip().count("\n")) == (2, 0)
    assert "another machine (cores 4096 there" in result.stderr


def test_what_is_not_installed_is_named() -> None:
    """A missing package of the benchmark is one line that says what to install."""
    check_installed("json")
    with pytest.raises(UsageError, match=r"needs no_such_load: run `make bench`"):
        check_installed("json", "no_such_load")
