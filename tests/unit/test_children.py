from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

import pytest

from bestguess.supervisor.children import Child, Command, ending, next_pause
from support.processes import lives
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-signal.SIGSEGV, "was ended by SIGSEGV"),
        (-50, "was ended by signal 50"),
    ],
)
def test_an_ending_is_told_in_words(code: int, words: str) -> None:
    """An exit code is told as such, and a signal by its name where it has one."""
    assert ending(code) == words


async def kept(child: Child, until: Callable[[], object]) -> None:
    """Keep a child until a condition holds, and then stop it."""
    keeping = asyncio.create_task(child.keep_running())
    await asyncio.to_thread(wait_until, until, 20)
    keeping.cancel()
    await asyncio.wait({keeping})
    await child.stop()


def test_a_program_that_is_not_there_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """A command that cannot be run is one more ending, after which comes a pause."""
    caplog.set_level(logging.INFO, "bestguess.up")
    words = "It ended with exit code 127; it is started again in 1 s"
    asyncio.run(kept(Child(Command("It", ("/no/such/program",), {}, 1)), lambda: words in caplog.messages))


def test_a_process_that_cannot_be_made_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """When the system refuses to start a process, that is an ending too."""
    caplog.set_level(logging.INFO, "bestguess.up")
    words = "It could not be started (Argument list too long); it is started again in 1 s"
    child = Child(Command("It", ("x" * 20_000_000,), {}, 1))  # longer than any system takes
    asyncio.run(kept(child, lambda: words in caplog.messages))


def test_a_child_leaves_no_process_of_its_own(tmp_path: Path) -> None:
    """What a child has started ends with it, even when it ends by itself."""
    note = tmp_path / "group"
    script = f"(trap '' TERM; sleep 60) & echo $$ > '{note}'; exit 3"
    child = Child(Command("It", ("/bin/sh", "-c", script), {"PATH": "/usr/bin:/bin"}, 1))
    asyncio.run(kept(child, lambda: note.exists() and note.read_text()))
    group = int(note.read_text())
    wait_until(lambda: not lives(group), 60)


def test_pauses_double_up_to_half_a_minute_and_begin_anew_after_a_long_life() -> None:
    """A child that keeps dying is started less and less often; one that lived for a minute at once again."""
    pauses = [0.0]
    for lived in (0, 0, 59.9, 0, 0, 0, 0, 60, 0):
        pauses.append(next_pause(pauses[-1], lived))
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30, 1, 2]
