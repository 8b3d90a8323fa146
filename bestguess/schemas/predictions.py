"""Classifications: the answers to *What is this picture of?*, and their parts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bestguess.schemas.base import Schema
from bestguess.schemas.problem import Problem  # noqa: TC001 - pydantic reads the annotations


class Prediction(Schema):
    """One guess."""

    label: str = Field(description="what people call it", examples=["espresso"])
    wnid: str | None = Field(
        description="its WordNet id; null for a class that is not ImageNet's", examples=["n07920052"]
    )
    index: int = Field(description="its place in the network's output, from 0", examples=[967])
    score: float = Field(description="the network's confidence, 0 to 1; all classes add up to 1", examples=[0.9502])


class AnsweredBy(Schema):
    """Which network answered, and with what."""

    id: str = Field(examples=["efficientnet-lite0"])
    weights: Literal["imagenet", "random", "custom", "trained"] = Field(
        description="`random` is untrained: its guesses mean nothing"
    )
    precision: str = Field(examples=["float32"])
    device: Literal["cpu", "gpu"]
    stand_in_for: str | None = Field(description="the network that should have answered", examples=["vgg16"])
    stand_in_reason: str | None = Field(
        None, description="why it could not", examples=["VGG16's weights are being downloaded: 12 % of 553 MB."]
    )


class ImageInfo(Schema):
    """What was sent: pixels, upright, and the format found in the bytes."""

    width: int = Field(examples=[600])
    height: int = Field(examples=[400])
    format: Literal["JPEG", "PNG", "WebP", "GIF", "BMP"]


class Timing(Schema):
    """Where the time went, in milliseconds."""

    decode: float = Field(examples=[9.1])
    queue: float = Field(examples=[0.2])
    inference: float = Field(examples=[31.5])
    total: float = Field(examples=[41.6])


class Classification(Schema):
    """The answer to *What is this picture of?*: the guesses, best first."""

    model: AnsweredBy
    predictions: list[Prediction]
    image: ImageInfo
    timing_ms: Timing
    input: str | None = Field(
        None,
        description="with `show_input=true`: what the network saw, a PNG as a data URI",
        exclude_if=lambda value: value is None,
    )


class BatchItem(Schema):
    """One file of several: either its result or its error."""

    filename: str = Field(examples=["coffee.png"])
    result: Classification | None = None
    error: Problem | None = None


class Batch(Schema):
    """The files' answers, in the order in which they were sent."""

    results: list[BatchItem]
