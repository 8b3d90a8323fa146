from pathlib import Path

import pytest

from app.access.auth import keys_problem
from app.access.keys import change_keys
from app.settings import Settings
from support.api_keys import add_key

COMMAND = "`bestguess keys create NAME --scope classify --scope train`"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "guess.example"])
def test_off_loopback_keys_are_needed(tmp_path: Path, host: str) -> None:
    """Where others can call, the service starts with a key, or when it was told to let everybody in."""
    settings = Settings(data_dir=tmp_path, host=host)
    assert COMMAND in (keys_problem(settings) or "")
    assert keys_problem(Settings(data_dir=tmp_path, host=host, allow_anonymous=True)) is None
    add_key(settings.keys_path, "ann", "classify")
    assert keys_problem(settings) is None
    with change_keys(settings.keys_path) as keys:
        keys.clear()
    assert COMMAND in (keys_problem(settings) or "")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_none_is_needed(tmp_path: Path, host: str) -> None:
    """Where only this machine can call, the service starts without keys."""
    assert keys_problem(Settings(data_dir=tmp_path, host=host)) is None


@pytest.mark.parametrize("allow_anonymous", [True, False])
def test_a_broken_file_stops_the_start(tmp_path: Path, allow_anonymous: bool) -> None:
    """With a file that cannot be used nothing starts, whatever else was said, and the file is named."""
    settings = Settings(data_dir=tmp_path, allow_anonymous=allow_anonymous)
    settings.keys_path.write_text("{")
    assert str(settings.keys_path) in (keys_problem(settings) or "")
