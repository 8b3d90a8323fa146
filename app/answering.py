"""One image in a request, and its answer: as JSON, or as a picture where that is preferred."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import mimeparse
from fastapi import Request, Response

from app.errors import Invalid
from app.presenters import present_classification
from app.responses import while_connected
from app.uploads import FormLimits, read_image
from vision.pictures import chart

if TYPE_CHECKING:
    from app.inference.classifier import Classified, Classifier, Question
    from app.settings import Settings

# Ascending preference: the last one wins where a client takes any.
OFFERED = ("image/png", "image/svg+xml", "application/json")
KINDS: dict[str, chart.Kind] = {"image/png": "png", "image/svg+xml": "svg"}
MEDIA_TYPES = {kind: media_type for media_type, kind in KINDS.items()}
MOST_BARS = 50  # more would be a picture that nothing shows


async def answer(request: Request, classifier: Classifier, settings: Settings, question: Question) -> Response:
    """Read a request's image, ask, and write the answer in the form that the client prefers."""
    kind = wanted_kind(request)
    if kind and question.top_k > MOST_BARS:
        raise too_many_bars()
    classifier.admit(question)
    wanted = replace(question, preview=kind is not None)
    async with classifier.bodies.reading(request.state.caller.counted_as, request.state.record):
        work = classifier.classify(await read_image(request, FormLimits(1, settings.max_parts)), wanted)
    answer = await while_connected(request, work)
    request.state.record.classified(answer.choice.served.network.id, answer.seconds.stages)
    if kind is None:
        body = await present_classification(answer, show_input=question.show_input)
        return Response(body.model_dump_json(), media_type="application/json")
    return Response(await asyncio.to_thread(picture, answer, kind), media_type=MEDIA_TYPES[kind])


def wanted_kind(request: Request) -> chart.Kind | None:
    """Say which kind of picture `Accept` prefers; None is JSON."""
    accept = ", ".join(request.headers.getlist("Accept")).lower() or "*/*"
    try:
        return KINDS.get(mimeparse.best_match(OFFERED, accept))
    except (mimeparse.MimeTypeParseException, ValueError):
        return None


def too_many_bars() -> Invalid:
    """Make the error for a picture of more guesses than one can show."""
    message = f"at most {MOST_BARS} for a picture"
    return Invalid(
        f"query.top_k: a picture shows at most {MOST_BARS} guesses. Ask for fewer, or for JSON.",
        errors=[{"loc": ["query", "top_k"], "msg": message, "type": "less_than_equal"}],
    )


def picture(answer: Classified, kind: chart.Kind) -> bytes:
    """Draw the photo beside its guesses."""
    served = answer.choice.served
    caption = served.network.title
    if answer.choice.stand_in_for:
        caption += f", in {answer.choice.stand_in_for.upper()}'s place"
    if served.weights and served.weights.origin not in {"imagenet", "trained"}:
        caption += f" · {served.weights.origin} weights"
    return chart.draw(answer.preview, [(guess.label, guess.score) for guess in answer.guesses], caption, kind)
