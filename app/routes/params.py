"""Parameters that several calls share: the name of a model, and the options of a classification."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Request

from app.errors import ModelUnusable
from app.inference.admission import Question
from app.inference.model_slot import ModelSlot
from app.services.models import ModelCatalog
from jobs.errors import RecordDamaged
from jobs.trained import TrainedModel

MODEL = "the model that must answer: a pretrained one, such as `vgg16`, or a trained one by its id or an alias"
FIT = "`crop`: shorter side to 256, then the central 224 x 224; `stretch`: the whole image, resized to a square"

ModelId = Annotated[str, Path(max_length=100, examples=["vgg16"], description="a model's id, or an alias")]
ModelName = Annotated[str | None, Query(max_length=100, description=MODEL)]
TopK = Annotated[int, Query(ge=1, le=1000, description="number of predictions")]
MinScore = Annotated[float, Query(ge=0, le=1, description="omit predictions below this score")]
Fit = Annotated[Literal["crop", "stretch"], Query(description=FIT)]
ShowInput = Annotated[bool, Query(description="add the pixels that the network saw, as a small PNG")]


async def _question(
    request: Request,
    model: ModelName = None,
    top_k: TopK = 10,
    min_score: MinScore = 0.0,
    fit: Fit = "crop",
    show_input: ShowInput = False,
) -> Question:
    found = await _find_model(request, model) if model else None
    return Question(top_k, min_score, found, fit, show_input=show_input)


async def _question_for_model(
    request: Request,
    model_id: ModelId,
    top_k: TopK = 10,
    min_score: MinScore = 0.0,
    fit: Fit = "crop",
    show_input: ShowInput = False,
) -> Question:
    return Question(top_k, min_score, await _find_model(request, model_id), fit, show_input=show_input)


async def _find_model(request: Request, name: str) -> str | TrainedModel:
    catalog: ModelCatalog = request.state.catalog
    try:
        found = await catalog.find(name, request.state.caller.owner_filter)
    except RecordDamaged as error:  # for a classification the same as damaged files
        raise ModelUnusable(f"{error}. Delete it, and train another.") from error
    return found.network.id if isinstance(found, ModelSlot) else found


QuestionDep = Annotated[Question, Depends(_question)]
QuestionForModelDep = Annotated[Question, Depends(_question_for_model)]
