"""Parameters of each job kind, as the body of `POST /jobs/{kind}` has them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, FiniteFloat, WithJsonSchema, model_validator

from bestguess.schemas.base import Frozen


def _only_numbers(value: object) -> object:
    """Reject booleans and strings, which pydantic would convert to numbers."""
    if isinstance(value, bool | str):
        raise ValueError("this has to be a number")  # noqa: TRY004 - pydantic wants it so
    return value


Whole = Annotated[int, BeforeValidator(_only_numbers)]  # 50.0 is whole too, as JSON Schema has it
Real = Annotated[float, BeforeValidator(_only_numbers)]
MOST_IMAGES = 3_000_000  # steps times batch size: an hour of training on two processor cores without a GPU


class MnistParams(Frozen, extra="forbid"):
    """Parameters of `POST /jobs/mnist-train`; the defaults are the classic tutorial's."""

    steps: Whole = Field(1000, ge=1, le=100_000, description="training steps, one batch each")
    batch_size: Whole = Field(50, ge=1, le=1000, description="images per batch")
    learning_rate: Real = Field(0.001, gt=0, le=1000, allow_inf_nan=False, description="of the optimizer")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="optimizer")
    report_every: Whole = Field(100, ge=1, le=100_000, description="steps between two progress reports")
    dropout: Real = Field(0.5, ge=0, lt=1, description="dropout rate of the dense layer")
    seed: Annotated[int, Field(ge=0, lt=2**31), BeforeValidator(_only_numbers)] | None = Field(
        None, description="makes the training repeatable"
    )
    dataset: Literal["mnist", "synthetic-digits"] = Field("mnist", description="training data")

    @model_validator(mode="after")
    def _within_an_hour(self) -> Self:
        images = self.steps * self.batch_size
        if images > MOST_IMAGES:
            raise ValueError(f"steps x batch_size is {images:,} images, and at most {MOST_IMAGES:,} are accepted")
        return self


Change = Literal["flip", "crop", "colour"]
CHANGES: tuple[Change, ...] = ("flip", "crop", "colour")
_CHANGES = {
    "anyOf": [
        {"type": "array", "items": {"type": "string", "enum": list(CHANGES)}, "maxItems": 3, "uniqueItems": True},
        {"type": "boolean"},
    ]
}


def _changes(value: Any) -> Any:  # noqa: ANN401 - whatever was sent; the field's own type judges it
    """Expand true to every augmentation and false to none."""
    return {True: CHANGES, False: ()}[value] if isinstance(value, bool) else value


class FinetuneParams(Frozen, extra="forbid"):
    """Parameters of `POST /jobs/finetune`; the defaults are the classic tutorial's.

    `freeze` counts weight layers from the input. The last layer is always new, for the data set's classes. By default
    all but the last three layers are frozen.
    """

    dataset_id: str = Field(max_length=64, description="the data set of photographs")
    base: str = Field("vgg16", max_length=64, description="a pretrained network, or a model fine-tuned here")
    freeze: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="number of weight layers to freeze, from the input; null: all but the last three",
    )
    optimizer: Literal["sgd", "adam"] = Field("sgd", description="`sgd` has a momentum of 0.9")
    learning_rate: float = Field(0.001, gt=0, le=1000, allow_inf_nan=False, description="of the optimizer")
    epochs: int = Field(10, ge=1, le=1000, description="passes over the training photographs")
    batch_size: int = Field(32, ge=1, le=256, description="photographs per batch")
    validation_split: float = Field(
        0.2, ge=0, le=0.5, description="part of each class held out for validation, by which the best epoch is chosen"
    )
    augment: Annotated[tuple[Change, ...], BeforeValidator(_changes), WithJsonSchema(_CHANGES)] = Field(
        (), description="random changes of the photographs in each epoch; true: all of them"
    )
    patience: int | None = Field(
        None, ge=1, le=1000, description="early stopping: epochs without better validation; null: no early stopping"
    )
    class_weights: Literal["balanced"] | dict[str, Annotated[FiniteFloat, Field(gt=0, le=1000)]] | None = Field(
        None, description="weight of each class in the loss, by name; `balanced`: inverse to its frequency"
    )
    seed: int | None = Field(None, ge=0, lt=2**31, description="makes the training repeatable")

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        if self.patience is not None and not self.validation_split:
            raise ValueError("patience needs a validation_split above 0: there is nothing else to be patient about")
        if len(set(self.augment)) < len(self.augment):
            raise ValueError("augment names a change twice")
        return self
