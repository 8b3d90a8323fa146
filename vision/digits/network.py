"""The network of the classic tutorial, and the number format in which this machine trains it fastest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vision.machine import has_bfloat16
from vision.networks.labels import Label
from vision.networks.network import Network
from vision.networks.table import Layer, Table
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import keras
    import tensorflow as tf


SIDE = 28  # pixels
CLASSES = 10
FLOAT32 = "float32"
BFLOAT16 = "mixed_bfloat16"  # arithmetic in bfloat16, weights in float32


def build(dropout: float, precision: str = FLOAT32, seed: int | None = None) -> keras.Model:
    """Make the untrained network: grey images (batch, 28, 28, 1) in [0, 1] to float32 logits (batch, 10).

    Softmax of the logits are the scores. `precision` is `FLOAT32` or `BFLOAT16`, `seed` that of the weights and of
    dropout.
    """
    import keras  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    random = keras.random.SeedGenerator(seed)
    layers = [
        keras.Input((SIDE, SIDE, 1), name="pixels"),
        *_convolution("convolution1", 32, precision, random),
        *_convolution("convolution2", 64, precision, random),
        keras.layers.Flatten(dtype=precision, name="flatten"),
        keras.layers.Dense(1024, "relu", kernel_initializer=_start(random), dtype=precision, name="dense"),
        keras.layers.Dropout(dropout, seed=seed, dtype=precision, name="dropout"),
        keras.layers.Dense(CLASSES, kernel_initializer=_start(random), dtype=FLOAT32, name="logits"),
    ]
    return keras.Sequential(layers, name="mnist")


def prepared(pixels: tf.Tensor) -> tf.Tensor:
    """Scale a uint8 tensor in 0 to 255 to what the network takes: float32 in [0, 1], of the same shape."""
    import tensorflow as tf  # noqa: PLC0415 - as above

    return tf.cast(pixels, tf.float32) / 255.0


def plain(model: keras.Model, dropout: float) -> keras.Model:
    """Copy a trained network into one of float32 throughout, which any Keras loads and serves."""
    copy = build(dropout)
    copy.set_weights(model.get_weights())
    return copy


def fastest_precision() -> str:
    """Return the format in which this machine trains fastest: bfloat16 where its processor has instructions for it.

    On a GPU it is float32, which TensorFlow computes as TensorFloat-32 where the card can.
    """
    import tensorflow as tf  # noqa: PLC0415 - as above

    return BFLOAT16 if not tf.config.list_physical_devices("GPU") and has_bfloat16() else FLOAT32


def _convolution(name: str, filters: int, precision: str, random: keras.random.SeedGenerator) -> Iterator[keras.Layer]:
    """Yield a convolution, its pooling and its rectifier.

    The tutorial rectifies before it pools. The largest of rectified numbers is the largest, rectified: this way round
    gives the same numbers from a quarter of the work.
    """
    import keras  # noqa: PLC0415 - as above

    yield keras.layers.Conv2D(filters, 5, padding="same", kernel_initializer=_start(random), dtype=precision, name=name)
    yield keras.layers.MaxPooling2D(dtype=precision, name=f"{name}_pool")
    yield keras.layers.ReLU(dtype=precision, name=f"{name}_relu")


def _start(random: keras.random.SeedGenerator) -> keras.Initializer:
    import keras  # noqa: PLC0415 - as above

    return keras.initializers.GlorotUniform(seed=random)


# A network that a job has trained on digits, as it is served: our own code, and nothing but numbers of its file.
LOOKED_FOR = 240  # pixels of the longer side in which ink is looked for, as `vision.digits.preprocess` does

LAYERS = (
    Layer("convolution1", "convolution", (5, 5, 1, 32), (28, 28, 32), 832),
    Layer("convolution2", "convolution", (5, 5, 32, 64), (14, 14, 64), 51_264),
    Layer("dense", "dense", (3136, 1024), (1024,), 3_212_288),
    Layer("logits", "dense", (1024, CLASSES), (CLASSES,), 10_250),
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
        build=lambda _: build(dropout=0.0),
        preprocess=prepared,
        load=load,
        gains_from_16_bits=False,
        channels=1,
        fit="digit",
        labels=lambda: _LABELS,
        own_table=Table(LAYERS),
    )


def load(model: keras.Model, path: Path | None) -> None:
    """Fill a model of `build` from a `.keras` file; what else that file says, code included, is not read.

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
