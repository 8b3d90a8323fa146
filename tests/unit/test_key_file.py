import hmac
import inspect
import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.access.keys import (
    MOST_BYTES,
    REFRESH_SECONDS,
    Key,
    Keyring,
    KeysUnusable,
    change_keys,
    digest,
    new_token,
    read_keys,
    token_id,
)
from jobs.telemetry.masking import API_KEY
from support.api_keys import add_key, bearer, key


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a file of keys that is not there yet."""
    return tmp_path / "keys.json"


class Ring(Keyring):
    """A keyring whose next look is always due."""

    def __init__(self, path: Path) -> None:
        self.clock = Clock()
        super().__init__(path, self.clock)

    def refresh(self) -> None:
        """Look at the file after a while."""
        self.clock.now += REFRESH_SECONDS
        super().refresh()

    def knows(self, header: dict[str, str]) -> bool:
        """Look, and say whether a key is good."""
        self.refresh()
        return self.find(header["Authorization"].removeprefix("Bearer ")) is not None


def test_a_key_has_256_random_bits() -> None:
    """Keys begin with bg_ and what may be shown of them, and no two are alike."""
    made = {new_token() for _ in range(1000)}
    assert len(made) == 1000
    for token in made:
        assert API_KEY.fullmatch(token)
        assert token.startswith(f"bg_{token_id(token)}_")


def test_the_file_does_not_have_the_key(path: Path) -> None:
    """A hash is kept, which no part of the key can be read from, and only its owner can read the file."""
    token = add_key(path, "ann", "train")["Authorization"].removeprefix("Bearer ")
    content = path.read_text()
    secret = token.split("_", 2)[2]  # which may contain "_" itself
    assert secret not in content
    assert read_keys(path)[0].sha256 == digest(token)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_whole_digest_is_compared(path: Path) -> None:
    """A key with the right beginning and another end is not good, nor one whose id nobody has."""
    good = add_key(path, "ann", "train")
    token = good["Authorization"].removeprefix("Bearer ")
    ring = Ring(path)
    assert ring.knows(good)
    for wrong in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token[:12] + "0" * 43,
        new_token(),
        token + "x",
    ):
        assert not ring.knows(bearer(wrong))
    assert not ring.knows(bearer(read_keys(path)[0].sha256))


def test_digests_are_compared_in_constant_time(path: Path) -> None:
    """Whatever has a key's form costs one comparison of two digests, by `hmac.compare_digest`, known or not."""
    compared = []

    def compare(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    header = add_key(path, "ann", "train")
    ring = Keyring(path, compare=compare)
    ring.refresh()
    assert ring.find(header["Authorization"].removeprefix("Bearer "))
    assert not ring.find(new_token())
    assert compared == [(64, 64)] * 2
    assert inspect.signature(Keyring).parameters["compare"].default is hmac.compare_digest


def test_a_change_is_seen(path: Path) -> None:
    """A new key is good and a revoked one is not, without a restart; the first one closes the service."""
    ring = Ring(path)
    ring.refresh()
    assert not ring.closed
    ann, bob = add_key(path, "ann", "train"), add_key(path, "bob", "train")
    assert ring.knows(ann)
    assert ring.knows(bob)
    with change_keys(path) as keys:
        del keys[0]
    assert not ring.knows(ann)
    assert ring.knows(bob)
    with change_keys(path) as keys:
        keys.clear()
    assert not ring.knows(bob)
    assert ring.closed


def test_the_file_is_looked_at_once_a_second(path: Path) -> None:
    """Many requests in a second cost one look."""
    clock = Clock()
    ring = Keyring(path, clock)
    ring.refresh()
    add_key(path, "ann", "train")
    clock.now += REFRESH_SECONDS / 2
    ring.refresh()
    assert not ring.closed
    clock.now += REFRESH_SECONDS
    ring.refresh()
    assert ring.closed


def test_a_secret_that_is_swapped(tmp_path: Path) -> None:
    """Kubernetes swaps a link to a folder, so that the path stays and everything behind it is another file."""
    first, second = tmp_path / "..1", tmp_path / "..2"
    ann, bob = add_key(first / "keys.json", "ann", "train"), add_key(second / "keys.json", "bob", "train")
    os.utime(second / "keys.json", ns=((first / "keys.json").stat().st_mtime_ns,) * 2)
    data, path = tmp_path / "..data", tmp_path / "keys.json"
    data.symlink_to(first.name)
    path.symlink_to("..data/keys.json")
    ring = Ring(path)
    assert ring.knows(ann)
    (tmp_path / "..new").symlink_to(second.name)
    (tmp_path / "..new").replace(data)
    assert not ring.knows(ann)
    assert ring.knows(bob)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 2}',
        b'{"keys": [{"name": "ann"}]}',
        b"\xff\xfe",
        b"{}" + b" " * MOST_BYTES,
    ],
)
def test_a_broken_file_keeps_the_last_keys(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A file that cannot be used changes nothing: its last good keys stay in force, and the log says so, once."""
    ann, ring = add_key(path, "ann", "train"), Ring(path)
    assert ring.knows(ann)
    good = path.read_bytes()
    path.write_bytes(content)
    for _ in range(3):
        assert ring.knows(ann)
        assert ring.closed
        assert str(path) in (ring.trouble or "")
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    path.write_bytes(good)
    assert ring.knows(ann)
    assert ring.trouble is None


def test_a_file_of_a_later_version(path: Path) -> None:
    """Unknown fields shut nobody out, and those of a key are still there after the file was changed."""
    ann = add_key(path, "ann", "train")
    content = json.loads(path.read_bytes())
    content["keys"][0]["note"] = content["policy"] = {"x": 1}
    path.write_text(json.dumps(content))
    bob = add_key(path, "bob", "train")
    assert [bool(Ring(path).knows(who)) for who in (ann, bob)] == [True, True]
    assert json.loads(path.read_bytes())["keys"][0]["note"] == {"x": 1}


def test_a_file_that_is_gone_opens_nothing(path: Path) -> None:
    """Once there were keys, removing their file under the service lets nobody in who was not let in before."""
    ann, ring = add_key(path, "ann", "train"), Ring(path)
    assert ring.knows(ann)
    path.unlink()
    assert ring.knows(ann)
    assert ring.closed
    assert "gone" in (ring.trouble or "")


def test_a_file_that_never_could_be_read_lets_nobody_in(path: Path) -> None:
    """A service that finds a broken file at its start is closed to everybody until it is mended."""
    path.write_text("{")
    ring = Ring(path)
    ring.refresh()
    assert ring.closed
    assert ring.trouble
    path.unlink()
    ann = add_key(path, "ann", "train")
    assert ring.knows(ann)


def test_trouble_does_not_repeat_the_file(path: Path) -> None:
    """Who has put a key itself into the file does not find it in the log."""
    token = new_token()
    add_key(path, "ann", "train")
    path.write_text(path.read_text().replace('"train"', f'"{token}"'))
    with pytest.raises(KeysUnusable) as error:
        read_keys(path)
    assert token not in str(error.value)
    assert "keys.0.scopes.0" in str(error.value)


@pytest.mark.parametrize("name", ["", "Ann", "a b", "-a", "a" * 65, "*", "a:b", "ann\n", "ä"])
def test_names_are_plain(name: str) -> None:
    """A key's name, which stands in keys of Redis and in the log, has nothing in it that means something there."""
    with pytest.raises(ValidationError):
        key(new_token(), name, "train")


@pytest.mark.parametrize("rate", [{"calls": 0, "seconds": 0}, 5, "0/minute", "often"])
def test_a_rate_is_text(rate: object) -> None:
    """A rate in the file is text such as 60/minute; anything else is refused when the file is read."""
    fields = key(new_token(), "ann", "train").model_dump(mode="json") | {"rate": rate}
    with pytest.raises(ValidationError, match="rate"):
        Key.model_validate_json(json.dumps(fields))


def test_no_two_keys_have_one_name(path: Path) -> None:
    """A file in which a name stands twice is not used: nobody could say which one is revoked."""
    add_key(path, "ann", "train")
    with pytest.raises(KeysUnusable, match="same name"), change_keys(path) as keys:
        keys.append(key(new_token(), "ann", "train"))
    assert len(read_keys(path)) == 1


def _add_many(path: Path, names: list[str]) -> None:
    for name in names:
        add_key(path, name, "train")


def test_two_writers(path: Path) -> None:
    """Two who make keys at the same time lose none of them."""
    names = [[f"{who}{number}" for number in range(10)] for who in "ab"]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_many, args=(path, some)) for some in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert {one.name for one in read_keys(path)} == {name for some in names for name in some}


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Where no file can be written, the error says which and why."""
    (tmp_path / "file").write_text("")
    with pytest.raises(KeysUnusable, match=r"keys\.json cannot be written"):
        add_key(tmp_path / "file" / "keys.json", "ann", "train")
