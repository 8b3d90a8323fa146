"""What can keep a benchmark from being run, or from being compared, and what to do about it."""

from __future__ import annotations

from importlib.util import find_spec


class BenchError(Exception):
    """A part failed; the message says which and how."""

    exit_code = 1


class Refused(BenchError):
    """What was asked for makes no sense, or is not installed; nothing was measured. The message is one line."""

    exit_code = 2


def require(*modules: str) -> None:
    """Make sure that what only the benchmark uses is installed; nothing is imported.

    Raises:
        Refused: it is not.
    """
    if absent := [name for name in modules if find_spec(name) is None]:
        names = " and ".join(absent)
        raise Refused(f"This needs {names}: pip install 'bestguess[bench]', or, in a checkout, make bench.")
