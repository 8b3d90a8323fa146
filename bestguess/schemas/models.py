"""Networks: pretrained ones and those trained here."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bestguess.schemas.base import Schema
from bestguess.schemas.report import Report  # noqa: TC001 - pydantic reads the annotations


class ModelStatus(Schema):
    """Loading state of a network."""

    id: str = Field(examples=["vgg16"])
    state: Literal["waiting", "downloading", "loading", "ready", "failed"]
    detail: str = Field(description="the state in words")
    trouble: str | None = Field(None, description="why it is not ready")
    action: str | None = Field(None, description="what the operator has to do, if anything")
    downloaded_bytes: int | None = None
    total_bytes: int | None = None
    answered_by: str | None = Field(None, description="the network that answers in its place until it is ready")


class LayerInfo(Schema):
    """A layer with trained weights."""

    name: str = Field(examples=["block1_conv1"])
    kind: str = Field(examples=["convolution"])
    kernel: list[int] = Field(
        description="height, width, inputs, outputs; or inputs, outputs", examples=[[3, 3, 3, 64]]
    )
    output: list[int] = Field(description="height, width, channels; or units", examples=[[224, 224, 64]])
    parameters: int = Field(examples=[1792])


class WeightsInfo(Schema):
    """Origin of a network's weights."""

    origin: Literal["imagenet", "random", "custom", "trained"]
    file: str | None = Field(description="the file's name", examples=["vgg16_weights_tf_dim_ordering_tf_kernels.h5"])
    hash: str | None = Field(description="of the file", examples=["md5:64373286793e3c8b2b4e3219cbf3544b"])
    verified: bool = Field(description="whether size and hash match the published ones")


def OnlyFinetuned(description: str, example: object) -> Any:  # noqa: ANN401, N802 - as pydantic's own Field
    """Return a field that only fine-tuned networks have; it is omitted for others."""
    examples = None if example is None else [example]
    return Field(None, description=description, examples=examples, exclude_if=lambda value: value is None)


class RootWeights(Schema):
    """Weights of the pretrained network of a trained model; `random:SEED` names random ones."""

    origin: str
    hash: str


class TrainedInfo(Schema):
    """Training record of a network; accuracies are 0 to 1."""

    job_id: str
    kind: str = Field(examples=["mnist-train"])
    created_at: datetime
    dataset: dict[str, Any] | None = Field(description="the training data", examples=[{"name": "mnist"}])
    train_accuracy: float | None = Field(examples=[0.9912])
    test_accuracy: float | None = Field(examples=[0.9909])
    training_seconds: float | None = Field(examples=[18.7])
    params: dict[str, Any] = Field(description="the parameters of the job")
    changed_params: dict[str, Any] = Field(
        description="parameters that differ from the defaults", examples=[{"learning_rate": 0.01}]
    )
    seed: int | None = Field(description="the given or drawn seed")
    validation_accuracy: float | None = OnlyFinetuned("on the validation photographs", 0.95)
    classes: list[str] | None = OnlyFinetuned("class names in the order of its outputs", ["cat", "dog"])
    parent: str | None = OnlyFinetuned("the network it was fine-tuned from", "vgg16")
    root: str | None = OnlyFinetuned("the pretrained network that its backbone comes from", "vgg16")
    root_weights: RootWeights | None = OnlyFinetuned("that network's weights", None)
    freeze: int | None = OnlyFinetuned("number of frozen weight layers", 13)
    best_epoch: int | None = OnlyFinetuned("the epoch whose weights are kept, from 1", 7)
    epochs: int | None = OnlyFinetuned("number of epochs trained", 10)
    bytes: int = Field(description="size of its `.keras` file")
    sha256: str = Field(description="SHA-256 of that file, hexadecimal")


class Model(Schema):
    """A network that can classify, with its state."""

    id: str = Field(examples=["vgg16"])
    aliases: list[str] = Field([], description="names that refer to it", examples=[["best", "latest"]])
    title: str = Field(examples=["VGG16"])
    about: str
    classes: int = Field(examples=[1000])
    parameters: int = Field(examples=[138357544])
    weight_layers: int = Field(examples=[16])
    input_size: list[int] = Field(description="height, width, channels", examples=[[224, 224, 3]])
    preprocessing: str
    status: ModelStatus
    weights: WeightsInfo | None = Field(description="null until the weights are found")
    precision: str | None = Field(description="null until it is loaded")
    device: str | None = Field(description="null until it is loaded")
    trained: TrainedInfo | None = Field(None, description="training record; null for a pretrained network")


class ModelDetail(Model):
    """A network with its layers and, if it was trained here, its report."""

    layers: list[LayerInfo]
    report: Report | None = Field(None, description="evaluation on its test images; null for a pretrained network")
    trouble: str | None = Field(None, description="why the report of a trained network is missing")


class Models(Schema):
    """All networks."""

    data: list[Model]
    trouble: str | None = Field(None, description="why trained networks are missing from the list")


class Alias(Schema):
    """A name that refers to a trained network."""

    name: str = Field(examples=["production"])
    model_id: str = Field(examples=["job_0198c2b7d1f03a5e8c1d2b4f6a79"])


class Aliases(Schema):
    """All names of trained networks; `latest` and `best` are set automatically."""

    data: list[Alias]


class SetAlias(BaseModel):
    """The network that an alias shall refer to."""

    model_config = ConfigDict(frozen=True, protected_namespaces=(), extra="forbid")

    model_id: str = Field(
        max_length=100, description="a trained network's id, or an alias, which is resolved now", examples=["best"]
    )
