from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.access.keys import digest, read_keys, token_id
from bestguess.cli.keys import ScopeName
from bestguess.cli.main import cli
from bestguess.schemas import Scope


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name the file of keys that the command line uses."""
    monkeypatch.setenv("BESTGUESS_KEYS_FILE", str(tmp_path / "keys.json"))
    return tmp_path / "keys.json"


def run(*words: str) -> Result:
    """Type `bestguess keys ...`."""
    return CliRunner().invoke(cli, ["keys", *words])


def test_scopes() -> None:
    """The command line offers every scope there is."""
    assert [scope.value for scope in ScopeName] == [scope.value for scope in Scope]


def test_create(path: Path) -> None:
    """A key is printed alone on stdout, so that a script can take it, and what was said of it is kept."""
    result = run("create", "ann", "--scope", "train", "--scope", "classify", "--rate", "60/minute", "--owner", "team")
    assert result.exit_code == 0
    token = result.stdout.strip()
    (kept,) = read_keys(path)
    assert kept.sha256 == digest(token)
    assert (kept.name, kept.owner, kept.scopes, str(kept.rate)) == ("ann", "team", ("classify", "train"), "60/minute")
    assert token not in result.stderr
    assert str(path) in result.stderr


def test_list_and_revoke(path: Path) -> None:
    """Keys are listed by what may be shown of them; a revoked one is gone, and the last one is told to be it."""
    token = run("create", "ann", "--scope", "train").stdout.strip()
    run("create", "ops", "--scope", "admin", "--rate", "5/second")
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "ann", "ops"]
    assert f"bg_{token_id(token)}_..." in lines[1]
    assert "5/second" in lines[2]
    assert token not in "".join(lines)
    assert run("revoke", "ann").exit_code == 0
    assert "last" in run("revoke", "ops").stderr
    assert read_keys(path) == ()
    assert "no keys" in run("list").stderr


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("create", "Ann", "--scope", "train"), 2, "a-z, 0-9"),
        (("create", "bob", "--scope", "train", "--rate", "60/fortnight"), 2, "60/minute"),
        (("create", "bob", "--scope", "train", "--owner", "a b"), 2, "owner 'a b'"),
        (("create", "bob", "--scope", "cook"), 2, "cook"),
        (("create", "bob"), 2, "--scope"),
        (("create", "ann", "--scope", "train"), 1, "already"),
        (("revoke", "bob"), 1, "no key bob"),
    ],
)
def test_mistakes(path: Path, words: tuple[str, ...], code: int, reason: str) -> None:
    """A mistake is one line that says what to write, and changes nothing."""
    run("create", "ann", "--scope", "train")
    before = path.read_bytes()
    result = run(*words)
    assert result.exit_code == code
    assert reason in result.stderr
    assert result.stdout == ""
    assert path.read_bytes() == before


def test_a_broken_file_is_not_overwritten(path: Path) -> None:
    """Where the file is something else, no command touches it."""
    path.write_text("notes\n")
    for words in (("create", "ann", "--scope", "train"), ("revoke", "ann"), ("list",)):
        result = run(*words)
        assert result.exit_code == 1
        assert "no file of keys" in result.stderr
    assert path.read_text() == "notes\n"
