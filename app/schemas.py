"""What goes over the wire for predictions and models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.model import Event, Job  # noqa: TC001 - pydantic reads the annotations


class Wire(BaseModel):
    """A shape that this service sends: frozen, and with the field `model_...` names that the contract has."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())


class Prediction(Wire):
    """One guess."""

    label: str = Field(description="what people call it", examples=["espresso"])
    wnid: str = Field(description="its WordNet id", examples=["n07920052"])
    index: int = Field(description="its place in the network's output, 0 to 999", examples=[967])
    score: float = Field(description="the network's confidence, 0 to 1; all classes add up to 1", examples=[0.9502])


class AnsweredBy(Wire):
    """Which network answered, and with what."""

    id: str = Field(examples=["efficientnet-lite0"])
    weights: Literal["imagenet", "random", "custom"] = Field(
        description="`random` is untrained: its guesses mean nothing"
    )
    precision: str = Field(examples=["float32"])
    device: Literal["cpu", "gpu"]
    stand_in_for: str | None = Field(description="the network that should have answered", examples=["vgg16"])
    stand_in_reason: str | None = Field(
        None, description="why it could not", examples=["VGG16's weights are being downloaded: 12 % of 553 MB."]
    )


class ImageInfo(Wire):
    """What was sent: pixels, upright, and the format found in the bytes."""

    width: int = Field(examples=[600])
    height: int = Field(examples=[400])
    format: Literal["JPEG", "PNG", "WebP", "GIF", "BMP"]


class Timing(Wire):
    """Where the time went, in milliseconds."""

    decode: float = Field(examples=[9.1])
    queue: float = Field(examples=[0.2])
    inference: float = Field(examples=[31.5])
    total: float = Field(examples=[41.6])


class Classification(Wire):
    """The answer to *What is this picture of?*: the guesses, best first."""

    model: AnsweredBy
    predictions: list[Prediction]
    image: ImageInfo
    timing_ms: Timing


class Problem(Wire):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(examples=["urn:problem-type:bestguess:not-an-image"])
    title: str = Field(examples=["This is not an image that can be read"])
    status: int = Field(examples=[400])
    detail: str = Field(description="what happened, and what to do")
    instance: str | None = Field(None, examples=["/classify"])
    request_id: str | None = None
    errors: list[dict[str, Any]] | None = Field(None, description="each parameter that cannot be used (422)")


class BatchItem(Wire):
    """One file of several: either its result or its error."""

    filename: str = Field(examples=["coffee.png"])
    result: Classification | None = None
    error: Problem | None = None


class Batch(Wire):
    """The files' answers, in the order in which they were sent."""

    results: list[BatchItem]


class ModelStatus(Wire):
    """How far a network is."""

    id: str = Field(examples=["vgg16"])
    state: Literal["waiting", "downloading", "loading", "ready", "failed"]
    detail: str = Field(description="the same in words")
    trouble: str | None = Field(None, description="what stands in its way")
    action: str | None = Field(None, description="what to do, where something has to be done")
    downloaded_bytes: int | None = None
    total_bytes: int | None = None
    answered_by: str | None = Field(None, description="the network that answers in its place")


class LayerInfo(Wire):
    """A layer with trained weights."""

    name: str = Field(examples=["block1_conv1"])
    kind: str = Field(examples=["convolution"])
    kernel: list[int] = Field(
        description="height, width, inputs, outputs; or inputs, outputs", examples=[[3, 3, 3, 64]]
    )
    output: list[int] = Field(description="height, width, channels; or units", examples=[[224, 224, 64]])
    parameters: int = Field(examples=[1792])


class WeightsInfo(Wire):
    """Where a network's weights come from."""

    origin: Literal["imagenet", "random", "custom"]
    file: str | None = Field(description="the file's name", examples=["vgg16_weights_tf_dim_ordering_tf_kernels.h5"])
    hash: str | None = Field(description="of the file", examples=["md5:64373286793e3c8b2b4e3219cbf3544b"])
    verified: bool = Field(description="whether size and hash are those that its authors published")


class Model(Wire):
    """A network that can be asked, and how far it is."""

    id: str = Field(examples=["vgg16"])
    title: str = Field(examples=["VGG16"])
    about: str
    classes: int = Field(examples=[1000])
    parameters: int = Field(examples=[138357544])
    weight_layers: int = Field(examples=[16])
    input_size: list[int] = Field(description="height, width, channels", examples=[[224, 224, 3]])
    preprocessing: str
    status: ModelStatus
    weights: WeightsInfo | None = Field(description="null until they are found")
    precision: str | None = Field(description="null until it is loaded")
    device: str | None = Field(description="null until it is loaded")


class ModelDetail(Model):
    """A network with its layers."""

    layers: list[LayerInfo]


class Models(Wire):
    """Every network that can be asked."""

    data: list[Model]


class RedisStatus(Wire):
    """Whether training jobs can be taken; classifying does not depend on it."""

    status: Literal["up", "down"]
    detail: str | None = Field(None, description="why it is down, and what to do")


class Readiness(Wire):
    """Whether images can be classified, and by what."""

    status: Literal["ready"]
    models: list[ModelStatus]
    redis: RedisStatus


class Jobs(Wire):
    """A page of jobs, the newest first, without their histories."""

    data: list[Job]
    has_more: bool


class Events(Wire):
    """A page of what happened to a job, ascending."""

    data: list[Event]
    has_more: bool


class Liveness(Wire):
    """The event loop answers."""

    status: Literal["alive"]
