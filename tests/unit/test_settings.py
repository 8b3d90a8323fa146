from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings, SettingsError, load_settings
from jobs.connection import connect
from vision.networks.registry import NETWORKS


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
    lines = dict(line.split("=", 1) for line in str(error.value).splitlines())
    assert lines.keys() == {"BESTGUESS_PORT", "BESTGUESS_PRECISION"}
    assert "80000" in lines["BESTGUESS_PORT"]


def test_frozen() -> None:
    """Settings do not change after they are read."""
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_every_setting_says_what_it_is() -> None:
    """Each setting has a description, from which the README's table is checked."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_password_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Redis's password is put into the URL from a file, whatever characters it has, in place of one that is there."""
    (tmp_path / "password").write_text("p/w:@%\n")
    monkeypatch.setenv("BESTGUESS_REDIS_PASSWORD_FILE", str(tmp_path / "password"))
    for given, made in {
        "redis://redis:6379/0": "redis://:p%2Fw%3A%40%25@redis:6379/0",
        "rediss://me:old@host:1/2?x=y": "rediss://me:p%2Fw%3A%40%25@host:1/2?x=y",
        "unix:///run/redis.sock?db=1": "unix://:p%2Fw%3A%40%25@/run/redis.sock?db=1",
    }.items():
        monkeypatch.setenv("BESTGUESS_REDIS_URL", given)
        assert load_settings().redis_url == made
        assert connect(made).connection_pool.connection_kwargs["password"] == "p/w:@%"


@pytest.mark.parametrize(("text", "word"), [(None, "cannot be read"), (" \n", "is empty")])
def test_no_password_in_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, word: str) -> None:
    """A file without a password, and a password without a Redis, are mistakes that name the variable."""
    path = tmp_path / "password"
    if text is not None:
        path.write_text(text)
    monkeypatch.setenv("BESTGUESS_REDIS_PASSWORD_FILE", str(path))
    with pytest.raises(SettingsError, match="BESTGUESS_REDIS_PASSWORD_FILE is of no use"):
        load_settings()
    monkeypatch.setenv("BESTGUESS_REDIS_URL", "redis://redis")
    with pytest.raises(SettingsError, match=f"BESTGUESS_REDIS_PASSWORD_FILE=.* {word}"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("vgg16", ("vgg16",)),
        (" vgg19 , vgg16,vgg19", ("vgg19", "vgg16")),
        ("efficientnet-lite0", ("efficientnet-lite0",)),
    ],
)
def test_networks_are_listed_with_commas(monkeypatch: pytest.MonkeyPatch, text: str, listed: tuple[str, ...]) -> None:
    """BESTGUESS_MODELS names networks, each once, in the order in which they come."""
    monkeypatch.setenv("BESTGUESS_MODELS", text)
    assert load_settings().listed == listed


@pytest.mark.parametrize("text", ["vgg17", "vgg16,", "vgg16;vgg19", "vgg16,no"])
def test_a_network_that_nobody_knows(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A name that is none of the table's is named in one line, with those that are."""
    monkeypatch.setenv("BESTGUESS_MODELS", text)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert str(error.value).startswith(f"BESTGUESS_MODELS='{text}': there is no pretrained network ")
    assert str(error.value).endswith(f"there are {', '.join(NETWORKS)}")
