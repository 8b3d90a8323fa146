"""Coverage-guided fuzzing of the decoder with atheris: `make fuzz` runs `python -m support.fuzz_decoder`.

It follows what reaches new lines, and ends with an error at a fault of ours, an endless picture, or memory that grows.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["PIL", "vision"]):
    from support.decode_oracle import DIGIT, LIMITS, VIEWS, fault_of
    from vision.decode.images import render
    from vision.errors import ImageProblem

from support.fuzz_budget import minutes
from support.mutations import LARGEST, mutated
from support.mutations.seeds import seeds

POOL = seeds()


def one(data: bytes) -> None:
    """Decode a mutant, as a photo and as a digit."""
    for views in (VIEWS, DIGIT):
        try:
            render(data, views, LIMITS)
        except ImageProblem as problem:
            if fault := fault_of(problem):
                raise RuntimeError(fault) from None


def changed(data: bytes, largest: int, seed: int) -> bytes:
    """Make the next mutant: most often one that knows the format."""
    random = Random(seed)
    if random.random() < 0.2:
        return bytes(atheris.Mutate(data, largest))
    return mutated(data, random, POOL)[:largest]


def main() -> None:
    """Begin with the good files."""
    folder = Path(tempfile.mkdtemp(prefix="guided-"))  # what it finds is left there, and its name is told
    for number, data in enumerate(POOL):
        (folder / str(number)).write_bytes(data)
    limits = [f"-max_total_time={round(60 * minutes())}", "-timeout=60", "-rss_limit_mb=2048", f"-max_len={LARGEST}"]
    found = f"-artifact_prefix={folder}/found-"
    atheris.Setup([sys.argv[0], str(folder), *limits, found, "-print_final_stats=1"], one, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
