"""Errors that Redis answers: provoked in a real server, or injected by a proxy in front of it."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from support.redis_server import LiveRedis, live_redis
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = re.compile(rb"(?:^|\r\n)\*\d+\r\n")  # the beginning of each command in RESP
EVERYTHING = {"keys": ["*"], "channels": ["*"], "commands": ["+@all"]}


class _Front(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False  # the clients end their connections

    def __init__(self, path: str, target: str) -> None:
        super().__init__(path, _Line)
        self.target = target
        self.refusal: bytes | None = None


class _Line(socketserver.BaseRequestHandler):
    server: _Front

    def handle(self) -> None:
        """Carry bytes both ways, and answer each command with the refusal while there is one."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as far:
            far.connect(self.server.target)
            threading.Thread(target=self._carry_back, args=(far,), daemon=True).start()
            while data := self.request.recv(1 << 20):
                if refusal := self.server.refusal:
                    self.request.sendall(refusal * len(COMMAND.findall(data)))
                else:
                    far.sendall(data)
            far.shutdown(socket.SHUT_RDWR)  # wakes the other thread

    def _carry_back(self, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(1 << 20):
                self.request.sendall(data)
            self.request.shutdown(socket.SHUT_RDWR)


class FaultyRedis:
    """A Redis behind a front; `url` is the front's."""

    def __init__(self, server: LiveRedis) -> None:
        self.server = server
        folder = Path(server.url.removeprefix("unix://")).parent
        self._folder = folder
        self._front = _Front(f"{folder}/front.sock", f"{folder}/redis.sock")
        self.url = f"unix://{folder}/front.sock"
        threading.Thread(target=self._front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """End the front."""
        self._front.shutdown()
        self._front.server_close()

    @contextmanager
    def answering(self, error: str) -> Iterator[None]:
        """Answer every command with an error."""
        self._front.refusal = f"-{error}\r\n".encode()
        try:
            yield
        finally:
            self._front.refusal = None

    def admin(self) -> redis.Redis:
        """Connect as a user of its own, whom no fault concerns."""
        with self.server.client() as client:
            client.acl_setuser("admin", enabled=True, passwords=["+admin"], **EVERYTHING)
        return redis.Redis.from_url(self.server.url.replace("unix://", "unix://admin:admin@"), decode_responses=True)

    @contextmanager
    def without(self, *rules: str) -> Iterator[None]:
        """Restrict the user that everybody is."""
        with self.admin() as admin:
            admin.execute_command("ACL", "SETUSER", "default", *rules)
            try:
                yield
            finally:
                admin.execute_command("ACL", "SETUSER", "default", "allkeys", "allchannels", "+@all")

    @contextmanager
    def set_to(self, **settings: object) -> Iterator[None]:
        """Configure the server."""
        wanted = {name.replace("_", "-"): value for name, value in settings.items()}
        with self.admin() as admin:
            before = {name: admin.config_get(name)[name] for name in wanted}
            for name, value in wanted.items():
                admin.config_set(name, value)
            try:
                yield
            finally:
                for name, value in before.items():
                    admin.config_set(name, value)

    @contextmanager
    def replica(self, **settings: object) -> Iterator[None]:
        """Be the replica of a primary that is away."""
        with self.set_to(**settings), self.admin() as admin:
            admin.replicaof("127.0.0.1", "1")
            try:
                yield
            finally:
                admin.replicaof("NO", "ONE")

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Run a script that does not end."""
        with self.set_to(busy_reply_threshold=1), self.admin() as admin, self.admin() as killer:
            endless = threading.Thread(target=_run_endless, args=(admin,))
            endless.start()
            wait_until(lambda: _is_busy(killer), 10)
            try:
                yield
            finally:
                killer.script_kill()
                endless.join()

    @contextmanager
    def unable_to_save(self) -> Iterator[None]:
        """Fail to save the data."""
        dump = self._folder / "dump.rdb"
        dump.mkdir()
        try:
            with self.set_to(save="3600 1"), self.admin() as admin:
                admin.bgsave()
                wait_until(lambda: admin.info("persistence")["rdb_last_bgsave_status"] == "err", 10)
                yield
        finally:
            dump.rmdir()

    @contextmanager
    def anew(self, **settings: object) -> Iterator[None]:
        """Configure the server, and let everybody connect anew."""
        with self.admin() as admin, self.set_to(**settings):
            admin.client_kill_filter(_type="normal", skipme=True)
            admin.client_kill_filter(_type="pubsub", skipme=True)
            yield

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Be dead."""
        self.server.kill()
        try:
            yield
        finally:
            self.server.start()


@contextmanager
def faulty_redis() -> Iterator[FaultyRedis]:
    """Start a server with a front."""
    with live_redis() as server, contextlib.closing(FaultyRedis(server)) as faulty:
        yield faulty


def _run_endless(client: redis.Redis) -> None:
    with contextlib.suppress(redis.ResponseError):
        client.eval("while true do end", 0)


def _is_busy(client: redis.Redis) -> bool:
    try:
        client.ping()
    except redis.ResponseError:
        return True
    return False


Fault = "Callable[[FaultyRedis], AbstractContextManager[None]]"


def _answer(error: str) -> Fault:
    return lambda faulty: faulty.answering(error)


FAULTS: dict[str, Fault] = {
    "NOPERM": lambda faulty: faulty.without("-@all"),
    "NOPERM for a key": lambda faulty: faulty.without("resetkeys", "~bestguess:"),
    "NOPERM for the channel": lambda faulty: faulty.without("resetchannels"),
    "READONLY": lambda faulty: faulty.replica(),
    "MASTERDOWN": lambda faulty: faulty.replica(replica_serve_stale_data="no"),
    "OOM": lambda faulty: faulty.set_to(maxmemory=1),
    "NOREPLICAS": lambda faulty: faulty.set_to(min_replicas_to_write=1),
    "BUSY": lambda faulty: faulty.busy(),
    "MISCONF": lambda faulty: faulty.unable_to_save(),
    "NOAUTH": lambda faulty: faulty.anew(requirepass="another"),
    "killed": lambda faulty: faulty.killed(),
}
# Those that a single server cannot be brought to, and one that nobody knows.
FAULTS |= {
    error.removeprefix("ERR ").partition(" ")[0]: _answer(error)
    for error in (
        "CLUSTERDOWN Hash slot not served",
        "MOVED 3999 127.0.0.1:6381",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "LOADING Redis is loading the dataset in memory",
        "EXECABORT Transaction discarded because of previous errors.",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "ERR max number of clients reached",
        "UNHEARDOF of today",
    )
}
