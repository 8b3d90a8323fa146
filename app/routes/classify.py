"""Routes of `/classify` and `/classify/batch`."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from app.answering import answer
from app.dependencies import ClassifierDep, RecordDep, SettingsDep, require_scope
from app.errors import problem_of
from app.inference.classifier import Classifier, Question
from app.middleware.access_log import RequestRecord
from app.openapi import BATCH_BODY, IMAGE_BODY, PICTURE, problems
from app.presenters import present_classification
from app.responses import while_connected
from app.routes.params import QuestionDep
from app.uploads import FormLimits, Upload, read_files
from bestguess import schemas
from bestguess.schemas.service import Scope

router = APIRouter(tags=["classify"], dependencies=[require_scope(Scope.CLASSIFY)])


@router.post(
    "/classify",
    response_model=schemas.Classification,
    responses=problems(400, 404, 413, 415, 422, 429, 503, 504) | PICTURE,
    openapi_extra=IMAGE_BODY,
    summary="What is this picture of?",
)
async def classify(request: Request, question: QuestionDep) -> Response:
    """Return the best predictions, best first: as JSON, or as a picture if `Accept` asks for PNG or SVG."""
    return await answer(request, request.state.classifier, request.state.settings, question)


@router.post(
    "/classify/batch",
    response_model=schemas.Batch,
    response_model_exclude_unset=True,
    responses=problems(400, 404, 413, 415, 422, 429, 503),
    openapi_extra=BATCH_BODY,
    summary="What are these pictures of?",
)
async def classify_batch(
    request: Request, classifier: ClassifierDep, settings: SettingsDep, question: QuestionDep, record: RecordDep
) -> schemas.Batch:
    """Classify each file of a form by itself: one broken image does not affect the others."""
    classifier.admit(question)  # a refusal of the whole request is not repeated for each file
    async with classifier.bodies.reading(request.state.caller.counted_as, record):
        uploads = await read_files(request, FormLimits(settings.max_files, settings.max_parts), ("file", "files"))
    answers = asyncio.gather(*(answer_one(classifier, upload, question, record) for upload in uploads))
    return schemas.Batch(results=await while_connected(request, answers))


async def answer_one(
    classifier: Classifier, upload: Upload, question: Question, record: RequestRecord
) -> schemas.BatchItem:
    """Return one file's result, or the error that it would have had alone."""
    try:
        found = await classifier.classify(upload.data, question)
        record.classified(found.choice.served.network.id, found.seconds.stages)
        result = await present_classification(found, show_input=question.show_input)
    except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this file only
        problem = problem_of(error, record.request_id)
        record.refused.append(problem.slug)
        return schemas.BatchItem(filename=upload.name, error=schemas.Problem(**problem.body()))
    return schemas.BatchItem(filename=upload.name, result=result)
