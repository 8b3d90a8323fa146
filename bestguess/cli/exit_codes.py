"""Exit codes of the command line, for scripts. No other module defines one."""

from __future__ import annotations

FAILED = 1
USAGE = 2
UNREACHABLE = 3
REFUSED = 4
INTERRUPTED = 130
BROKEN_PIPE = 141

MEANINGS = {
    0: "success",
    FAILED: "something failed: one of several images, a training, a file",
    USAGE: "the command is used incorrectly",
    UNREACHABLE: "no service answers at that address",
    REFUSED: "the service is busy or not ready; try again later",
    INTERRUPTED: "ended by Ctrl-C",
    BROKEN_PIPE: "the reader of the output is gone, as after `| head`",
}
EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in MEANINGS.items()) + "."

GATEWAY_STATUSES = frozenset({502, 504})


def exit_code_of(error: Exception) -> int:
    """Return the exit code for an error of the client."""
    from bestguess.client import Busy, InvalidArgument, NotReady, ProblemError, ServiceUnreachable, UnexpectedAnswer

    match error:
        case InvalidArgument():
            return USAGE
        case ServiceUnreachable() | UnexpectedAnswer():
            return UNREACHABLE
        case Busy() | NotReady():
            return REFUSED
        case ProblemError() if error.status in GATEWAY_STATUSES:
            return REFUSED
        case _:
            return FAILED
