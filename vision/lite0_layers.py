"""EfficientNet-Lite0's architecture as a table: its blocks and its layers, known without TensorFlow."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from vision.layers import Layer, dense

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE = 224
_STEM, _HEAD, _CLASSES = 32, 1280, 1000
# (repeats, kernel, stride of the first repeat, expansion, channels): table 1 of https://arxiv.org/abs/1905.11946.
# Lite is that network without squeeze-and-excitation and swish, which small devices are slow at or lack.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def _normalised(name: str, size: int, inputs: int, outputs: int, side: int) -> Layer:
    """Describe a convolution without a bias; the scale and the shift of the batch-norm behind it count as its own."""
    kernel = (size, size, inputs, outputs)
    return Layer(name, "convolution", kernel, (side, side, outputs), prod(kernel) + 2 * outputs)


def _depthwise(name: str, size: int, channels: int, side: int) -> Layer:
    kernel = (size, size, channels, 1)
    return Layer(name, "depthwise convolution", kernel, (side, side, channels), prod(kernel) + 2 * channels)


class Block(NamedTuple):
    """An inverted residual (https://arxiv.org/abs/1801.04381): widen, convolve each channel by itself, narrow.

    `inputs` and `outputs` are channels, `side` is its output's in pixels.
    """

    name: str
    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int
    side: int

    @property
    def residual(self) -> bool:
        """Whether its input is added to its output, for which both must have one shape."""
        return self.stride == 1 and self.inputs == self.outputs

    @property
    def expand(self) -> Layer | None:
        """The convolution that widens, absent where the expansion is 1."""
        if self.expansion == 1:
            return None
        return _normalised(f"{self.name}_expand", 1, self.inputs, self.inputs * self.expansion, self.side * self.stride)

    @property
    def depthwise(self) -> Layer:
        """The convolution of each channel by itself, which has the block's stride."""
        return _depthwise(f"{self.name}_depthwise", self.kernel, self.inputs * self.expansion, self.side)

    @property
    def project(self) -> Layer:
        """The convolution that narrows."""
        return _normalised(f"{self.name}_project", 1, self.inputs * self.expansion, self.outputs, self.side)


def _blocks() -> Iterator[Block]:
    number, inputs, side = 1, _STEM, STEM.output[0]
    for repeats, kernel, first_stride, expansion, outputs in _STAGES:
        for stride in (first_stride, *[1] * (repeats - 1)):
            side //= stride
            yield Block(f"block{number}", kernel, stride, expansion, inputs, outputs, side)
            number, inputs = number + 1, outputs


STEM = _normalised("stem", 3, 3, _STEM, SIDE // 2)
BLOCKS = tuple(_blocks())
HEAD = _normalised("head", 1, BLOCKS[-1].outputs, _HEAD, BLOCKS[-1].side)
LOGITS = dense("logits", _HEAD, _CLASSES)

LAYERS: tuple[Layer, ...] = (
    STEM,
    *(layer for block in BLOCKS for layer in (block.expand, block.depthwise, block.project) if layer),
    HEAD,
    LOGITS,
)
