"""What people outside the repository rely on is as the committed snapshots say."""

import difflib

import pytest

from support.snapshots import FOLDER, SNAPSHOTS, text_of

RENEW = "If the change is meant, tell users in CHANGELOG.md, and run: PYTHONPATH=tests python -m support.snapshots"


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_snapshot(name: str) -> None:
    """The code has the names, types and defaults of the committed snapshot."""
    kept, made = (FOLDER / f"{name}.json").read_text(encoding="utf-8"), text_of(name)
    changes = list(difflib.unified_diff(kept.splitlines(), made.splitlines(), "committed", "now", lineterm="", n=2))
    assert not changes, "\n".join([f"tests/snapshots/{name}.json differs. {RENEW}", *changes[:60]])


def test_every_file_is_compared() -> None:
    """No snapshot lies there that nothing compares, and none is empty."""
    assert {path.stem for path in FOLDER.iterdir()} == set(SNAPSHOTS)
    assert all(path.stat().st_size > 10 for path in FOLDER.iterdir())
