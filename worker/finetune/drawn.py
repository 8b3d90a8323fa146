"""`python -m worker.finetune.drawn FOLDER`: a folder of photographs for who has none at hand, a class a texture."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from worker.finetune.textures import NAMES, jpeg

CLASSES = 5
EACH = 30


def write(folder: Path, classes: int = CLASSES, each: int = EACH) -> None:
    """Draw so many of each class into a folder of its own; the same ones each time, with the same Pillow."""
    for label, name in enumerate(NAMES[:classes]):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            data = jpeg(label, np.random.default_rng((label, number)))
            (folder / name / f"{number:02}.jpg").write_bytes(data)


def main() -> None:
    """Draw into the folder that is named."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - itself, and the folder
        sys.exit("usage: python -m worker.finetune.drawn FOLDER")
    write(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
