"""What a network's weight layers are: names, shapes and parameter counts, known without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with trained weights.

    `kernel` is Keras's shape: (height, width, inputs, outputs) of a convolution, (inputs, outputs) of a dense layer;
    `output` is (height, width, channels) or (units,); `parameters` counts every number that it keeps.
    """

    name: str
    kind: str
    kernel: tuple[int, ...]
    output: tuple[int, ...]
    parameters: int


def convolution(name: str, size: int, inputs: int, outputs: int, side: int) -> Layer:
    """Describe a square convolution with a bias whose output is `side` pixels wide and high."""
    kernel = (size, size, inputs, outputs)
    return Layer(name, "convolution", kernel, (side, side, outputs), prod(kernel) + outputs)


def dense(name: str, inputs: int, outputs: int) -> Layer:
    """Describe a dense layer with a bias."""
    return Layer(name, "dense", (inputs, outputs), (outputs,), inputs * outputs + outputs)
