from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from support.ports import free_port
from support.processes import lives
from support.supervisor_process import PATIENCE, Starter
from support.waiting import wait_until
from support.worker_processes import BUSY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WITHOUT_REDIS = "warning: no answer from the Redis of BESTGUESS_REDIS_URL"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Starts supervisors, and ends those that the test leaves."""
    starter = Starter(tmp_path)
    yield starter
    starter.close()


def write(client: redis.Redis, start: Starter) -> None:
    """Store something, and wait until it is in the file: Redis may put that off while the disk is busy."""
    client.set("apple", "pear")
    [log] = (start.data_dir / "redis" / "appendonlydir").glob("*.incr.aof")
    wait_until(lambda: b"pear" in log.read_bytes(), PATIENCE)


def answers(client: redis.Redis) -> bool:
    """Whether Redis says PONG."""
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_redis_asks_for_the_password_and_keeps_its_data_in_the_data_folder(start: Starter) -> None:
    """The private Redis refuses a client without the password, and what is stored lies in the data folder."""
    up = start().started()
    with up.redis() as client:
        write(client, start)
        port = client.connection_pool.connection_kwargs["port"]
        with redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("apple")


def test_the_address_is_shown_once_the_api_answers(start: Starter) -> None:
    """Page, docs and a curl line are written once GET /healthz is answered."""
    out = start().started("curl").out
    for text in (f"http://127.0.0.1:{start.port}/\n", f":{start.port}/docs\n", f":{start.port}/classify\n"):
        assert text in out


def test_an_api_that_dies_is_started_again_after_longer_and_longer_pauses(start: Starter) -> None:
    """A killed API is started again after 1 s, then after 2 s, and each time a line says so."""
    up = start().started()
    for count, pause in ((1, 1), (2, 2)):
        began = time.monotonic()
        os.kill(int(up.apis()[-1]["pid"]), signal.SIGKILL)
        wait_until(lambda count=count: len(up.apis()) == count + 1, pause + PATIENCE)
        assert time.monotonic() - began >= pause
        assert up.err.count(f"The API was ended by SIGKILL; it is started again in {pause} s\n") == 1
    assert len({api["redis_url"] for api in up.apis()}) == 1


def test_a_redis_that_dies_comes_back_on_its_port_with_its_data(start: Starter) -> None:
    """After kill -9 of Redis the same URL works again, and what was stored is there."""
    up = start().started()
    with up.redis() as client:
        write(client, start)
        first = up.redis_pid()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: answers(client), PATIENCE)
        assert client.get("apple") == "pear"
        assert up.redis_pid() != first
    assert "Redis was ended by SIGKILL; it is started again in 1 s\n" in up.err


def test_data_is_there_after_a_second_up(start: Starter) -> None:
    """What is stored outlives the service, though the next Redis has another password."""
    up = start().started()
    with up.redis() as client:
        write(client, start)
    up.process.terminate()
    up.ended()
    again = start().started()
    with again.redis() as client:
        assert client.get("apple") == "pear"
    assert again.apis()[0]["redis_url"] != up.apis()[0]["redis_url"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(start: Starter, number: signal.Signals) -> None:
    """After SIGINT, SIGTERM or SIGHUP no process is left, and the exit code is 0."""
    up = start().started()
    groups = up.groups()
    up.process.send_signal(number)
    assert up.ended() == 0
    wait_until(lambda: not any(map(lives, groups)), 1 + BUSY)


def test_nohup_is_respected(start: Starter) -> None:
    """Started with SIGHUP ignored, it goes on after one: an API that dies later is started again."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        up = start()
    finally:
        signal.signal(signal.SIGHUP, before)
    up.started().process.send_signal(signal.SIGHUP)
    os.kill(int(up.apis()[0]["pid"]), signal.SIGKILL)
    wait_until(lambda: len(up.apis()) == 2, PATIENCE)
    assert "stopping" not in up.err


def test_a_child_that_ignores_sigterm_is_killed_with_its_own_children(start: Starter) -> None:
    """An API that ignores SIGTERM, and a process that it started, are gone within 5 s of the first SIGTERM."""
    up = start("stubborn").started()
    groups = up.groups()
    up.process.terminate()
    wait_until(lambda: "stopping" in up.err, 1 + BUSY)
    up.process.terminate()
    assert up.ended(5) == 0
    wait_until(lambda: not any(map(lives, groups)), 1 + BUSY)
    assert "The API did not stop within 4 s; it is killed\n" in up.err


def test_a_second_ctrl_c_kills_at_once(start: Starter) -> None:
    """The second SIGINT ends a stubborn API without waiting for its grace to be over."""
    up = start("stubborn").started()
    groups = up.groups()
    up.process.send_signal(signal.SIGINT)
    wait_until(lambda: "stopping" in up.err, 1 + BUSY)
    up.process.send_signal(signal.SIGINT)
    assert up.ended(2) == 0
    wait_until(lambda: not any(map(lives, groups)), 1 + BUSY)
    assert "did not stop within" not in up.err


def test_a_killed_supervisor_leaves_no_process(start: Starter) -> None:
    """After kill -9 of the supervisor Redis, a stubborn API and what that started are gone."""
    up = start("stubborn").started()
    groups = up.groups()
    assert all(map(lives, groups))
    up.process.kill()
    wait_until(lambda: not any(map(lives, groups)), 1 + BUSY)


def test_it_can_be_stopped_while_it_starts(start: Starter) -> None:
    """SIGTERM before the API answers ends everything, with exit code 0."""
    up = start("mute").started("redis_url")
    groups = up.groups()
    up.process.terminate()
    assert up.ended() == 0
    wait_until(lambda: not any(map(lives, groups)), 1 + BUSY)
    assert "page" not in up.out


def test_a_taken_port_is_one_line_and_exit_code_2(start: Starter) -> None:
    """Where another program has the port nothing is started, and one line names the setting to change."""
    with socket.create_server(("127.0.0.1", start.port)):
        up = start()
        assert up.ended(PATIENCE) == 2
    assert re.fullmatch(rf"BESTGUESS_PORT={start.port}: [^\n]+\n", up.err)
    assert not (start.data_dir / "redis").exists()


def test_a_second_up_on_the_same_data_folder_is_refused(start: Starter) -> None:
    """Two supervisors never share a data folder; the second one says so in one line, and the first one goes on."""
    first = start().started()
    start.port = free_port()
    second = start()
    assert second.ended(PATIENCE) == 2
    assert re.fullmatch(r"BESTGUESS_DATA_DIR=[^\n]+another `bestguess up`[^\n]+\n", second.err)
    with first.redis() as client:
        assert answers(client)


def test_a_redis_that_does_not_answer_is_a_warning(start: Starter) -> None:
    """With the URL of a Redis that is away the service starts all the same, with a warning and no Redis of its own."""
    up = start(BESTGUESS_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0").started()
    wait_until(lambda: WITHOUT_REDIS in up.err, PATIENCE)
    assert not (start.data_dir / "redis").exists()


def test_a_redis_that_answers_is_used(start: Starter) -> None:
    """With the URL of a Redis that is there the API is told of that one, and no other is started."""
    url = start().started().apis()[0]["redis_url"]
    there = start.data_dir
    start.data_dir, start.port = there.with_name("other"), free_port()
    up = start(BESTGUESS_REDIS_URL=url).started()
    assert up.apis()[0]["redis_url"] == url
    assert not (start.data_dir / "redis").exists()
    assert WITHOUT_REDIS not in up.err


def test_data_that_redis_cannot_read_is_one_line_and_exit_code_1(start: Starter) -> None:
    """A Redis that cannot read what an other one wrote ends the start; a line says who wrote it and what to do."""
    logs = start.data_dir / "redis" / "appendonlydir"
    logs.mkdir(parents=True)
    (logs / "appendonly.aof.manifest").write_text("file appendonly.aof.1.base.rdb seq 1 type b\n")
    (logs / "appendonly.aof.1.base.rdb").write_bytes(b"VALKEY999")
    (logs.parent / "written-by").write_text("valkey-99.0\n")
    up = start()
    assert up.ended(PATIENCE) == 1
    assert re.search(r"^bestguess: Redis .+ was written by valkey-99\.0.+$", up.err, re.MULTILINE)
    assert not up.apis()


def test_json_is_json(start: Starter) -> None:
    """Where the log is JSON, what the supervisor says is too."""
    up = start(BESTGUESS_LOG_FORMAT="json").started()
    up.process.terminate()
    assert up.ended(10) == 0
    said = [json.loads(line) for line in up.err.splitlines() if line.startswith("{")]
    wanted = {"logger": "bestguess.up", "message": "stopping; Ctrl-C kills at once"}
    assert any(wanted.items() <= line.items() for line in said)
