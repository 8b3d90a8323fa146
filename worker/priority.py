"""Beside an API on the same cores, training gives way to answering."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_AUTOGROUP = Path("/proc/self/autogroup")


def give_way(niceness: int) -> None:
    """Lower the priority of this process, and with it that of its children to come.

    10 leaves a tenth of a busy core, in Linux's scheduler: a network that computes on all cores waits for its slowest
    thread, so that what training takes counts more than once. A job begins late beside an API that is never idle.

    Where Linux groups processes by session (sched(7), "The autogroup feature"), niceness counts within a session only,
    and `bestguess up` gives every child one: there the session's group is made nice as well. A session that others
    lead, such as a person's terminal, is left alone.
    """
    os.nice(niceness)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # no such feature in this kernel, or not for us to change
            _AUTOGROUP.write_text(str(niceness))
