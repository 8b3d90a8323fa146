"""`make soak`: hours of use in a while, and whether memory, descriptors, threads and keys are flat at its end.

A slope is what is added in a round, told for a hundred of them. The exit code is 1 where one is beyond its bound, or
too uncertain to be told from it, 2 where there were too few rounds to say anything.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from soak.house import House, house
from soak.rounds import Rounds
from soak.slopes import fit, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SETTLE = 0.2  # seconds in which the service sees that connections were closed
A_HUNDRED = 100  # rounds, for which slopes and bounds are told
# What a hundred rounds may add, by the end of a name: the first that fits. At the default size they are 10,000
# pictures, 100 trainings with as many networks loaded, and 1,000 viewers: a KiB that each picture leaves in the API is
# 10 MiB, a key or a descriptor that each job leaves is 100. A pool that opens one connection more, once, has a slope of
# about 2.
BOUNDS = {
    "API: memory, MiB": 10.0,
    "Redis: its data, MiB": 1.0,
    "memory, MiB": 2.0,
    "descriptors": 5.0,
    "threads": 1.0,
    "keys": 20.0,
}


def main() -> int:
    """Run, and tell."""
    asked = options()
    samples: list[Mapping[str, float]] = []
    try:
        with tempfile.TemporaryDirectory(prefix="soak-") as folder, house(Path(folder)) as service:
            asyncio.run(use(service, asked, samples))
    finally:
        if asked.samples:
            asked.samples.write_text(json.dumps(samples, indent=1))
    rounds = len(samples)
    pictures, viewers = asked.predictions // asked.jobs, asked.viewers // asked.jobs
    say(f"{rounds} rounds, each of {pictures} pictures, one training and {viewers} viewers")
    try:
        return table(samples)
    except ValueError as error:
        say(f"Nothing can be said of slopes: {error}.")
        return 2


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--predictions", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=200, help="trainings, and so many rounds")
    parser.add_argument("--viewers", type=int, default=2_000)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="after which no further round begins")
    parser.add_argument("--samples", type=Path, help="file for every sample, as JSON")
    return parser.parse_args()


async def use(service: House, asked: argparse.Namespace, samples: list[Mapping[str, float]]) -> None:
    """Do the rounds, and take a sample after each."""
    until = time.monotonic() + 60 * asked.minutes
    rounds = Rounds(service.url, asked.predictions // asked.jobs, asked.viewers // asked.jobs)
    for number in range(1, asked.jobs + 1):
        if time.monotonic() > until:
            break
        await rounds.one()
        await asyncio.sleep(SETTLE)
        samples.append(service.sample())
        if number % 10 == 0:
            say(f"{number} of {asked.jobs} rounds; the API has {samples[-1]['API: memory, MiB']:.0f} MiB")


def table(samples: Sequence[Mapping[str, float]]) -> int:
    """Print every slope beside its bound; the exit code."""
    lines = {name: fit([sample[name] for sample in samples]) for name in sorted(samples[-1])}
    say(f"{'':32} {'mean':>9} {'in 100 rounds':>20} {'bound':>6}")
    beyond = 0
    for name, line in lines.items():
        bound = next(bound for end, bound in BOUNDS.items() if name.endswith(end))
        found = verdict(line, bound / A_HUNDRED)
        beyond += found != "flat"
        slope = f"{A_HUNDRED * line.slope:+.2f} ± {A_HUNDRED * line.error:.2f}"
        say(f"{name:32} {line.mean:9.1f} {slope:>20} {bound:6.1f} {found}")
    return 1 if beyond else 0


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
