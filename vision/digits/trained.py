"""A network that a job has trained on digits, as it is served: our own code, and nothing but numbers of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vision import layers
from vision.digits import network
from vision.digits.network import CLASSES, SIDE
from vision.labels import Label
from vision.networks import Network
from vision.weights import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    import keras

LOOKED_FOR = 240  # pixels of the longer side in which ink is looked for, as `vision.digits.ink` does
_HALF, _QUARTER = SIDE // 2, SIDE // 4  # behind each pool

LAYERS = (
    layers.convolution("convolution1", 5, 1, 32, SIDE),
    layers.convolution("convolution2", 5, 32, 64, _HALF),
    layers.dense("dense", _QUARTER * _QUARTER * 64, 1024),
    layers.dense("logits", 1024, CLASSES),
)
_LABELS = tuple(Label(None, str(digit)) for digit in range(CLASSES))


def trained(model_id: str, about: str) -> Network:
    """Describe a network of digits that a job has trained."""
    return Network(
        id=model_id,
        title=f"Digits, {model_id}",
        about=about,
        input_size=SIDE,
        resize=LOOKED_FOR,
        interpolation="bicubic",
        preprocessing="light ink on dark, the digit fitted into 20 x 20 and centred by mass in 28 x 28; pixel / 255",
        layers=LAYERS,
        weights=None,
        build=lambda _: network.build(dropout=0.0),
        preprocess=network.prepared,
        load=load,
        gains_from_16_bits=False,
        channels=1,
        fit="digit",
        labels=lambda: _LABELS,
    )


def load(model: keras.Model, path: Path | None) -> None:
    """Fill a model of `network.build` from a `.keras` file; what else that file says, code included, is not read.

    Raises:
        FileNotFoundError: there is no such file.
        WeightsError: the file is not one, or of another network; the model may then be filled in part.
    """
    if path is None:
        raise WeightsError("A network of digits is its file; there are no weights without it.")
    try:
        model.load_weights(path)
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, OSError) as error:
        raise WeightsError(f"{path.name} does not fit the network of digits: {error}") from error
