"""`POST /classify` and `POST /classify/batch`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Literal

import mimeparse
from fastapi import APIRouter, Depends, Query, Request, Response

from app import schemas
from app.deps import ClassifierDep, SettingsDep
from app.disconnect import while_connected
from app.errors import Invalid
from app.inference.classifier import Classified, Classifier, Question
from app.rendering import as_problem
from app.routes.declared import BATCH_BODY, IMAGE_BODY, PICTURE, problems
from app.uploads import FormLimits, Upload, read_files, read_image
from app.wire import classification
from vision import chart

router = APIRouter(tags=["classify"])

# Ascending preference: the last one wins where a client takes any.
OFFERED = ("image/png", "image/svg+xml", "application/json")
KINDS: dict[str, chart.Kind] = {"image/png": "png", "image/svg+xml": "svg"}
MEDIA_TYPES = {kind: media_type for media_type, kind in KINDS.items()}
MOST_BARS = 50  # more would be a picture that nothing shows

FIT = "`crop`: the shorter side to 256 and the centre 224; `stretch`: the whole, squeezed to a square"


def asked(
    top_k: Annotated[int, Query(ge=1, le=1000, description="how many guesses")] = 10,
    min_score: Annotated[float, Query(ge=0, le=1, description="leave out guesses below this score")] = 0.0,
    model: Annotated[str | None, Query(description="insist on a model: `vgg16`, `efficientnet-lite0`")] = None,
    fit: Annotated[Literal["crop", "stretch"], Query(description=FIT)] = "crop",
) -> Question:
    """Put the query together, the same for every call that classifies."""
    return Question(top_k, min_score, model or None, fit)


QuestionDep = Annotated[Question, Depends(asked)]


@router.post(
    "/classify",
    response_model=schemas.Classification,
    responses=problems(400, 404, 413, 415, 422, 429, 503, 504) | PICTURE,
    openapi_extra=IMAGE_BODY,
    summary="What is this picture of?",
)
async def classify(
    request: Request, classifier: ClassifierDep, settings: SettingsDep, question: QuestionDep
) -> Response:
    """Answer with the best guesses, best first: as JSON, or as a picture where `Accept` asks for PNG or SVG."""
    kind = wanted_kind(request, question.top_k)
    data = await read_image(request, FormLimits(1, settings.max_parts))
    answer = await while_connected(request, classifier.classify(data, replace(question, preview=kind is not None)))
    if kind is None:
        return Response(classification(answer).model_dump_json(), media_type="application/json")
    return Response(await asyncio.to_thread(picture, answer, kind), media_type=MEDIA_TYPES[kind])


@router.post(
    "/classify/batch",
    response_model=schemas.Batch,
    response_model_exclude_unset=True,
    responses=problems(400, 404, 413, 415, 422, 503),
    openapi_extra=BATCH_BODY,
    summary="What are these pictures of?",
)
async def classify_batch(
    request: Request, classifier: ClassifierDep, settings: SettingsDep, question: QuestionDep
) -> schemas.Batch:
    """Answer each file of a form by itself: one broken image does not spoil the others."""
    uploads = await read_files(request, FormLimits(settings.max_files, settings.max_parts), ("file", "files"))
    classifier.engine.choose(question.model)  # a model that is not there is the request's fault, not each file's
    request_id = request.scope.get("request_id")
    answers = asyncio.gather(*(answer_one(classifier, upload, question, request_id) for upload in uploads))
    return schemas.Batch(results=await while_connected(request, answers))


async def answer_one(
    classifier: Classifier, upload: Upload, question: Question, request_id: str | None
) -> schemas.BatchItem:
    """Give one file's result, or its error in the shape that it would have had alone."""
    try:
        answer = await classifier.classify(upload.data, question)
    except Exception as error:  # noqa: BLE001 - any of them is this file's, and only its
        return schemas.BatchItem(filename=upload.name, error=schemas.Problem(**as_problem(error, request_id).body()))
    return schemas.BatchItem(filename=upload.name, result=classification(answer))


def wanted_kind(request: Request, top_k: int) -> chart.Kind | None:
    """Say which picture `Accept` prefers; None is JSON.

    Raises:
        Invalid: a picture of more guesses than one can show.
    """
    accept = ", ".join(request.headers.getlist("Accept")).lower() or "*/*"
    try:
        kind = KINDS.get(mimeparse.best_match(OFFERED, accept))
    except (mimeparse.MimeTypeParseException, ValueError):
        return None
    if kind and top_k > MOST_BARS:
        raise Invalid(
            f"query.top_k: a picture shows at most {MOST_BARS} guesses. Ask for fewer, or for JSON.",
            errors=[
                {"loc": ["query", "top_k"], "msg": f"at most {MOST_BARS} for a picture", "type": "less_than_equal"}
            ],
        )
    return kind


def picture(answer: Classified, kind: chart.Kind) -> bytes:
    """Draw the photo beside its guesses."""
    served = answer.choice.served
    caption = served.network.title
    if answer.choice.stand_in_for:
        caption += f", in {answer.choice.stand_in_for.upper()}'s place"
    if served.weights and served.weights.origin != "imagenet":
        caption += f" · {served.weights.origin} weights"
    return chart.draw(answer.preview, [(guess.label, guess.score) for guess in answer.guesses], caption, kind)
