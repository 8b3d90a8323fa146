"""What is asked of a benchmark, and of one of its loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.problems import Refused

if TYPE_CHECKING:
    from pathlib import Path

    import typer

CONNECTIONS = "1,8,32,128"
USUAL = 32  # connections at which the ratios are taken
RIVAL_CONNECTIONS = (16, 32, 64)
MOST_CONNECTIONS = 800  # below the 1,024 files that a process may usually open


@dataclass(frozen=True, slots=True)
class Plan:
    """A benchmark of serving: `seconds` for each measurement, `connections` for each load of the service."""

    model: str
    seconds: float
    connections: tuple[int, ...]
    photos: Path | None
    beside: bool
    against: bool

    @property
    def level(self) -> int:
        """The connections at which ratios are taken: the usual ones, or the most that are measured."""
        return USUAL if USUAL in self.connections else self.connections[-1]


class Finetuning(NamedTuple):
    """A benchmark of fine-tuning: a base, photographs, epochs, and frozen layers; None: all but the last three.

    `photos` is a folder of photographs to cut them from, a class each; None: they are drawn.
    """

    base: str
    images: int
    epochs: int
    freeze: int | None
    photos: Path | None


SIZES = {*Finetuning._fields} - {"base", "photos"}  # its own options; the base is the model


@dataclass(frozen=True, slots=True)
class Load:
    """One load: `connections` send the photos of a folder to a URL for `seconds`, after a warm-up.

    The warm-up ends with so many answers, or after so many seconds, which is also how long a first answer is waited for
    afterwards. With a `rate` the requests come at so many a second, answered or not; without, each connection sends
    when it has its answer.
    """

    host: str
    path: str
    photos: str
    connections: int
    seconds: float
    warm_up_answers: int
    warm_up_seconds: float
    timeout: float
    rate: float | None = None


def connections_in(text: str) -> tuple[int, ...]:
    """Read `1,8,32`, in whatever order.

    Raises:
        Refused: it is something else.
    """
    try:
        numbers = sorted({int(number) for number in text.split(",")})
    except ValueError:
        numbers = []
    if not numbers or numbers[0] < 1 or numbers[-1] > MOST_CONNECTIONS:
        raise Refused(f"--connections {text!r}: name numbers from 1 to {MOST_CONNECTIONS}, for instance {CONNECTIONS}")
    return tuple(numbers)


def given(context: typer.Context, name: str) -> bool:
    """Say whether a person has chosen an option, be it its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def only(context: typer.Context, what: str, used: set[str]) -> None:
    """Make sure that nothing was asked for that will not be done; `used` are the names of options.

    Raises:
        Refused: naming what was.
    """
    unused = [f"--{name}" for name in context.params if name not in used and given(context, name)]
    if unused:
        raise Refused(f"{what} makes no use of {', '.join(unused)}. Leave that out.")
