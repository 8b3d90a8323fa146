"""Precision comparison: how far scores in 16 bits are from those in float32, for the same images and network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.settings import load_settings
from benchmarks.engine import describe_weights, load_engine, weights_for, weights_path
from benchmarks.machine import describe_machine, versions
from benchmarks.photos import crop, generate, read
from benchmarks.processes import print_result, run_module
from benchmarks.report import table
from vision.decode.images import FILTERS
from vision.networks.registry import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray
    from PIL import Image
    from rich.console import RenderableType

    from vision.networks.registry import Network

    Scores = NDArray[np.float32]

SIXTEEN_BITS = ("bfloat16", "float16")
CROPS, GENERATED = 100, 100
BATCH_SIZE = 8
TOP_K = 10


def measure_precision(
    photos: Path | None, networks: Iterable[Network], progress: Callable[[str], None]
) -> dict[str, Any]:
    """Compare each network's scores in 16 bits with those in float32, on 200 images and the photos of a folder.

    Raises:
        BenchmarkError: a measurement failed.
        SettingsError: an environment variable cannot be used; nothing was measured.
        WeightsError: a weights file cannot be used.
    """
    settings, results = load_settings(), []
    if photos:
        read(photos)  # raises before anything is measured
    for network in networks:
        progress(f"{network.title} in float32, {' and '.join(SIXTEEN_BITS)}")
        weights = weights_for(network, settings)
        parameters = {
            "model": network.id,
            "weights": weights_path(weights),
            "photos": str(photos.absolute()) if photos else None,
        }
        results.append({**run_module("benchmarks.precision", parameters), "weights": describe_weights(weights)})
    return {"kind": "precision", "machine": describe_machine(), "versions": versions(), "networks": results}


def measure(parameters: dict[str, Any]) -> dict[str, Any]:
    """Compare one network's scores."""
    network, folder = NETWORKS[parameters["model"]], parameters["photos"]
    squares = [_square(image, network) for image in images(Path(folder) if folder else None)]
    exact = _scores(network, parameters["weights"], "float32", squares)
    rows = [
        differences(precision, exact, _scores(network, parameters["weights"], precision, squares))
        for precision in SIXTEEN_BITS
    ]
    return {"model": network.id, "images": len(squares), "rows": rows}


def images(folder: Path | None, crops: int = CROPS, generated: int = GENERATED) -> Iterator[Image.Image]:
    """Yield a folder's photos, crops of them, and generated images; generated ones alone where there is no folder."""
    if folder:
        photos = [photo.image.convert("RGB") for photo in read(folder)]
        yield from photos
        yield from (crop(photos[seed % len(photos)], seed) for seed in range(crops))
    else:
        generated += crops
    yield from (generate(seed) for seed in range(generated))


def differences(precision: str, exact: Scores, scores: Scores) -> dict[str, Any]:
    """Compare scores (images, classes) with those of float32; shares of images are 0 to 1."""
    apart = np.abs(scores - exact)
    order, right = _top(scores), _top(exact)
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


def precision_report(result: dict[str, Any]) -> Iterator[RenderableType]:
    """Show a row for each network and number format."""
    count = max(network["images"] for network in result["networks"])
    shown = table(f"how far 16 bits are from float32: {count} images")
    for column in ("network", "format"):
        shown.add_column(column, no_wrap=True)
    for column in ("most apart", "best apart", "same best", "same ten", "of the ten", "same order"):
        shown.add_column(column, justify="right", min_width=6)
    for network in result["networks"]:
        for row in network["rows"]:
            shown.add_row(
                network["model"],
                row["precision"],
                f"{row['largest_difference']:.4f}",
                f"{row['mean_difference_of_best']:.4f}",
                f"{row['same_best']:.1%}",
                f"{row['same_ten']:.1%}",
                f"{row['of_ten']:.2f}",
                f"{row['same_order']:.1%}",
            )
    yield shown
    yield "; ".join(f"{network['model']}: {network['weights']}" for network in result["networks"]) + "."


def _top(scores: Scores) -> NDArray[np.intp]:
    return np.argsort(-scores, axis=1, kind="stable")[:, :TOP_K]


def _scores(network: Network, weights: str | None, precision: str, squares: list[NDArray[np.uint8]]) -> Scores:
    engine = load_engine(network, weights, precision, (BATCH_SIZE,))
    scores = []
    for start in range(0, len(squares), BATCH_SIZE):
        for answer in engine.run(squares[start : start + BATCH_SIZE]):
            if isinstance(answer, Exception):
                raise answer
            scores.append(answer)
    return np.stack(scores)


def _square(image: Image.Image, network: Network) -> NDArray[np.uint8]:
    """Cut the centre, as the service does."""
    side = min(image.size) * network.input_size / network.resize
    left, top = (image.width - side) / 2, (image.height - side) / 2
    size, box = (network.input_size, network.input_size), (left, top, left + side, top + side)
    return np.asarray(image.resize(size, FILTERS[network.interpolation], box=box))


if __name__ == "__main__":
    print_result(measure)
