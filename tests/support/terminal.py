"""A command in a pseudo-terminal: its screen can be read, and keys typed."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CTRL_C = "\x03"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


_SIZE = frozenset({"COLUMNS", "LINES"})  # who has these in the environment does not ask the terminal


class Terminal:
    """One command; `shown` is all that it has written, and `text` the same without colours and movements."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], columns: int = 80) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={name: value for name, value in environment.items() if name not in _SIZE} | {"TERM": "xterm-256color"},
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - one system call, which takes no lock
        )
        os.close(theirs)
        self.shown = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(60)
        os.close(self._ours)

    @property
    def text(self) -> str:
        """What is shown, in plain letters."""
        return CONTROL.sub("", self.shown)

    def shows(self, sign: str, seconds: float = 120) -> None:
        """Wait for a text."""
        wait_until(lambda: sign in self.text or not self._reader.is_alive(), seconds)
        assert sign in self.text, self.text

    def types(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def ended(self, seconds: float = 120) -> int:
        """Wait for the end, and for all that was shown by then; the exit code."""
        code = self.process.wait(seconds)
        self._reader.join(60)
        return code

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a letter's bytes may come in two pieces
        with suppress(OSError):  # Linux's way of saying that nobody writes any more
            while piece := os.read(self._ours, 65536):
                self.shown += decoder.decode(piece)


def _take_terminal() -> None:
    """Make the terminal the command's own, so that Ctrl-C reaches it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
