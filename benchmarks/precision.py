"""How far 16-bit arithmetic is from float32: the same pictures through the same network. A process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.inference.runner import Runner
from benchmarks.photos import crop, drawn, read
from vision.images import FILTERS
from vision.networks import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL import Image

    from vision.networks import Network

    Scores = NDArray[np.float32]

CROPS, DRAWN = 100, 100
BATCH = 8
TEN = 10


def main() -> None:
    """Read what is asked for, measure, print."""
    asked = json.loads(sys.argv[1])
    network, folder = NETWORKS[asked["model"]], asked["photos"]
    weights = Path(asked["weights"]) if asked["weights"] else None
    squares = [_square(picture, network) for picture in pictures(Path(folder) if folder else None)]
    exact = _scores(network, weights, "float32", squares)
    rows = [differences(precision, exact, _scores(network, weights, precision, squares)) for precision in asked["in"]]
    print(json.dumps({"model": network.id, "images": len(squares), "rows": rows}))  # noqa: T201 - what it is for


def differences(precision: str, exact: Scores, scores: Scores) -> dict[str, Any]:
    """Compare scores (images, classes) with those of float32; parts are 0 to 1."""
    apart = np.abs(scores - exact)
    order, right = _ten(scores), _ten(exact)
    best = np.take_along_axis(apart, right[:, :1], axis=1)
    return {
        "precision": precision,
        "largest_difference": float(apart.max()),
        "mean_difference_of_best": float(best.mean()),
        "same_best": float((order[:, 0] == right[:, 0]).mean()),
        "same_ten": float((np.sort(order) == np.sort(right)).all(axis=1).mean()),
        "same_order": float((order == right).all(axis=1).mean()),
        "of_ten": float(np.mean([len({*one} & {*other}) for one, other in zip(order, right, strict=True)])),
    }


def _ten(scores: Scores) -> NDArray[np.intp]:
    return np.argsort(-scores, axis=1, kind="stable")[:, :TEN]


def _scores(network: Network, weights: Path | None, precision: str, squares: list[NDArray[np.uint8]]) -> Scores:
    runner = Runner(network, weights, precision, made_up=weights is None, sizes=(BATCH,))
    starts = range(0, len(squares), BATCH)
    answers = [answer for start in starts for answer in runner(squares[start : start + BATCH])]
    wrong = next((answer for answer in answers if isinstance(answer, Exception)), None)
    if wrong:
        raise wrong
    return np.stack([answer for answer in answers if not isinstance(answer, Exception)])


def pictures(folder: Path | None) -> Iterator[Image.Image]:
    """Yield a folder's photographs, crops of them, and drawn pictures; the last alone where there is no folder."""
    count = DRAWN
    if folder:
        photographs = [picture.convert("RGB") for _, picture in read(folder)]
        yield from photographs
        yield from (crop(photographs[seed % len(photographs)], seed) for seed in range(CROPS))
    else:
        count += CROPS
    yield from (drawn(seed) for seed in range(count))


def _square(picture: Image.Image, network: Network) -> NDArray[np.uint8]:
    """Cut the centre, as the service does."""
    side = min(picture.size) * network.input_size / network.resize
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    size, box = (network.input_size, network.input_size), (left, top, left + side, top + side)
    return np.asarray(picture.resize(size, FILTERS[network.interpolation], box=box))


if __name__ == "__main__":
    main()
