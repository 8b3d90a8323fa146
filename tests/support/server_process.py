"""Base class of server processes that a test owns: they can be paused, and always end."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator


class ServerProcess:
    """What a Redis and an S3 server have in common."""

    _process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """End it, also while it hangs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Let it take connections and never answer, until the end of the block."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)
