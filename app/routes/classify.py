"""Routes of `/classify` and `/classify/batch`."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from app.dependencies import ClassifierDep, QuestionDep, RecordDep, SettingsDep, require_scope
from app.errors import Invalid, problem_of
from app.inference.admission import Admission
from app.inference.classifier import Classifier
from app.middleware.access_log import RequestRecord
from app.openapi import BATCH_BODY, IMAGE_BODY, PICTURE, problems
from app.presenters import draw_classification, present_classification
from app.responses import preferred_media_type, while_connected
from app.settings import Settings
from app.uploads import Upload, read_files, read_image
from bestguess import schemas
from bestguess.schemas.service import Scope
from vision.pictures import chart

router = APIRouter(tags=["classify"], dependencies=[require_scope(Scope.CLASSIFY)])

KINDS: dict[str, chart.Kind] = {"image/png": "png", "image/svg+xml": "svg"}
MEDIA_TYPES = {kind: media_type for media_type, kind in KINDS.items()}
OFFERED = (*KINDS, "application/json")
MOST_BARS = 50  # more would be a picture that nothing shows


@router.post(
    "/classify",
    response_model=schemas.Classification,
    responses=problems(400, 404, 413, 415, 422, 429, 503, 504) | PICTURE,
    openapi_extra=IMAGE_BODY,
    summary="What is this picture of?",
)
async def classify(request: Request, question: QuestionDep) -> Response:
    """Return the best predictions, best first: as JSON, or as a picture if `Accept` asks for PNG or SVG."""
    classifier: Classifier = request.state.classifier
    settings: Settings = request.state.settings
    record: RequestRecord = request.state.record
    kind = KINDS.get(preferred_media_type(request, OFFERED))  # None is JSON
    if kind and question.top_k > MOST_BARS:
        raise too_many_bars()
    admission = classifier.admit(replace(question, preview=kind is not None))
    async with classifier.bodies.reading(request.state.caller.counted_as, record):
        work = classifier.classify(await read_image(request, settings.max_parts), admission)
    found = await while_connected(request, work)
    record.classified(found)
    if kind is None:
        body = await present_classification(found, show_input=question.show_input)
        return Response(body.model_dump_json(), media_type="application/json")
    return Response(await asyncio.to_thread(draw_classification, found, kind), media_type=MEDIA_TYPES[kind])


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
    admission = classifier.admit(question)  # a refusal of the whole request is not repeated for each file
    async with classifier.bodies.reading(request.state.caller.counted_as, record):
        uploads = await read_files(request, ("file", "files"), files=settings.max_files, parts=settings.max_parts)
    answers = asyncio.gather(*(answer_one(classifier, upload, admission, record) for upload in uploads))
    return schemas.Batch(results=await while_connected(request, answers))


async def answer_one(
    classifier: Classifier, upload: Upload, admission: Admission, record: RequestRecord
) -> schemas.BatchItem:
    """Return one file's result, or the error that it would have had alone."""
    try:
        found = await classifier.classify(upload.data, admission)
        record.classified(found)
        result = await present_classification(found, show_input=admission.question.show_input)
    except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this file only
        problem = problem_of(error, record.request_id)
        record.refused.append(problem.slug)
        return schemas.BatchItem(filename=upload.name, error=schemas.Problem(**problem.body()))
    return schemas.BatchItem(filename=upload.name, result=result)


def too_many_bars() -> Invalid:
    """Return the error for a picture of more predictions than one can show."""
    return Invalid(
        f"query.top_k: a picture shows at most {MOST_BARS} guesses. Ask for fewer, or for JSON.",
        errors=[
            {"loc": ["query", "top_k"], "msg": f"at most {MOST_BARS} for a picture", "type": "less_than_equal"},
        ],
    )
