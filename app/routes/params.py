"""What a query asks of an image, the same for every call that classifies."""

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

FIT = "`crop`: the shorter side to 256 and the centre 224; `stretch`: the whole, squeezed to a square"
MODEL = "insist on a model: `vgg16`, `vgg19`, `efficientnet-lite0`, or one that was trained here, by its id or an alias"

ModelId = Annotated[str, Path(max_length=100, examples=["vgg16"], description="a model's id, or an alias")]


async def _wishes(
    top_k: Annotated[int, Query(ge=1, le=1000, description="how many guesses")] = 10,
    min_score: Annotated[float, Query(ge=0, le=1, description="leave out guesses below this score")] = 0.0,
    fit: Annotated[Literal["crop", "stretch"], Query(description=FIT)] = "crop",
    show_input: Annotated[bool, Query(description="add what the network saw, as a small PNG")] = False,
) -> Question:
    return Question(top_k, min_score, None, fit, show_input=show_input)


_Wishes = Annotated[Question, Depends(_wishes)]


async def _asked(
    gallery: GalleryDep,
    whose: WhoseDep,
    wishes: _Wishes,
    model: Annotated[str | None, Query(max_length=100, description=MODEL)] = None,
) -> Question:
    return await _of(gallery, whose, wishes, model) if model else wishes


async def _asked_of(gallery: GalleryDep, whose: WhoseDep, wishes: _Wishes, model_id: ModelId) -> Question:
    return await _of(gallery, whose, wishes, model_id)


async def _of(gallery: Gallery, whose: str, wishes: Question, name: str) -> Question:
    try:
        found = await gallery.find(name, whose)
    except RecordDamaged as error:  # to who asks an image of it the same as where its files are damaged
        raise ModelUnusable(f"{error}. Delete it, and train another.") from error
    return replace(wishes, model=found.network.id if isinstance(found, ModelSlot) else found)


QuestionDep = Annotated[Question, Depends(_asked)]
QuestionOfDep = Annotated[Question, Depends(_asked_of)]
