"""Query parameters of every call that classifies an image."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Depends, Path, Query

from app.dependencies import GalleryDep, WhoseDep
from app.errors import ModelUnusable
from app.inference.admission import Question
from app.inference.model_slot import ModelSlot
from app.services.models import Gallery
from jobs.errors import RecordDamaged
from vision.networks.registry import NETWORKS

FIT = "`crop`: the shorter side to 256 and the centre 224; `stretch`: the whole, squeezed to a square"
_IDS = ", ".join(f"`{model_id}`" for model_id in NETWORKS)
MODEL = f"insist on a model: {_IDS}, or one that was trained here, by its id or an alias"

ModelId = Annotated[str, Path(max_length=100, examples=["vgg16"], description="a model's id, or an alias")]


async def _options(
    top_k: Annotated[int, Query(ge=1, le=1000, description="how many guesses")] = 10,
    min_score: Annotated[float, Query(ge=0, le=1, description="leave out guesses below this score")] = 0.0,
    fit: Annotated[Literal["crop", "stretch"], Query(description=FIT)] = "crop",
    show_input: Annotated[bool, Query(description="add what the network saw, as a small PNG")] = False,
) -> Question:
    return Question(top_k, min_score, None, fit, show_input=show_input)


_Options = Annotated[Question, Depends(_options)]


async def _question(
    gallery: GalleryDep,
    whose: WhoseDep,
    options: _Options,
    model: Annotated[str | None, Query(max_length=100, description=MODEL)] = None,
) -> Question:
    return await _with_model(gallery, whose, options, model) if model else options


async def _question_of(gallery: GalleryDep, whose: WhoseDep, options: _Options, model_id: ModelId) -> Question:
    return await _with_model(gallery, whose, options, model_id)


async def _with_model(gallery: Gallery, whose: str, options: Question, name: str) -> Question:
    try:
        found = await gallery.find(name, whose)
    except RecordDamaged as error:  # for a call that classifies the same as damaged files
        raise ModelUnusable(f"{error}. Delete it, and train another.") from error
    return replace(options, model=found.network.id if isinstance(found, ModelSlot) else found)


QuestionDep = Annotated[Question, Depends(_question)]
QuestionOfDep = Annotated[Question, Depends(_question_of)]
