"""The exit codes, for scripts: the only place that knows them."""

from __future__ import annotations

FAILED = 1
USAGE = 2
UNREACHABLE = 3
REFUSED = 4
INTERRUPTED = 130
BROKEN_PIPE = 141

MEANINGS = {
    0: "all is well",
    FAILED: "something failed: one picture of several, a training, a file",
    USAGE: "the command makes no sense as it stands",
    UNREACHABLE: "no service answers there",
    REFUSED: "the service is busy or not ready; try again later",
    INTERRUPTED: "ended by Ctrl-C",
    BROKEN_PIPE: "nobody reads the output any more, as after `| head`",
}
EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in MEANINGS.items()) + "."


def code_of(error: Exception) -> int:
    """Choose the exit code for what a service said, or did not say."""
    from bestguess.client import Busy, InvalidArgument, NotReady, ProblemError, ServiceUnreachable, UnexpectedAnswer

    match error:
        case InvalidArgument():
            return USAGE
        case ServiceUnreachable() | UnexpectedAnswer():
            return UNREACHABLE
        case Busy() | NotReady():
            return REFUSED
        case ProblemError() if error.status in GATEWAYS:
            return REFUSED
        case _:
            return FAILED


GATEWAYS = frozenset({502, 504})
