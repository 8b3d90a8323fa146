from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings, SettingsError, load_settings


def test_defaults_need_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a variable every setting has a value that works on a laptop."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"BESTGUESS_{name.upper()}", raising=False)
    settings = load_settings()
    assert (settings.host, settings.port, settings.data_dir) == ("127.0.0.1", 8000, Path("var"))
    assert (settings.weights, settings.stand_in, settings.precision) == ("imagenet", True, "auto")


@pytest.mark.parametrize(("word", "value"), [("on", True), ("off", False)])
def test_switches_are_words(monkeypatch: pytest.MonkeyPatch, word: str, value: bool) -> None:
    """A switch is `on` or `off`."""
    monkeypatch.setenv("BESTGUESS_STAND_IN", word)
    assert load_settings().stand_in is value


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable that cannot be used is named with its value, a line each."""
    monkeypatch.setenv("BESTGUESS_PORT", "80000")
    monkeypatch.setenv("BESTGUESS_PRECISION", "int4")
    with pytest.raises(SettingsError) as error:
        load_settings()
    lines = str(error.value).splitlines()
    assert [line.partition("=")[0] for line in lines] == ["BESTGUESS_PORT", "BESTGUESS_PRECISION"]
    assert "80000" in lines[0]


def test_frozen() -> None:
    """Settings do not change after they are read."""
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_every_setting_says_what_it_is() -> None:
    """Each setting has a description, from which the README's table is checked."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
