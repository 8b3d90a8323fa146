"""Networks: pretrained ones and those trained here."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bestguess.schemas.base import Schema
from bestguess.schemas.report import Report  # noqa: TC001 - pydantic reads the annotations


class ModelStatus(Schema):
    """How far a network is."""

    id: str = Field(examples=["vgg16"])
    state: Literal["waiting", "downloading", "loading", "ready", "failed"]
    detail: str = Field(description="the same in words")
    trouble: str | None = Field(None, description="what stands in its way")
    action: str | None = Field(None, description="what to do, where something has to be done")
    downloaded_bytes: int | None = None
    total_bytes: int | None = None
    answered_by: str | None = Field(None, description="the network that answers in its place")


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
    """Where a network's weights come from."""

    origin: Literal["imagenet", "random", "custom", "trained"]
    file: str | None = Field(description="the file's name", examples=["vgg16_weights_tf_dim_ordering_tf_kernels.h5"])
    hash: str | None = Field(description="of the file", examples=["md5:64373286793e3c8b2b4e3219cbf3544b"])
    verified: bool = Field(description="whether size and hash are those that its authors published")


def OnlyFinetuned(description: str, example: object) -> Any:  # noqa: ANN401, N802 - as pydantic's own Field
    """Make a field that only a fine-tuned network has; others leave it out."""
    examples = None if example is None else [example]
    return Field(None, description=description, examples=examples, exclude_if=lambda value: value is None)


class RootWeights(Schema):
    """Weights of the pretrained network of a trained model; `random:SEED` names random ones."""

    origin: str
    hash: str


class TrainedInfo(Schema):
    """What is known of a network that a job has trained; accuracies are 0 to 1."""

    job_id: str
    kind: str = Field(examples=["mnist-train"])
    created_at: datetime
    dataset: dict[str, Any] | None = Field(description="what it learned from", examples=[{"name": "mnist"}])
    train_accuracy: float | None = Field(examples=[0.9912])
    test_accuracy: float | None = Field(examples=[0.9909])
    training_seconds: float | None = Field(examples=[18.7])
    params: dict[str, Any] = Field(description="what was asked for")
    changed_params: dict[str, Any] = Field(
        description="those that are not the defaults, which tell models apart", examples=[{"learning_rate": 0.01}]
    )
    seed: int | None = Field(description="that was asked for, or drawn")
    validation_accuracy: float | None = OnlyFinetuned("on photographs kept out of the training", 0.95)
    classes: list[str] | None = OnlyFinetuned("its classes' names, in the order of its outputs", ["cat", "dog"])
    parent: str | None = OnlyFinetuned("the network that it was trained from", "vgg16")
    root: str | None = OnlyFinetuned("the pretrained network that it is a part of", "vgg16")
    root_weights: RootWeights | None = OnlyFinetuned("that network's weights", None)
    freeze: int | None = OnlyFinetuned("how many of its weight layers stayed as they were", 13)
    best_epoch: int | None = OnlyFinetuned("the epoch that is kept, from 1", 7)
    epochs: int | None = OnlyFinetuned("that it was trained for", 10)
    bytes: int = Field(description="of its `.keras` file")
    sha256: str = Field(description="of that file, hexadecimal")


class Model(Schema):
    """A network that can be asked, and how far it is."""

    id: str = Field(examples=["vgg16"])
    aliases: list[str] = Field([], description="other names for it", examples=[["best", "latest"]])
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
    trained: TrainedInfo | None = Field(None, description="how it came to be; null for a pretrained network")


class ModelDetail(Model):
    """A network with its layers, and how well it does where that was measured here."""

    layers: list[LayerInfo]
    report: Report | None = Field(None, description="how it did on its test images; null for a pretrained network")
    trouble: str | None = Field(None, description="why a trained network's report is not here, where it cannot be had")


class Models(Schema):
    """Every network that can be asked."""

    data: list[Model]
    trouble: str | None = Field(None, description="why trained networks are not among them, where they cannot be")


class Alias(Schema):
    """A name that stands for a trained network."""

    name: str = Field(examples=["production"])
    model_id: str = Field(examples=["job_0198c2b7d1f03a5e8c1d2b4f6a79"])


class Aliases(Schema):
    """Every name that stands for a trained network; `latest` and `best` are there by themselves."""

    data: list[Alias]


class SetAlias(BaseModel):
    """What an alias is to stand for."""

    model_config = ConfigDict(frozen=True, protected_namespaces=(), extra="forbid")

    model_id: str = Field(
        max_length=100, description="a trained network's id, or an alias: what that means now", examples=["best"]
    )
