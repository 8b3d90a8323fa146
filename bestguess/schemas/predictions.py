"""Classifications: the answers to *What is this picture of?*, and their parts."""

from __future__ import annotations

from operator import not_
from typing import Literal

from pydantic import Field

from bestguess.schemas.base import Schema
from bestguess.schemas.problem import Problem  # noqa: TC001 - pydantic reads the annotations


class Prediction(Schema):
    """One prediction."""

    label: str = Field(description="human-readable name of the class", examples=["espresso"])
    wnid: str | None = Field(description="WordNet id; null for classes that are not ImageNet's", examples=["n07920052"])
    index: int = Field(description="index in the network's output, from 0", examples=[967])
    score: float = Field(description="the network's confidence, 0 to 1; all classes add up to 1", examples=[0.9502])


class AnsweredBy(Schema):
    """The network that answered."""

    id: str = Field(examples=["efficientnet-lite0"])
    weights: Literal["imagenet", "random", "custom", "trained"] = Field(
        description="`random` is untrained: its guesses mean nothing"
    )
    precision: str = Field(examples=["float32"])
    device: Literal["cpu", "gpu"]
    stand_in_for: str | None = Field(description="the network in whose place it answered", examples=["vgg16"])
    stand_in_reason: str | None = Field(
        None,
        description="why that network could not answer",
        examples=["VGG16's weights are being downloaded: 12 % of 553 MB."],
    )


class ImageInfo(Schema):
    """The uploaded image: its size in pixels after EXIF rotation, and the format detected from its bytes."""

    width: int = Field(examples=[600])
    height: int = Field(examples=[400])
    format: Literal["JPEG", "PNG", "WebP", "GIF", "BMP"]


class Timing(Schema):
    """Durations in milliseconds."""

    decode: float = Field(examples=[9.1])
    queue: float = Field(examples=[0.2])
    inference: float = Field(examples=[31.5])
    total: float = Field(examples=[41.6])


class Classification(Schema):
    """Predictions for an image, best first."""

    model: AnsweredBy
    predictions: list[Prediction]
    image: ImageInfo
    timing_ms: Timing
    input: str | None = Field(
        None,
        description="with `show_input=true`: the network's input as a PNG in a data URI",
        exclude_if=not_,
    )


class BatchItem(Schema):
    """Result or error of one file of a batch."""

    filename: str = Field(examples=["coffee.png"])
    result: Classification | None = None
    error: Problem | None = None


class Batch(Schema):
    """Results of a batch, in the order of the files."""

    results: list[BatchItem]
